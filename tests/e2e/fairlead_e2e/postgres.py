"""A throw-away PostgreSQL (scripts/dev-postgres) and what can be done to it."""
import os
import pathlib
import shutil
import signal
import subprocess

from .platform import PATIENCE, SOURCE, children_of
from .ports import free_port


class Postgres:
    """Starts at once. The folder keeps its port and its data, so that a restarted server is the same server.

    url asks for the password that is in password_file; socket_url asks for none.
    """

    def __init__(self, folder, *settings, fsync=False, port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.port = port or free_port()
        self.settings, self.fsync = list(settings), fsync
        self.databases = 0  # that fresh_database() has made
        self.process = None
        self.start()

    def start(self):
        command = [str(SOURCE / "scripts" / "dev-postgres"), str(self.folder), "--port", str(self.port)]
        if self.fsync:
            command.append("--fsync")
        for setting in self.settings:
            command += ["-c", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                        start_new_session=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError("dev-postgres did not start")
        facts = dict(word.split("=", 1) for word in line.split()[1:])
        self.url, self.socket_url, self.password_file = facts["url"], facts["socket_url"], facts["password_file"]
        self.pid = int(facts["pid"])

    def stop(self):
        """In order: connections are cut, what was committed is on disk."""
        if self.process is None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGTERM)
        self._gone()

    def ended(self):
        """Whether it gave up by itself, or nobody has started it."""
        if self.process is not None and self.process.poll() is not None:
            self._gone()
        return self.process is None

    def kill(self):
        """Every process of it at once, as a power cut would."""
        if self.ended():
            return
        for pid in [self.pid, *children_of(self.pid)]:
            _signal(pid, signal.SIGKILL)
        self._gone()

    def restart(self):
        self.stop()
        self.start()

    def _gone(self):
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None

    def freeze(self):
        """It stops answering; the kernel still acknowledges for it."""
        for pid in [self.pid, *children_of(self.pid)]:
            _signal(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in [self.pid, *children_of(self.pid)]:
            _signal(pid, signal.SIGCONT)

    def fresh_database(self):
        """Its name."""
        self.databases += 1
        self.sql(f"create database t{self.databases}")
        return f"t{self.databases}"

    def sql(self, text, database="fairlead"):
        """What psql prints for it: unaligned, rows without a header."""
        answer = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port), "-U", "fairlead",
             "-d", database, "-c", text],
            capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise AssertionError(f"psql: {answer.stderr}")
        return answer.stdout.rstrip("\n")

    def log(self):
        return (self.folder / "postgres.log").read_text(errors="replace")

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
