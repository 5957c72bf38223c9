"""`fairlead-host policy` over its bare protocol (src/host/policy.cpp): the test is the daemon."""
import fcntl
import json
import os
import socket
import subprocess
import unittest

from .platform import BUILD, PATIENCE

HOST = str(BUILD / "fairlead-host")
PAGE = 4096
CLOCK = {"unix": 1772366400, "iso": "2026-03-01T12:00:00.000Z", "year": 2026, "month": 3, "day": 1, "hour": 12,
         "minute": 0, "weekday": 7, "weekend": True}
# A ctx for `reconnect`, as the daemon fills it.
RECONNECT = {"tunnel": {"name": "hub", "host": "hub.example", "port": 22, "actor": "fairlead"}, "reason": "connect_refused",
             "detail": "", "patient": False, "attempts": 1, "max_attempts": 0, "default_delay": 2, "least_delay": 1,
             "seed": 5, "clock": CLOCK}


class PolicyHost:
    """One process. Messages and answers are dictionaries; what scripts log is kept in `logged`, and the hooks that did in `loggers`."""

    def __init__(self):
        near, far = socket.socketpair()
        page = os.memfd_create("page")
        os.ftruncate(page, PAGE)

        def give():  # 3 and 4 may be either of the two already: from copies
            copies = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (far.fileno(), page)]
            for wanted, copy in zip((3, 4), copies):
                os.dup2(copy, wanted)
                os.close(copy)

        self.process = subprocess.Popen([HOST, "policy"], close_fds=False, preexec_fn=give)
        far.close()
        os.close(page)
        near.settimeout(PATIENCE)
        self.socket, self.lines, self.logged = near, near.makefile("r", encoding="utf-8"), []
        self.loggers = []
        self.ready = self.receive()["ready"]

    def close(self):
        self.lines.close()
        self.socket.close()
        return self.process.wait(PATIENCE)

    def send(self, message):
        self.socket.sendall((json.dumps(message) + "\n").encode())

    def receive(self):
        """The next message that is no log line; None when the process has ended."""
        for line in self.lines:
            message = json.loads(line)
            if "log" not in message:
                return message
            self.logged.append(message["log"])
            self.loggers.append(message.get("hook"))
        return None

    def ask(self, message):
        self.send(message)
        return self.receive()

    def load(self, *files, limits=None):
        """Files are texts, or pairs of kind and text; the first is 0.lua."""
        pairs = [("hook", file) if isinstance(file, str) else file for file in files]
        return self.ask({"do": "load", "limits": limits or {}, "files": [
            {"path": f"{number}.lua", "kind": kind, "text": text} for number, (kind, text) in enumerate(pairs)]})

    def decide(self, **fields):
        return self.ask({"id": 1, "event": "reconnect", "ctx": RECONNECT | fields})

    def start(self, hook, flow=9):
        return self.ask({"flow": flow, "start": hook, "clock": CLOCK})

    def good(self, value, flow=9):
        return self.ask({"flow": flow, "good": value, "clock": CLOCK})

    def error(self, message, flow=9, forbidden=False):
        return self.ask({"flow": flow, "error": message, "raise": forbidden, "clock": CLOCK})


class PolicyHostCase(unittest.TestCase):
    def host(self, *files, **more):
        """A process with these files, which it must take."""
        host = PolicyHost()
        self.addCleanup(host.close)
        loaded = host.load(*files, **more)
        self.assertIn("loaded", loaded)
        host.loaded = loaded["loaded"]
        return host

    def refused(self, *files):
        """The problems that a process has with these files: (file, line, message) each."""
        host = PolicyHost()
        self.addCleanup(host.close)
        answer = host.load(*files)
        self.assertIn("refused", answer)
        return [(one["file"], one["line"], one["message"]) for one in answer["refused"]]
