"""The scene of scripts/faults queue: daemons that take and do tasks, the store below them, and everything that is recorded.

SQLite: one daemon, which is control and worker. PostgreSQL: a control and three workers, each with its own relay to one
server. Workers have a lease of 5 s, the shortest, and a hook that tries failed tasks again after 300 ms.
"""
import contextlib
import functools
import glob
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import queue_disks  # noqa: E402, the path comes first
import queue_load  # noqa: E402
import queue_record  # noqa: E402
from fairlead_e2e import FAIRLEAD, Daemon, until  # noqa: E402
from fairlead_e2e.postgres import Postgres  # noqa: E402
from fairlead_e2e.postgres_relay import PostgresRelay  # noqa: E402
from fairlead_e2e.task_case import FINAL, TaskCase  # noqa: E402

LEASE = 5  # seconds
SOON = 'api(1)\non.retry("soon", function(ctx)\n  if ctx.default_delay then return ctx.again(0.3) end\nend)\n'
ALL_STATES = "queued,claimed,running,awaiting_approval"
SETTLE = 240  # seconds without a task that ends; only ends a hang


def clock_library():
    """libfaketime, where the package is installed; None: clocks cannot be stepped here."""
    return next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))), None)


@functools.cache
def clock_of_daemons():
    """Nothing may be loaded before the runtime of ASan."""
    return clock_library() is not None and b"libasan.so" not in pathlib.Path(FAIRLEAD).read_bytes()


class Clock:
    """The wall clock of the processes that are started with its environment. The steady clocks stay right."""

    def __init__(self, path):
        self.path, self.library = path, clock_library()
        self.step(0)

    def step(self, seconds):
        rest = self.path.with_suffix(".new")
        rest.write_text(f"{seconds:+d}\n")
        rest.chmod(0o644)
        rest.rename(self.path)

    def environment(self):
        if self.library is None:
            return {}
        return {"LD_PRELOAD": self.library, "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Member(Daemon):
    """A daemon that is killed and comes back. `point`: the failpoint that it is armed with at its next start."""

    point, clock, deaths = None, None, 0

    def launch(self, command, environment):
        environment = environment | (self.clock.environment() if self.clock and clock_of_daemons() else {})
        if self.point:
            environment |= {"FAIRLEAD_FAILPOINT": self.point}
        return super().launch(command, environment)

    def dead(self):
        return self.process is not None and self.process.poll() is not None

    def kill_now(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        self.buried()

    def buried(self):
        if self.process is not None:
            self.process.wait()
            self.process = None
            self.deaths += 1

    def revive(self, point=None):
        """Armed, it may die before its API answers."""
        self.point = point
        if point is None:
            return self.start()
        environment = os.environ | {"HOME": str(self.folder)}
        self.process = self.launch(self.command, environment)
        return None


class Scene(TaskCase):
    """`kind`: sqlite or postgres. `seconds`: of faults. The state directory of SQLite, or the cluster, is a disk of its own."""

    def __init__(self, kind, seed, store_clock=False, seconds=1):
        super().__init__()
        self.kind, self.seed, self.store_clock, self.seconds = kind, seed, store_clock, seconds

    def runTest(self):  # noqa: N802, the name is unittest's
        pass

    def __enter__(self):
        self.setUp()
        try:
            self._begin()
        except BaseException:
            self.doCleanups()
            raise
        return self

    def __exit__(self, *_):
        self.doCleanups()

    def _begin(self):
        self.folder.chmod(0o755)  # PostgreSQL may be another user
        self.ledger_file = self.path("ledger")
        self.ledger_file.touch()
        self.effect = self.program(queue_record.EFFECT)
        self.hooks = self.path("hooks")
        self.hooks.mkdir()
        (self.hooks / "soon.lua").write_text(SOON)
        self.clock, self.disk, self.server, self.relays = Clock(self.path("clock")), None, None, []
        if self.kind == "postgres":
            self._begin_postgres()
        else:
            self._begin_sqlite()
        self.wait_until_live_all()

    # --- the parts
    def _begin_sqlite(self):
        folder = self.path("daemon")
        folder.mkdir(mode=0o700)
        (folder / "state").mkdir(mode=0o700)
        self.disk = queue_disks.SmallDisk.mount(folder / "state", self.seconds)
        if self.disk:
            self.addCleanup(self.disk.unmount)
        self.members = [self._member(folder, self.offer("w1", concurrency=6), self.clock if self.store_clock else None)]
        self.controls = self.members
        self.wait_until_live_all()
        queue_record.watch_sqlite(self._sqlite_file())

    def _sqlite_file(self):
        return self.members[0].folder / "state" / "queue.sqlite"

    def _begin_postgres(self):
        folder = self.path("pg")
        cluster = folder / "cluster"
        cluster.mkdir(parents=True, mode=0o700)
        self.disk = queue_disks.TornDisk.mount(cluster)
        if self.disk:
            self.addCleanup(self.disk.unmount)
        with self.at_stores_clock():  # a disk that is torn out keeps what was flushed, no more
            self.server = Postgres(folder, "min_wal_size=8MB", fsync=self.disk is not None)
        self.addCleanup(self.server.remove)
        password = self.path("password")
        password.touch(0o600)
        password.write_text(pathlib.Path(self.server.password_file).read_text())
        self.members = []
        for name in ("control", "w1", "w2", "w3"):
            relay = PostgresRelay(self.server.port)
            self.addCleanup(relay.close)
            self.relays.append(relay)
            store = {"store": f"postgresql://fairlead@127.0.0.1:{relay.port}/fairlead",
                     "store_password_file": str(password)}
            offer = {} if name == "control" else self.offer(name)
            # The store's clock counts, and w3's own is stepped.
            self.members.append(self._member(self.path(name), store | offer, self.clock if name == "w3" else None))
            if name == "control":
                until(lambda: self.members[0].get("/v1/status")["queue"]["store"]["state"] == "open",
                      lambda: "the schema\n" + self.members[0].tail())
                queue_record.watch_postgres(self.server)
        self.controls = self.members[:2]

    def bring_server_back(self):
        """Whoever watches over it starts it again, as often as it takes."""
        def met():
            if self.server.ended():
                with self.at_stores_clock():
                    self.server.start()
            try:
                return self.server.sql("select 1") == "1"
            except AssertionError:
                return False

        until(met, lambda: "PostgreSQL to be back\n" + self.server.log()[-2000:])

    @contextlib.contextmanager
    def at_stores_clock(self):
        """A server that is started inside has the clock that can be stepped, where the scene was made so."""
        more = self.clock.environment() if self.store_clock else {}
        os.environ.update(more)
        try:
            yield
        finally:
            for name in more:
                del os.environ[name]

    def offer(self, name, concurrency=4):
        settings = self.settings({"effect": (*self.effect, {"args": [str(self.ledger_file)]})}, name=name, node=name,
                                 concurrency=concurrency, lease=f"{LEASE}s", stop_deadline="3s")
        return settings | {"policy": {"dir": str(self.hooks), "deadline": "10s"}}

    def _member(self, folder, more, clock):
        member_kind = type("Member", (Member,), {"clock": clock})
        member = member_kind(folder, {}, {"log": {"level": "info", "format": "json"}} | more)
        self.addCleanup(member.kill)
        return member

    @property
    def workers(self):
        return self.members[1:] or self.members

    # --- what goes on
    def workers_online(self):
        try:
            return sum(worker["state"] == "online" for worker in self.controls[0].get("/v1/workers")["workers"])
        except (OSError, AssertionError, ValueError, KeyError):
            return 0

    def wait_until_live_all(self):
        until(lambda: self.workers_online() == len(self.workers),
              lambda: "all workers to be online\n" + "".join(member.tail(8) for member in self.members))

    def begin_load(self, per_second):
        self.load = queue_load.Load([member.socket_path for member in self.controls], self.seed, per_second)
        self.load.start()

    def without(self):
        """What cannot be broken here, and why."""
        found = []
        if self.disk is None:
            found.append("disk full, disk torn out: this user may not mount one, or there is no loop device")
        if clock_library() is None:
            found.append("clock steps: libfaketime is not installed (package faketime)")
        elif not clock_of_daemons():
            found.append("clock steps of daemons: a build with sanitizers")
        return found

    def steps_clocks(self):
        if self.kind == "sqlite":
            return self.store_clock and clock_of_daemons()
        return clock_of_daemons() or (self.store_clock and clock_library() is not None)

    def note(self, what, **values):
        """For who reads the record; the checker does not."""
        self.load.records.append({"what": what, "time": time.clock_gettime(time.CLOCK_BOOTTIME)} | values)

    def effects(self):
        """Bytes of the ledger: that it grows is progress."""
        return self.ledger_file.stat().st_size

    def goes_on(self, seconds=240):
        """Waits until programs are begun again."""
        before = self.effects()
        until(lambda: self.effects() > before, lambda: "work to go on\n" + "".join(m.tail(8) for m in self.members), seconds)

    # --- the end
    def settle(self):
        """Nothing breaks any more, and everything that was accepted comes to its end."""
        for relay in self.relays:
            relay.losing_hints = False
            relay.lose_answers(0)
            relay.thaw()
        self.clock.step(0)
        if self.disk:
            self.disk.free()
        self.load.stop()
        for member in self.members:
            if member.process is None or member.dead():
                member.buried()
            elif member.point:
                member.kill_now()
            if member.process is None:
                member.revive()
        deadline, fewest = time.monotonic() + SETTLE, None
        while time.monotonic() < deadline:
            left = self._hurry()
            if left == []:
                return True
            if left is not None and (fewest is None or len(left) < fewest):  # a long run leaves many
                deadline, fewest = time.monotonic() + SETTLE, len(left)
            time.sleep(0.5)
        return False

    def _hurry(self):
        """The tasks that have not ended; what waits for its time is told not to. None: nobody answers."""
        answer = queue_load.ask(self.controls[0].socket_path, "GET", f"/v1/tasks?state={ALL_STATES}&limit=1000")
        if answer is None or answer[0] != 200:
            return None
        for task in answer[1]["tasks"]:
            if task.get("waits_for") == "time":
                queue_load.ask(self.controls[0].socket_path, "POST", f"/v1/tasks/{task['id']}/retry")
        return [task["id"] for task in answer[1]["tasks"] if task["state"] not in FINAL]

    def record(self, settled):
        """Ends the daemons in order, and reads everything that was noted."""
        problems = []
        for member in reversed(self.members):
            try:
                member.stop()
            except AssertionError as error:
                problems.append(str(error))
        rows = queue_record.rows_of_postgres(self.server) if self.server else queue_record.rows_of_sqlite(self._sqlite_file())
        run = {"what": "run", "backend": self.kind, "seed": self.seed, "settled": True, "in_time": settled,
               "one_clock": not self.store_clock}
        return [run, *self.load.records, *rows, *queue_record.effects_of(self.ledger_file)], problems
