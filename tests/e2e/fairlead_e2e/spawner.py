"""`fairlead-host spawner` over its bare protocol: the test is the daemon.

Every child gets a mark in its environment, which all that it starts inherits, whatever it does to get away: so that a
test can say that nothing of it is left.
"""
import base64
import json
import os
import pathlib
import resource
import socket
import subprocess
import time
import unittest
import uuid

from .platform import BUILD, PATIENCE, children_of, until

HOST = str(BUILD / "fairlead-host")
MARK = "FAIRLEAD_TEST_MARK"


def boot_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def marked(mark):
    """The pids of all living processes with this mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and wanted in pathlib.Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                found.append(int(entry))
        except OSError:
            continue
    return found


def request(number, argv, mark, environment=None, data=b"", **more):
    """A request to start a child, as the daemon would write it."""
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", MARK: mark} | (environment or {})
    return {
        "do": "start", "id": number, "argv": list(argv), "environment": [f"{k}={v}" for k, v in variables.items()],
        "folder": "/", "input": base64.b64encode(data).decode(), "timeout_ms": PATIENCE * 1000, "grace_ms": 300,
        "output_head": 4096, "output_tail": 4096,
    } | more


class Output:
    def __init__(self, fields):
        self.head, self.tail = (base64.b64decode(fields[key]) for key in ("head", "tail"))
        self.total = fields["total"]

    @property
    def text(self):
        return (self.head + self.tail).decode()


class Report:
    """What came of a child."""

    def __init__(self, fields):
        self.fields = fields
        self.kind, self.end, self.status = fields["child"], fields.get("end"), fields.get("status")
        if self.kind == "ended":
            self.out, self.err = Output(fields["out"]), Output(fields["err"])

    def __repr__(self):
        return json.dumps(self.fields)


class Spawner:
    def __init__(self, descriptors=None, before=None):
        if not os.access(HOST, os.X_OK):
            raise AssertionError(f"{HOST} is not built")
        self.near, far = socket.socketpair()
        self.mark = uuid.uuid4().hex
        self.number = 0
        self.started, self.reports, self.seen = {}, {}, {}  # by id; seen: the live output

        def prepare():
            os.dup2(far.fileno(), 3)
            for fd in (5, 6):  # strangers, that a careless daemon has left open
                os.dup2(2, fd)
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if before:
                before()

        self.process = subprocess.Popen([HOST, "spawner"], close_fds=False, preexec_fn=prepare)
        far.close()
        self.lines = self.near.makefile("rb")

    @property
    def pid(self):
        return self.process.pid

    def send(self, message):
        self.near.sendall(json.dumps(message).encode() + b"\n")

    def start(self, *argv, **more):
        self.number += 1
        self.send(request(self.number, argv, more.pop("mark", self.mark), **more))
        return self.number

    def shell(self, script, **more):
        return self.start("/bin/sh", "-c", script, **more)

    def read(self):
        self.near.settimeout(PATIENCE)
        line = self.lines.readline()
        if not line:
            raise AssertionError("the spawner is gone")
        message = json.loads(line)
        if message["child"] == "started":
            self.started[message["id"]] = message["pid"]
        elif message["child"] == "output":
            self.seen[message["id"]] = self.seen.get(message["id"], b"") + base64.b64decode(message["bytes"])
        else:
            self.reports[message["id"]] = Report(message)

    def wait(self, number):
        while number not in self.reports:
            self.read()
        return self.reports.pop(number)

    def wait_started(self, number):
        while number not in self.started:
            self.read()
        return self.started[number]

    def wait_seen(self, number, text):
        """Until that is in its live output."""
        while text not in self.seen.get(number, b""):
            self.read()

    def run(self, *argv, **more):
        return self.wait(self.start(*argv, **more))

    def run_shell(self, script, **more):
        return self.wait(self.shell(script, **more))

    def close(self):
        """As a daemon that is gone; returns the exit code."""
        self.lines.close()
        self.near.close()
        return self.process.wait(PATIENCE)



class SpawnerCase(unittest.TestCase):
    def spawner(self, **more):
        made = Spawner(**more)
        self.addCleanup(self.clean_up, made)
        return made

    def clean_up(self, spawner):
        still_running = spawner.process.returncode is None
        code = spawner.close()
        if still_running:
            self.assertEqual(code, 0)
        self.assert_nothing_left(spawner.mark)

    def assert_nothing_left(self, mark):
        """Now, without waiting: for after a report."""
        self.assertEqual(marked(mark), [])

    def assert_nothing_below(self, pid):
        """No child, no guard, no zombie."""
        self.assertEqual(children_of(pid), [])

    def until_marked(self, mark, count):
        return until(lambda: len(marked(mark)) >= count and marked(mark), f"{count} processes")

    def until_nothing_left(self, mark):
        until(lambda: not marked(mark), lambda: f"the end of {marked(mark)}")
