"""What the queues of scripts/bench queue stand on: one PostgreSQL that commits to disk, a database for each, the peers from npm, and
programs that are told what to do by JSON lines."""
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time

import processes
import scene as scenes

PEERS = scenes.ROOT / "tests" / "bench" / "queue_peers"
INSTALLED = scenes.BUILD / "queue_peers"
STORE_PROGRAM = scenes.BUILD / "tests" / "bench" / "bench_queue"
PATIENCE = 900  # seconds; ends a hang, a million tasks take a minute or two

# As one would run it for a queue: the million rows fit in memory, checkpoints are rare. Commits reach the disk.
SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min", "max_connections=60", "synchronous_commit=on")


class Database:
    """The one private server."""

    def __init__(self, scene):
        self.folder = scene.folder / "postgres"
        command = [scenes.ROOT / "scripts" / "dev-postgres", self.folder, "--port", scene.port(), "--fsync"]
        for setting in SETTINGS:
            command += ["-c", setting]
        process = scene.start("dev-postgres", command, stdout=subprocess.PIPE)
        line = process.stdout.readline().decode()
        if not line.startswith("ready "):
            raise scenes.Trouble(f"the private PostgreSQL did not start:\n{process.log.read_text()}")
        facts = dict(word.split("=", 1) for word in line.split()[1:])
        self.port, self.user, self.pid = facts["port"], facts["user"], int(facts["pid"])

    def psql(self, name):
        return ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port, "-U", self.user, "-d", name]

    def sql(self, text, name="fairlead"):
        words = [str(word) for word in self.psql(name)]
        answer = subprocess.run([*words, "-c", text], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        if answer.returncode != 0:
            raise scenes.Trouble(f"psql: {answer.stderr.strip()}")
        return answer.stdout.strip()

    def create(self, name):
        self.sql(f"drop database if exists {name} with (force)")
        self.sql(f"create database {name}")

    def url(self, name):
        """Over its UNIX socket, for libpq and for node-postgres alike."""
        return f"postgresql:///{name}?host={self.folder}&port={self.port}&user={self.user}"

    def settle(self, name):
        """Statistics as autovacuum would make them in a minute, and nobody pays for the pages of the one before."""
        self.sql("analyze", name)
        self.sql("checkpoint", name)

    def cpu_seconds(self):
        """Of the server and all its processes so far, those that have ended included."""
        ended = processes.stat_fields(self.pid)
        own = sum(int(ended[field]) for field in (13, 14)) / processes.TICKS  # of its children that it has waited for
        return own + processes.cpu_seconds(processes.tree([self.pid]))

    def version(self):
        return self.sql("show server_version")

    # -- counting statements, by the server's log

    def log_statements(self, on):
        self.sql(f"alter system set log_statement = '{'all' if on else 'none'}'")
        self.sql("select pg_reload_conf()")
        time.sleep(0.5)  # until every backend has looked at its signal

    def statements(self, name, seconds):
        """What clients of this database send meanwhile; everybody else must be quiet or elsewhere."""
        self.sql("alter system set log_line_prefix = '%d|'")
        self.log_statements(True)
        log = self.folder / "postgres.log"
        size = log.stat().st_size
        time.sleep(seconds)
        with open(log, encoding="utf-8", errors="replace") as lines:
            lines.seek(size)
            found = re.findall(rf"^{name}\|LOG:  (?:statement|execute [^:]*): (.*)", lines.read(), re.MULTILINE)
        self.log_statements(False)
        return found


class OldSnapshot:
    """A transaction that somebody forgot: nothing that died since can be cleaned away."""

    def __init__(self, scene, database, name):
        self.scene = scene
        self.process = scene.start("old-snapshot", database.psql(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(b"begin isolation level repeatable read;\nselect count(*) from pg_class;\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def close(self):
        self.scene.stop([self.process])


class Program:
    """A process that answers each JSON line on its stdin with one on its stdout."""

    def __init__(self, scene, name, command, folder=None):
        self.scene, self.name = scene, name
        self.process = scene.start(name, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.buffer = b""

    def ask(self, command, patience=PATIENCE, **words):
        text = json.dumps({"do": command, **words}) + "\n"
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.trouble(command, "it has ended") from None
        answer = json.loads(self.line(command, patience))
        if "error" in answer:
            raise self.trouble(command, answer["error"])
        return answer

    def line(self, command, patience):
        deadline = time.monotonic() + patience
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise self.trouble(command, f"no answer after {patience} s")
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                raise self.trouble(command, "it has ended")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def trouble(self, command, why):
        return scenes.Trouble(f"{self.name}: {command}: {why}\n{self.process.log.read_text()[-3000:]}")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.scene.stop([self.process])


def install_peers():
    """Into the build folder, once for each lock file."""
    lock = (PEERS / "package-lock.json").read_bytes()
    stamp = INSTALLED / "installed.json"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for path in PEERS.iterdir():
        shutil.copy2(path, INSTALLED)
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    print("  npm ci (graphile-worker, pg-boss)", file=sys.stderr, flush=True)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALLED, capture_output=True, text=True,
                          timeout=600, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise scenes.Trouble(f"npm ci: {done.stderr.strip()}")
    stamp.write_bytes(lock)


def peer_versions():
    packages = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    return {name: packages[f"node_modules/{name}"]["version"] for name in ("graphile-worker", "pg-boss")}
