"""The queues that are compared. All can do the same: add tasks one by one and in batches, drain them, sit idle; each in its own
database (or file), by its own ways."""
import shutil
import time

import processes
from queue_scene import INSTALLED, PATIENCE, STORE_PROGRAM, Program

BATCH = 1000  # tasks of one call that adds several


class Queue:
    """`kind`: "noop" is what the worker takes, "other" is what nobody here takes. Rates are per second."""
    name = ""
    database = None  # its name, where it has one

    def fresh(self):
        """Nothing in it, nothing running."""
        raise NotImplementedError

    def add_single(self, count):
        raise NotImplementedError

    def add_batched(self, count, kind="noop", delay_s=0, first=False):
        """`first`: before the others in the queue."""
        raise NotImplementedError

    def drain(self, count):
        """(tasks a second, CPU seconds of the worker) for `count` of what is there."""
        raise NotImplementedError

    def latencies(self, count, gap_ms):
        """Milliseconds from before the call that adds a task to its start, one by one on an idle worker."""
        raise NotImplementedError

    def start_idle(self):
        """A fresh worker without work; returns its pids."""
        raise NotImplementedError

    def stop_idle(self):
        raise NotImplementedError

    def close(self):
        """Everything of it has ended."""
        raise NotImplementedError


class ProgramQueue(Queue):
    """One that a program of ours drives by JSON lines: one process adds, another one works."""

    def __init__(self, scene, server, database):
        self.scene, self.server, self.database = scene, server, database
        self.adder = self.worker = None

    def program(self, role):
        raise NotImplementedError

    def clear(self):
        self.server.create(self.database)

    def fresh(self):
        self.close()
        self.clear()
        self.adder = self.program("adder")
        self.adder.ask("install")
        self.worker = self.program("worker")

    def add_single(self, count):
        return count / self.adder.ask("add_single", count=count)["seconds"]

    def add_batched(self, count, kind="noop", delay_s=0, first=False):
        words = {"kind": kind, "delay_s": delay_s, "priority": 10 if first else 100}
        return count / self.adder.ask("add_batched", count=count, size=BATCH, **words)["seconds"]

    def drain(self, count):
        answer = self.worker.ask("drain", count=count, patience_s=PATIENCE)
        return count / answer["seconds"], answer["cpu_seconds"]

    def latencies(self, count, gap_ms):
        self.worker.ask("start_worker")
        time.sleep(1)
        self.adder.ask("add_single", count=count, gap_ms=gap_ms, timed=True)
        time.sleep(1)  # pg-boss polls twice a second
        found = self.worker.ask("samples")["samples_ms"]
        self.worker.ask("stop_worker")
        return found

    def start_idle(self):
        self.adder.close()
        self.worker.close()
        self.worker = self.program("worker")
        self.worker.ask("start_worker")
        return processes.tree([self.worker.process.pid])

    def stop_idle(self):
        self.worker.ask("stop_worker")
        self.adder = self.program("adder")

    def close(self):
        for program in (self.adder, self.worker):
            if program:
                program.close()
        self.adder = self.worker = None


class NodeQueue(ProgramQueue):
    """Of npm. Its worker has run once before anything is measured: the first tasks of a node process pay for its compiler."""
    file = ""
    WARM = 5000

    def program(self, role):
        command = ["node", "peer.js", self.file, self.server.url(self.database)]
        return Program(self.scene, f"{self.file}-{role}", command, INSTALLED)

    def fresh(self):
        super().fresh()
        self.add_batched(self.WARM)
        self.server.settle(self.database)
        self.drain(self.WARM)


class Graphile(NodeQueue):
    name, file = "graphile-worker", "graphile"


class PgBoss(NodeQueue):
    name, file = "pg-boss", "pgboss"


class StorePort(ProgramQueue):
    """fairlead's store driven by a bare loop, without daemon and API: claim 100 and complete them in one exchange."""

    def __init__(self, scene, server, database):
        super().__init__(scene, server, database if server else None)
        self.name = "store port" if server else "store port, SQLite"
        self.folder = scene.folder / f"port-{database}"

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.server:
            super().clear()

    def program(self, role):
        url = self.server.url(self.database) if self.server else ""
        return Program(self.scene, f"{self.folder.name}-{role}", [STORE_PROGRAM, self.folder, url])

    def hot(self, count):
        """Seconds for `count` tasks with locks, and how long they have waited."""
        return self.worker.ask("hot", count=count, outstanding=200)
