"""The scene of a benchmark: a scratch folder, free ports, the processes that were started, and their end.

Every process runs in a group of its own and is told by the kernel when this program dies, so that nothing is left
behind however a run ends.
"""
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import processes

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build-bench"
TRAFFIC = BUILD / "tests" / "bench" / "bench_traffic"
FAIRLEAD = BUILD / "fairlead"

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Trouble(Exception):
    """The run cannot go on; the text says why."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Scene:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-bench."))
        self.running = []
        self.taken = set()
        self.listener = 0  # pid of the sshd that listens
        self.sshd_port = 0
        self.user = ""

    # -- processes

    def start(self, name, command, **options):
        """Starts a program whose output goes to FOLDER/NAME.log, unless `stdout` is given; without input, unless `stdin` is."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command], stdin=options.pop("stdin", subprocess.DEVNULL), stdout=options.pop("stdout", log), stderr=log,
                start_new_session=True, preexec_fn=die_with_parent, **options,
            )
        process.log = self.folder / f"{name}.log"
        self.running.append(process)
        return process

    def stop(self, group, patience=15):
        """TERM to all of them at once, KILL to the groups of those that stay."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in group:
                if process.poll() is None:
                    # autossh ends its ssh itself; a group signal would make it start another one.
                    process.terminate() if number == signal.SIGTERM else os.killpg(process.pid, number)
            deadline = time.monotonic() + patience
            for process in group:
                try:
                    process.wait(max(0.01, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue
        self.running = [process for process in self.running if process not in group]

    def close(self):
        for process in reversed(self.running[:]):  # clients before the service, the sshd last
            self.stop([process])
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- ports

    def port(self):
        """Free, below the ephemeral range (32768 and up), where outgoing connections would collide."""
        for _ in range(2000):
            port = random.randrange(20000, 32000)
            if port in self.taken:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self.taken.add(port)
            return port
        raise Trouble("no free port between 20000 and 32000")

    def ports(self, count):
        return [self.port() for _ in range(count)]

    # -- the two ends

    def start_sshd(self):
        # The default MaxStartups (10:30:100) would turn away some of many tunnels that come at once, whoever they are.
        command = [ROOT / "scripts" / "dev-sshd", self.folder / "sshd", "--port", self.port()]
        command += ["-o", "MaxStartups=1000:100:1000", "-o", "LogLevel=ERROR"]
        process = self.start("dev-sshd", command, stdout=subprocess.PIPE)
        line = process.stdout.readline().decode()
        if not line.startswith("ready "):
            raise Trouble(f"the throw-away sshd did not start:\n{process.log.read_text()}")
        words = dict(word.split("=", 1) for word in line.split()[1:])
        self.sshd_port, self.user = int(words["port"]), words["user"]
        self.listener = int((self.folder / "sshd" / "sshd.pid").read_text())

    def start_service(self):
        port = self.port()
        process = self.start("service", [TRAFFIC, "serve", port], stdout=subprocess.PIPE)
        if process.stdout.readline() != b"ready\n":
            raise Trouble(f"the service did not start:\n{process.log.read_text()}")
        return port

    def wait_without_sessions(self, patience=15):
        deadline = time.monotonic() + patience
        while processes.descendants(self.listener):
            if time.monotonic() > deadline:
                raise Trouble("the sshd still has sessions of a tunnel that was stopped")
            time.sleep(0.02)

    def kill_session(self):
        """kill -9 of the server's process of the one connection: the deepest below the listener (OpenSSH 10 forks
        listener, sshd-session [priv], sshd-session). Returns the moment, when the process is certainly gone."""
        found = processes.descendants(self.listener)
        if not found:
            raise Trouble("the sshd has no session to kill")
        began = time.monotonic_ns()
        os.kill(found[-1], signal.SIGKILL)
        while processes.alive(found[-1]):
            time.sleep(0.0005)
        return began
