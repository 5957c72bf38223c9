"""scripts/bench queue: fairlead, graphile-worker and pg-boss on one private PostgreSQL, and fairlead on SQLite, interleaved in one run.

Each round measures one thing with every queue before the next thing, and begins with another queue. What the rows mean
stands in docs/benchmarks.md.
"""
import argparse
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time

import machine
import processes
import queue_scene
import scene as scenes
from queue_daemon import Daemon
from queue_peers import Graphile, PgBoss, StorePort
from queue_rows import COLUMNS, CONDITIONS, FULL, GROUPS, OTHERS, PEERS, QUICK, SPAWN, SUBJECT, rows_of
from report import Results

AT_A_TIME = 8  # children of the bare loop; fairlead starts as many as its concurrency allows


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, scene, plan):
        self.scene, self.plan = scene, plan
        self.results = Results(rows_of(plan), COLUMNS)
        self.server = queue_scene.Database(scene)
        server = self.server
        self.shared = [Daemon(scene, server, "fairlead_daemon"), StorePort(scene, server, "fairlead_store"),
                       Graphile(scene, server, "graphile"), PgBoss(scene, server, "pgboss")]
        self.embedded = [Daemon(scene, None, "daemon"), StorePort(scene, None, "store")]
        self.all = self.shared + self.embedded

    def rounds(self, queues, count=None):
        """Each (number, queue): every round begins with another one."""
        for number in range(count or self.plan.rounds):
            turn = number % len(queues)
            for queue in queues[turn:] + queues[:turn]:
                yield number, queue

    def said(self, what, row, number, unit):
        found = ((name, self.results.samples.get((row, name))) for name in COLUMNS)
        shown = ", ".join(f"{name} {samples[-1]:.{1 if unit == 'ms' else 0}f}" for name, samples in found if samples)
        say(f"  {what}: round {number + 1}: {shown} {unit}")

    def settle(self, queue):
        if queue.database:
            self.server.settle(queue.database)

    def open(self, queues):
        for queue in queues:
            queue.fresh()

    def close(self, queues):
        for queue in queues:
            queue.close()

    # -- adding and draining an empty queue

    def measure_enqueue(self):
        self.open(self.all)
        for number, queue in self.rounds(self.all):
            self.results.add("single", queue.name, queue.add_single(self.plan.singles))
            if queue is self.all[number % len(self.all) - 1]:
                self.said("enqueue, single", "single", number, "1/s")
        self.close(self.all)

    def measure_drain(self):
        self.open(self.all)
        for number, queue in self.rounds(self.all):
            self.results.add("batched", queue.name, queue.add_batched(self.plan.tasks))
            self.drain(queue, "drain", own=True)
            if queue is self.all[number % len(self.all) - 1]:
                self.said("drain", "drain", number, "1/s")
        self.close(self.all)

    def drain(self, queue, row, own=False):
        self.settle(queue)
        before = self.server.cpu_seconds()
        rate, cpu = queue.drain(self.plan.tasks)
        self.results.add(row, queue.name, rate)
        if own:
            self.results.add("drain_cpu", queue.name, cpu / self.plan.tasks * 1e6)
            if queue.database:
                self.results.add("drain_db", queue.name, (self.server.cpu_seconds() - before) / self.plan.tasks * 1e6)

    # -- draining beside something

    def measure_beside(self, name):
        amount = CONDITIONS[name][1]
        queues = self.shared if name == "snapshot" else self.all
        if name == "history":  # graphile-worker deletes what is done
            queues = [queue for queue in queues if queue.name != "graphile-worker"]
        if self.plan.rounds > 1 and name in ("queued", "history"):
            say(f"  {name}: filling")
        snapshots = []
        for queue in queues:
            queue.fresh()
            count = getattr(self.plan, amount) if amount else 0
            {"queued": self.fill_queued, "history": self.fill_history, "other": self.fill_other, "future": self.fill_future,
             "snapshot": lambda one, _: snapshots.append(queue_scene.OldSnapshot(self.scene, self.server, one.database))}[name](queue, count)
        for number, queue in self.rounds(queues, min(3, self.plan.rounds)):
            queue.add_batched(self.plan.tasks)
            self.drain(queue, f"drain_{name}")
            if queue is queues[number % len(queues) - 1]:
                self.said(f"drain, {name}", f"drain_{name}", number, "1/s")
        for snapshot in snapshots:
            snapshot.close()
        self.close(queues)

    @staticmethod
    def fill_queued(queue, count):
        queue.add_batched(count)

    def fill_history(self, queue, count):
        queue.add_batched(count)
        self.settle(queue)
        queue.drain(count)

    @staticmethod
    def fill_other(queue, count):
        queue.add_batched(count, kind="other", first=True)

    @staticmethod
    def fill_future(queue, count):
        queue.add_batched(count, delay_s=24 * 3600)

    # -- an idle worker

    def measure_latency(self):
        queues = self.shared + self.embedded[:1]
        self.open(queues)
        for number, queue in self.rounds(queues, min(3, self.plan.rounds)):
            found = sorted(queue.latencies(self.plan.latencies, self.plan.gap_ms))
            self.results.add("latency_p50", queue.name, found[len(found) // 2])
            self.results.add("latency_p99", queue.name, found[len(found) * 99 // 100])
            if queue is queues[number % len(queues) - 1]:
                self.said("latency p50", "latency_p50", number, "ms")
        self.close(queues)

    def measure_idle(self):
        for queue in [*self.shared, *self.embedded[:1]]:
            queue.fresh()
            queue.add_batched(self.plan.tasks)
            queue.drain(self.plan.tasks)
            pids = queue.start_idle()
            time.sleep(5)  # what belongs to its start
            if queue.database:
                found = self.server.statements(queue.database, self.plan.idle_seconds)
                self.results.add("idle_queries", queue.name, len(found) / self.plan.idle_seconds)
            else:
                time.sleep(self.plan.idle_seconds)
            weight = processes.memory(pids)
            self.results.add("pss", queue.name, weight.pss_kb)
            self.results.add("uss", queue.name, weight.uss_kb)
            queue.stop_idle()
            queue.close()
        self.said("idle queries", "idle_queries", 0, "1/s")
        self.said("memory", "pss", 0, "kB")

    # -- fairlead alone: hot locks; and children

    def measure_hot(self):
        queues = [self.shared[1], self.embedded[1]]
        for number, queue in self.rounds(queues, min(3, self.plan.rounds)):
            queue.fresh()
            seen = queue.hot(self.plan.hot)
            self.results.add("hot_rate", queue.name, self.plan.hot / seen["seconds"])
            self.results.add("hot_median", queue.name, seen["median_ms"])
            self.results.add("hot_max", queue.name, seen["max_ms"])
            queue.close()
            if queue is queues[number % len(queues) - 1]:
                self.said("hot locks", "hot_rate", number, "1/s")

    def measure_children(self):
        queues = [self.shared[0], self.embedded[0]]
        program = scenes.BUILD / "tests" / "bench" / "bench_children"
        self.open(queues)
        for number, queue in self.rounds(queues):
            self.results.add("children", queue.name, queue.true_rate(self.plan.children))
            if queue is queues[number % len(queues) - 1]:
                command = [program, scenes.BUILD / "fairlead-host", str(self.plan.children), str(AT_A_TIME)]
                seen = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)
                self.results.add("children", SPAWN, seen["bare"]["per_second"])
                self.said("children", "children", number, "1/s")
        self.close(queues)

    def measure(self, groups):
        for group in groups:
            if group in CONDITIONS:
                self.measure_beside(group)
            else:
                getattr(self, f"measure_{group}")()


def versions(server):
    found = {
        "fairlead": machine.output_of(scenes.FAIRLEAD, "--version").split("\n")[0].removeprefix("fairlead "),
        "postgresql": server.version(), "node": machine.output_of("node", "--version").removeprefix("v"),
        "sqlite": machine.package_version("libsqlite3-0"), "kernel": os.uname().release,
    }
    return found | queue_scene.peer_versions() | {"postgresql settings": ", ".join(("fsync=on", *queue_scene.SETTINGS))}


def show(document, table, doubts):
    print(f"\nMedians; ~ marks samples that spread over a quarter of it. × {', × '.join(PEERS)}: {SUBJECT} divided by that.\n")
    print(table)
    about = document["versions"] | {"machine": f"{document['machine']['cores']} cores, {document['machine']['cpu']}"}
    print("\n" + "\n".join(f"{re.sub('_', ' ', key)}: {value}" for key, value in about.items()))
    for doubt in doubts:
        print(f"DOUBTFUL: {doubt}")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench queue", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="small amounts and few rounds, to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds (default {FULL.rounds}, quick {QUICK.rounds})")
    parser.add_argument("--rows", action="append", choices=GROUPS, help="only these; may be given several times")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds needs at least 1")
    return options


def stop_on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    options = parse_arguments()
    plan = QUICK if options.quick else FULL
    if options.rounds:
        plan = dataclasses.replace(plan, rounds=options.rounds)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    watch, began = machine.Watch(), time.monotonic()
    scene = scenes.Scene()
    try:
        queue_scene.install_peers()
        bench = Bench(scene, plan)
        found = versions(bench.server)
        bench.measure(options.rows or GROUPS)
    except (scenes.Trouble, subprocess.CalledProcessError) as trouble:
        say(f"bench queue: {trouble}")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the clean-up is short and must be whole
        scene.close()
    seconds = time.monotonic() - began
    doubts = watch.doubts(seconds)
    if options.quick:
        doubts.insert(0, "--quick moves too little to judge by")
    document = {
        "schema": "fairlead.bench/1", "name": "queue", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1), "plan": dataclasses.asdict(plan), "machine": watch.as_json(), "versions": found,
        "doubts": doubts, "rows": bench.results.as_json(SUBJECT, OTHERS),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    path = scenes.BUILD / "bench-queue.json"
    path.write_text(text)
    say(f"  {seconds:.0f} s; samples in {path}")
    if options.json:
        print(text, end="")
    else:
        show(document, bench.results.as_table(SUBJECT, OTHERS), doubts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
