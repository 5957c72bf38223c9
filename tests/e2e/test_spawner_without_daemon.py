"""The daemon is killed, or stands still: a process of its own here, because the test itself must go on."""
import json
import os
import signal
import subprocess
import sys
import uuid

from fairlead_e2e import until
from fairlead_e2e.spawner import HOST, SpawnerCase, boot_ms, marked, request

# Starts the spawner, says its pid, and passes on what it is told to, line by line; says that, and then does nothing.
DAEMON = """
import os, signal, socket, subprocess, sys
near, far = socket.socketpair()
process = subprocess.Popen([sys.argv[1], "spawner"], close_fds=False, preexec_fn=lambda: os.dup2(far.fileno(), 3))
far.close()
print(process.pid, flush=True)
for line in sys.stdin.buffer:
    near.sendall(line)
    print("passed on", flush=True)
signal.pause()
"""

DEAF = "trap '' TERM; setsid sleep 10000 & while :; do sleep 1; done"


class WithoutDaemon(SpawnerCase):
    def daemon(self, *requests):
        process = subprocess.Popen([sys.executable, "-c", DAEMON, HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        self.spawner_pid = int(process.stdout.readline())
        for message in requests:
            self.pass_on(process, message)
        return process

    @staticmethod
    def pass_on(process, message):
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()

    def child(self, number, mark, **more):
        return request(number, ["/bin/sh", "-c", DEAF], mark, **more)

    def test_a_killed_daemon_leaves_no_child(self):
        mark = uuid.uuid4().hex
        daemon = self.daemon(*(self.child(number, mark) for number in range(1, 6)))
        self.until_marked(mark, 10)
        daemon.kill()
        self.until_nothing_left(mark)
        until(lambda: not os.path.exists(f"/proc/{self.spawner_pid}/status") or self.is_zombie(), "the spawner's end")

    def is_zombie(self):
        """Where nobody reaps orphans, as in a container without an init."""
        try:
            with open(f"/proc/{self.spawner_pid}/stat", encoding="ascii") as stat:
                return ") Z " in stat.read()
        except OSError:
            return True

    def test_a_stopped_daemon_loses_its_leased_child_in_time(self):
        leased, free = uuid.uuid4().hex, uuid.uuid4().hex
        daemon = self.daemon(self.child(1, leased, lease_until_ms=boot_ms() + 3_600_000), self.child(2, free))
        self.until_marked(leased, 2)
        self.until_marked(free, 2)
        until_ms = boot_ms() + 2000
        self.pass_on(daemon, {"do": "renew", "id": 1, "lease_until_ms": until_ms})
        daemon.send_signal(signal.SIGSTOP)
        self.until_nothing_left(leased)
        self.assertGreaterEqual(boot_ms(), until_ms)
        self.assertGreaterEqual(len(marked(free)), 2)
        daemon.kill()
        self.until_nothing_left(free)
