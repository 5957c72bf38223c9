"""scripts/faults queue: a queue under load while its daemons, its store and what lies between are broken, by a seed.

Enqueuers send tasks with locks, priorities, dependencies, idempotency keys, failures, cancels. Meanwhile one fault after the
other is made, then everything is let to settle, and the history checker (history.py) judges what was recorded outside of the
daemons.
"""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import sys
import time

import history
from queue_scene import LEASE, ROOT, Scene

FAILPOINTS = re.findall(r"^FAILPOINT\((\w+),", (ROOT / "src" / "base" / "failpoint.def").read_text(), re.MULTILINE)
STEPS = (3600, -3600, 90, -90, 10 * 365 * 86400)  # seconds
ARMED = 12          # seconds that an armed daemon has to reach its failpoint: a lease's third, and a busy machine
FELT = 20           # seconds for a server to notice what became of its disk
STEP_SECONDS = 2.5  # that a stepped clock stays so


class Faults:
    """One method a fault; each leaves the scene whole. `counts`: fault to how often."""

    def __init__(self, scene, dice):
        self.scene, self.dice, self.counts, self.missed = scene, dice, {}, []
        self.points = []

    def count(self, fault, times=1):
        self.counts[fault] = self.counts.get(fault, 0) + times

    # --- daemons
    def failpoints(self):
        """Every worker is armed with another point, and dies there."""
        for member in self.scene.workers:
            if not self.points:
                self.points = self.dice.sample(FAILPOINTS, len(FAILPOINTS))
            member.kill_now()
            self.count("killed at random")
            point = self.points.pop()
            member.revive(point + ("" if point.startswith("register") else f":{self.dice.randint(1, 3)}"))
        deadline = time.monotonic() + ARMED
        while time.monotonic() < deadline and not all(member.dead() for member in self.scene.workers):
            time.sleep(0.05)
        for member in self.scene.workers:
            name = member.point.split(":")[0]
            if member.dead() and member.process.returncode == -signal.SIGKILL:
                self.count(f"killed at {name}")
            else:
                self.missed.append(member.point)
            member.kill_now()
            member.revive()

    def kill(self):
        member = self.dice.choice(self.scene.members)
        member.kill_now()
        self.count("killed at random")
        if self.dice.random() < 0.3:
            time.sleep(LEASE + 1)
        member.revive()

    def freeze(self):
        """The daemon alone: its spawner goes on, and ends the children in time."""
        member = self.dice.choice(self.scene.workers)
        os.kill(member.pid, signal.SIGSTOP)
        time.sleep(self.dice.uniform(LEASE + 0.5, LEASE + 3))
        os.kill(member.pid, signal.SIGCONT)
        self.count("frozen past its lease")

    def disk_full(self):
        self.scene.disk.fill()
        time.sleep(self.dice.uniform(1, 4))
        self.scene.disk.free()
        self.count("disk full")

    def clock_steps(self):
        """At one worker's end; the database's, or SQLite's, where the scene was made so."""
        self.scene.clock.step(self.dice.choice(STEPS))
        time.sleep(STEP_SECONDS)
        self.scene.clock.step(0)
        self.count("clock stepped, and back")

    # --- PostgreSQL, and the way to it
    def server_killed(self):
        self.scene.server.kill()
        time.sleep(self.dice.uniform(0, 2))
        self.scene.bring_server_back()
        self.count("PostgreSQL killed")

    def server_restarted(self):
        with self.scene.at_stores_clock():
            self.scene.server.restart()
        self.count("PostgreSQL restarted")

    def server_frozen(self):
        self.scene.server.freeze()
        time.sleep(self.dice.uniform(1, LEASE + 1))
        self.scene.server.thaw()
        self.count("PostgreSQL frozen")

    def _wait_for_server_log(self, words, after):
        """False: it has not come so far in time."""
        deadline = time.monotonic() + FELT
        while not (said := any(word in self.scene.server.log()[after:] for word in words)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return said

    def server_disk_full(self):
        """Its rows have no room; or its log, too, and then it goes down and cannot come up."""
        scene, mark = self.scene, len(self.scene.server.log())
        scene.disk.fill()
        if self.dice.random() < 0.5:
            self._use_up_log()
        felt = self._wait_for_server_log(("No space left on device",), mark)
        time.sleep(self.dice.uniform(0.5, LEASE + 1))
        down = scene.server.ended()
        scene.disk.free()
        scene.bring_server_back()
        if felt:
            self.count("PostgreSQL's disk full" + (", and it went down" if down else ""))
        else:
            self.missed.append("PostgreSQL's disk full")

    def _use_up_log(self):
        """Beyond the few files of it that are there already."""
        try:
            for _ in range(40):
                self.scene.server.sql("select pg_logical_emit_message(false, '', 'one record'); select pg_switch_wal()")
        except AssertionError:
            pass

    def server_disk_torn_out(self):
        """EIO for everything that it does; then a power cut."""
        scene, mark = self.scene, len(self.scene.server.log())
        scene.disk.tear_out()
        felt = self._wait_for_server_log(("Input/output error",), mark)
        time.sleep(self.dice.uniform(0, 3))
        scene.server.kill()
        scene.disk.put_in_again()
        scene.bring_server_back()
        if felt:
            self.count("PostgreSQL's disk torn out (EIO)")
        else:
            self.missed.append("PostgreSQL's disk torn out (EIO)")

    def black_hole(self):
        relay = self.dice.choice(self.scene.relays)
        relay.go_dark()
        time.sleep(self.dice.uniform(2, LEASE + 3))
        relay.thaw()
        if self.dice.random() < 0.5:
            relay.reset()  # else each end has to find out by itself
        self.count("link black-holed")

    def link_reset(self):
        for relay in self.dice.sample(self.scene.relays, 2):
            relay.reset()
        self.count("links reset", 2)

    def answers_lost(self):
        """The server has committed, and its answer never arrives."""
        before = sum(relay.answers_lost for relay in self.scene.relays)
        for _ in range(4):
            for relay in self.scene.relays:
                relay.lose_answers(1)
            time.sleep(0.7)
        for relay in self.scene.relays:
            relay.lose_answers(0)
        self.count("answer lost after the commit", sum(relay.answers_lost for relay in self.scene.relays) - before)

    def hints_lost(self):
        before = sum(relay.hints_lost for relay in self.scene.relays)
        for relay in self.scene.relays:
            relay.losing_hints = True
        time.sleep(3)
        for relay in self.scene.relays:
            relay.losing_hints = False
        self.count("NOTIFY lost", sum(relay.hints_lost for relay in self.scene.relays) - before)

    def deck(self):
        own = [self.failpoints] * 2 + [self.kill, self.freeze] + [self.clock_steps] * self.scene.steps_clocks()
        if self.scene.kind == "sqlite":
            return own + [self.failpoints] * 3 + [self.disk_full] * bool(self.scene.disk)
        disk = [self.server_disk_full, self.server_disk_torn_out] * bool(self.scene.disk)
        return own + disk + [self.failpoints, self.server_killed, self.server_restarted, self.server_frozen,
                             self.black_hole, self.link_reset, self.answers_lost, self.hints_lost]

    def shuffled(self):
        cards = self.deck()
        self.dice.shuffle(cards)
        return cards


def run(kind, seconds, seed, store_clock=False, per_second=12, keep=None):
    """One scene from its beginning to its verdict: a JSON document. `keep`: where the record is left."""
    dice = random.Random(f"{seed} {kind} {store_clock}")
    with Scene(kind, seed, store_clock, seconds) as scene:
        scene.begin_load(per_second)
        without = scene.without()
        faults, stuck = Faults(scene, dice), []
        scene.goes_on()
        ends, deck = time.monotonic() + seconds, faults.shuffled()
        while deck:  # each is played to its end, and one is, however long everything has taken
            fault = deck.pop()
            print(f"  {kind}: {fault.__name__}", file=sys.stderr, flush=True)
            scene.note("fault", name=fault.__name__)
            fault()
            scene.note("over", name=fault.__name__)
            try:
                scene.goes_on()
            except AssertionError as error:
                stuck.append(f"after {fault.__name__}: {error}")
                break
            if not deck and time.monotonic() < ends:
                deck = faults.shuffled()
        settled = scene.settle()
        deaths = sum(member.deaths for member in scene.members)
        records, problems = scene.record(settled)
        problems += stuck
        if keep:
            keep.write_text("".join(json.dumps(one) + "\n" for one in records))
        findings = history.judge(records)
        return {"kind": kind, "seed": seed, "store_clock": store_clock, "faults": faults.counts, "deaths": deaths,
                "points_not_reached": faults.missed, "problems_at_end": problems, "findings": findings,
                "without": without}


def bad(result):
    return bool(result["findings"]["violations"] or result["problems_at_end"])


def told(result):
    clock = ", the store's clock stepped" if result["store_clock"] else ""
    lines = [f"{result['kind']}, seed {result['seed']}{clock}: {result['deaths']} deaths of daemons"]
    lines += [f"  {times:5} × {fault}" for fault, times in sorted(result["faults"].items())]
    if result["points_not_reached"]:
        lines.append(f"  not reached: {', '.join(result['points_not_reached'])}")
    lines += [f"  left out: {one}" for one in result["without"]]
    lines.append(history.report(result["findings"]))
    lines += [f"BROKEN at its end: {one}" for one in result["problems_at_end"]]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="scripts/faults queue", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=3, help="of faults, for each backend (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round of every fault for each backend")
    parser.add_argument("--seed", type=int, default=1, help="of load and schedule (default 1)")
    parser.add_argument("--backend", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--store-clock", action="store_true", help="step the store's clock, and not only a worker's")
    parser.add_argument("--rate", type=float, default=12, help="calls of enqueuers a second (default 12)")
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # everything that was started ends on the way out
    folder = pathlib.Path(os.environ["FAIRLEAD"]).parent
    seconds = 1 if options.quick else options.minutes * 60
    kinds = ("sqlite", "postgres") if options.backend == "both" else (options.backend,)
    results = []
    for kind in kinds:
        keep = folder / f"faults-queue-{kind}.record"
        results.append(run(kind, seconds, options.seed, options.store_clock, options.rate, keep))
        if not options.json:
            print(told(results[-1]), flush=True)
    document = {"schema": "fairlead.faults/1", "name": "queue", "runs": results}
    (folder / "faults-queue.json").write_text(json.dumps(document, indent=1) + "\n")
    if options.json:
        print(json.dumps(document, indent=1))
    return 1 if any(bad(result) for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
