"""Where things are, what this machine has, and how long to wait for anything."""
import ctypes
import os
import pathlib
import socket
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
FAIRLEAD = os.environ.get("FAIRLEAD", str(SOURCE / "build" / "fairlead"))
BUILD = pathlib.Path(FAIRLEAD).resolve().parent
PATIENCE = 90  # seconds; only ends a hang, on a machine that may be very busy


def until(condition, what, seconds=PATIENCE, pause=0.03):
    """Waits for condition() to be true and returns its value. `what` says what was waited for, text or callable."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for " + (what() if callable(what) else what))
        time.sleep(pause)


def libssh2_is_modern():
    """1.11.1 and later: RSA with SHA-2, AES-GCM, strict key exchange. The daemon links the same library."""
    library = ctypes.CDLL("libssh2.so.1")
    library.libssh2_version.restype = ctypes.c_char_p
    return library.libssh2_version(0x010B01) is not None


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def children_of(pid):
    """All descendants of a process, parents first. Read from /proc: `ps` may not be installed."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        for child in parents.get(queue.pop(0), []):
            found.append(child)
            queue.append(child)
    return found
