"""Free TCP ports below the ephemeral range: up there outgoing connections would take them (trap 12)."""
import fcntl
import os
import random
import socket
import tempfile

LOWEST, HIGHEST = 20000, 31999
_claims = []  # locked files: a port that a test was given is given to nobody else while that test's process lives


def free_port():
    folder = os.path.join(tempfile.gettempdir(), f"fairlead-test-ports-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for _ in range(1000):
        port = random.randint(LOWEST, HIGHEST)
        claim = open(os.path.join(folder, str(port)), "a")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _must_be_free(port)
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise AssertionError(f"no free port between {LOWEST} and {HIGHEST}")


def _must_be_free(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            probe = socket.socket(family)
        except OSError:
            continue  # no IPv6 here
        with probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno == 98 or family == socket.AF_INET:  # EADDRINUSE
                    raise
