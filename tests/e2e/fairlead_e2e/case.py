"""The base of the test cases: makes servers, services, relays and daemons that end with the test."""
import hashlib
import pathlib
import shutil
import socket
import tempfile
import threading
import unittest

from .command import AtTerminal, Command
from .daemon import Daemon
from .platform import PATIENCE, until
from .ports import free_port
from .relay import Relay
from .services import HttpService, Service, echo
from .sshd import Sshd

QUICK = {"backoff_initial": "100ms", "backoff_max": "300ms"}


class TunnelCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self._names = 0

    def path(self, stem):
        self._names += 1
        return self.folder / f"{stem}{self._names}"

    # --- the parts; each ends with the test ---
    def sshd(self, *options, **more):
        server = Sshd(self.path("sshd"), *options, **more)
        self.addCleanup(server.remove)
        return server

    def service(self, handler=echo, **more):
        service = Service(handler, **more)
        self.addCleanup(service.close)
        return service

    def http_service(self, **more):
        service = HttpService(**more)
        self.addCleanup(service.close)
        return service

    def relay(self, server):
        relay = Relay(server.port if isinstance(server, Sshd) else server)
        self.addCleanup(relay.close)
        return relay

    def daemon(self, tunnels, more=None, kind=Daemon, **kinds):
        """`tunnels`: name to configuration, or one tunnel's, which is then called `line`."""
        if "forwards" in tunnels:
            tunnels = {"line": tunnels}
        daemon = kind(self.path("daemon"), tunnels, more, **kinds)
        self.addCleanup(daemon.kill)
        self.addCleanup(daemon.stop)  # runs first, before servers and services end
        return daemon

    def command(self, daemon, *arguments, at=Command):
        """`fairlead ARGUMENTS…` against this daemon; goes on beside the test."""
        command = at(["--config", str(daemon.config_file), *arguments])
        self.addCleanup(command.close)
        return command

    def at_terminal(self, daemon, *arguments):
        return self.command(daemon, *arguments, at=AtTerminal)

    def tunnel(self, server, *forwards, relay=None, **more):
        """The configuration of a tunnel to this server; by way of the relay where there is one."""
        port, known_hosts = server.port, server.known_hosts
        if relay is not None:
            port, known_hosts = relay.port, server.known_hosts_for(self.path("known_hosts"), relay.port)
        return {"host": "127.0.0.1", "port": port, "ssh_user": server.user, "ssh_key": server.key,
                "known_hosts": known_hosts, "forwards": list(forwards), "reconnect": QUICK} | more

    def remote(self, target, listen=None):
        """A forward whose listener is on the server. `target`: a service or a port."""
        return {"remote": listen or free_port(), "to": getattr(target, "port", target)}

    def local(self, target, listen=None):
        return {"local": listen or free_port(), "to": getattr(target, "port", target)}

    # --- clients ---
    def connect(self, port, host="127.0.0.1"):
        sock = socket.create_connection((host, port), timeout=PATIENCE)
        self.addCleanup(sock.close)
        return sock

    def receive(self, sock, size):
        """Exactly `size` bytes."""
        parts, left = [], size
        while left > 0:
            chunk = sock.recv(min(left, 1 << 16))
            if not chunk:
                raise AssertionError(f"the stream ended {left} bytes early")
            parts.append(chunk)
            left -= len(chunk)
        return b"".join(parts)

    @staticmethod
    def send_all(sock, payload):
        """And the end of the stream. The socket's timeout is for each piece: that of sendall() is for the whole."""
        rest = memoryview(payload)
        while rest:
            rest = rest[sock.send(rest[:1 << 16]):]
        sock.shutdown(socket.SHUT_WR)

    def exchange(self, port, payload=b"hello through the line", greeting=b""):
        """One connection to an echoing service: everything comes back, then the end of the stream."""
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
            if greeting:
                self.assertEqual(self.receive(sock, len(greeting)), greeting)
            sender = threading.Thread(target=self.send_all, args=(sock, payload))
            sender.start()
            answer = self.receive(sock, len(payload))
            self.assertEqual(sock.recv(1), b"")
            sender.join()
        self.assertEqual(hashlib.sha256(answer).digest(), hashlib.sha256(payload).digest())

    def try_exchange(self, port, payload=b"hello"):
        """True when the line carries it; False while it is down."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(payload)
                return self.receive(sock, len(payload)) == payload
        except (OSError, AssertionError):
            return False

    def wait_until_carries(self, port, daemon):
        until(lambda: self.try_exchange(port), lambda: "a connection to cross\n" + daemon.tail())
