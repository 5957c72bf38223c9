"""scripts/bench tunnel: fairlead, `ssh -N -R` and autossh on one throw-away sshd, interleaved in one run.

Each round measures one thing with every peer before the next thing, and each round begins with another peer, so that
a machine that grows slower in between does so for all. What the rows mean stands in docs/benchmarks.md.
"""
import argparse
import dataclasses
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import machine
import peers
import processes
import scene as scenes
from report import Results
from tunnel_rows import COLUMNS, DIRECT, FULL, OTHERS, QUICK, STALLED, SUBJECT, rows_of

TRAFFIC_SECONDS = 120  # ends a hang; a transfer takes seconds


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, scene, plan):
        self.scene, self.plan = scene, plan
        self.results = Results(rows_of(plan), COLUMNS)
        scene.start_sshd()
        self.service = scene.start_service()

    def peer(self, kind):
        return kind(self.scene, self.service)

    # -- the traffic generator

    def traffic(self, *words):
        command = [str(word) for word in (scenes.TRAFFIC, *words)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TRAFFIC_SECONDS)
        except subprocess.TimeoutExpired:
            raise scenes.Trouble(f"no end after {TRAFFIC_SECONDS} s of bench_traffic {' '.join(command[1:])}") from None
        if done.returncode != 0:
            raise scenes.Trouble(done.stderr.strip())
        return json.loads(done.stdout)

    def waiter(self, ports, patience=120):
        """Asks until a byte has crossed each port. It is running already when this returns."""
        process = self.scene.start("waiter", [scenes.TRAFFIC, "wait", patience, *ports], stdout=subprocess.PIPE)
        process.stdout.readline()
        return process

    def crossed_after(self, process, began, peer):
        """Seconds from `began` until the waiter saw its last byte."""
        line = process.stdout.readline()
        process.wait()
        self.scene.running.remove(process)
        peer.check()
        if not line:
            raise scenes.Trouble(f"{peer.name}: {process.log.read_text().strip().splitlines()[-1]}")
        return (json.loads(line)["monotonic_ns"] - began) / 1e9

    def up(self, kind, ports):
        """Starts tunnels; returns them and how long it took until all worked."""
        peer = self.peer(kind)
        waiter = self.waiter(ports)
        began = peer.start(ports)
        return peer, self.crossed_after(waiter, began, peer)

    # -- throughput and round trips: all peers are up, one is busy

    def lines(self):
        kinds = (peers.Fairlead, peers.Ssh, peers.Autossh, peers.SshGcm)
        open_lines = []
        for kind in kinds:
            port = self.scene.port()
            peer, _ = self.up(kind, [port])
            open_lines.append((kind.name, port, peer))
        return [*open_lines, (DIRECT, self.service, None)]

    def measure_lines(self):
        lines = self.lines()
        tasks = (self.bulk_up, self.bulk_down, self.bulk4_up, self.bulk4_down, self.ping, self.beside_up, self.beside_down,
                 self.beside_stalled)
        for _, port, _ in lines:  # the first bytes of a connection pay for growing buffers
            self.traffic("bulk-up", port, self.plan.bulk_bytes // 10, 1)
        for number in range(self.plan.rounds):
            turn = number % len(lines)
            for task in tasks:
                for name, port, peer in lines[turn:] + lines[:turn]:
                    pids = processes.tree(peer.pids()) if peer else []
                    task(name, port, pids)
            say(f"  traffic: round {number + 1} of {self.plan.rounds}: " + self.last("bulk_up", "MB/s up")
                + "; " + self.last("ping_p50", "µs"))
        for name, port, _ in lines:
            if name in (SUBJECT, "ssh"):
                self.beside_long_stalled(name, port)
        self.algorithms = self.fairlead_algorithms(lines[0][2])
        for _, _, peer in lines[:-1]:
            peer.check()
            peer.stop()

    def last(self, row, unit):
        found = ((name, self.results.samples.get((row, name))) for name in COLUMNS)
        return ", ".join(f"{name} {samples[-1]:.0f}" for name, samples in found if samples) + f" {unit}"

    def bulk(self, direction, connections, prefix, name, port, pids):
        before = processes.cpu_seconds(pids)
        done = self.traffic(f"bulk-{direction}", port, self.plan.bulk_bytes, connections)
        used = processes.cpu_seconds(pids) - before
        self.results.add(f"{prefix}_{direction}", name, done["bytes"] / 1e6 / done["seconds"])
        if pids and connections == 1:
            self.results.add(f"cpu_{direction}", name, used / (done["bytes"] / 1e9))

    def bulk_up(self, *line):
        self.bulk("up", 1, "bulk", *line)

    def bulk_down(self, *line):
        self.bulk("down", 1, "bulk", *line)

    def bulk4_up(self, *line):
        self.bulk("up", 4, "bulk4", *line)

    def bulk4_down(self, *line):
        self.bulk("down", 4, "bulk4", *line)

    def ping(self, name, port, _pids):
        done = self.traffic("ping", port, self.plan.pings)
        self.results.add("ping_p50", name, done["p50_us"])
        self.results.add("ping_p99", name, done["p99_us"])

    def beside(self, direction, name, port):
        done = self.traffic(f"ping-beside-{direction}", port, self.plan.pings_beside)
        self.results.add(f"beside_{direction}_p99", name, done["p99_us"])

    def beside_up(self, name, port, _pids):
        self.beside("up", name, port)

    def beside_down(self, name, port, _pids):
        self.beside("down", name, port)

    def beside_stalled(self, name, port, _pids):
        done = self.traffic("ping-beside-stalled", port, self.plan.pings, STALLED, 2)
        self.results.add("stalled_p99", name, done["p99_us"])

    def beside_long_stalled(self, name, port):
        done = self.traffic("ping-beside-stalled", port, self.plan.pings, STALLED, self.plan.stall_seconds)
        self.results.add("long_stalled_p99", name, done["p99_us"])

    def fairlead_algorithms(self, peer):
        text = subprocess.run(peer.cli("status", "--json"), capture_output=True, text=True, timeout=30).stdout
        return json.loads(text)["tunnels"][0]["algorithms"] if text else "unknown"

    # -- coming up and coming back: one tunnel at a time, a fresh one each time

    def measure_connects(self):
        for number in range(self.plan.connects):
            kinds = [peers.Fairlead, peers.Ssh, peers.Autossh]
            for kind in kinds[number % 3:] + kinds[:number % 3]:
                self.connect_and_come_back(kind)
            self.up_command()
            say(f"  connect: round {number + 1} of {self.plan.connects}: " + self.last("first_connect", "ms")
                + "; again " + self.last("reconnect", "ms"))

    def connect_and_come_back(self, kind):
        self.scene.wait_without_sessions()
        ports = self.scene.ports(1)
        peer, took = self.up(kind, ports)
        self.results.add("first_connect", kind.name, took * 1e3)
        if kind is not peers.Ssh:  # ssh alone does not come back
            time.sleep(0.5)  # the proof of fairlead's tunnel, and whatever else belongs to coming up
            began = self.scene.kill_session()
            self.results.add("reconnect", kind.name, self.crossed_after(self.waiter(ports), began, peer) * 1e3)
        peer.stop()

    def up_command(self):
        self.scene.wait_without_sessions()
        ports = self.scene.ports(1)
        peer = self.peer(peers.Fairlead)
        peer.start(ports, autostart=False)
        waiter = self.waiter(ports)
        began = time.monotonic_ns()
        command = self.scene.start("up", peer.cli("up", f"t{ports[0]}"))
        self.results.add("up_command", SUBJECT, self.crossed_after(waiter, began, peer) * 1e3)
        command.wait(30)
        self.scene.running.remove(command)
        peer.stop()

    # -- many tunnels: how long until all work, and what they weigh when quiet

    def measure_scale(self):
        for number in range(self.plan.scale_rounds):
            kinds = [peers.Fairlead, peers.Ssh, peers.Autossh]
            for count in self.plan.counts:
                for kind in kinds[number % 3:] + kinds[:number % 3]:
                    self.scene.wait_without_sessions()
                    peer, took = self.up(kind, self.scene.ports(count))
                    if count > 1:
                        self.results.add(f"up_{count}", kind.name, took)
                    time.sleep(self.plan.idle_seconds)
                    self.weigh(peer, count)
                    peer.check()
                    peer.stop()
                say(f"  scale: round {number + 1} of {self.plan.scale_rounds}: {count} at a time: "
                    + self.last(f"pss_{count}", "kB a tunnel"))

    def weigh(self, peer, count):
        pids = processes.tree(peer.pids())
        total = processes.memory(pids)
        self.results.add(f"all_pss_{count}", peer.name, total.pss_kb)
        self.results.add(f"all_uss_{count}", peer.name, total.uss_kb)
        base = processes.Memory()
        if peer.name == SUBJECT:
            # A second daemon, without tunnels, at the same moment: sessions of the sshd share libraries with ours, so
            # the PSS of the same daemon before they came would make the tunnels look lighter than they are.
            empty = self.peer(peers.Fairlead)
            empty.start([])
            time.sleep(self.plan.idle_seconds)
            total, base = processes.memory(pids), processes.memory(empty.pids())
            empty.stop()
        self.results.add(f"pss_{count}", peer.name, (total.pss_kb - base.pss_kb) / count)
        self.results.add(f"uss_{count}", peer.name, (total.uss_kb - base.uss_kb) / count)

    # -- what took part

    def ssh_talk(self):
        """One connection, for what ssh tells about both ends."""
        arguments = self.peer(peers.Ssh).arguments(self.scene.port())
        process = self.scene.start("ssh-talk", ["ssh", "-v", *arguments])
        deadline = time.monotonic() + 20
        while "Authenticated to" not in process.log.read_text() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.scene.stop([process])
        return process.log.read_text()


def run(scene, plan):
    bench = Bench(scene, plan)
    found = machine.versions(scenes.FAIRLEAD, bench.ssh_talk())
    bench.measure_lines()
    bench.measure_connects()
    bench.measure_scale()
    found["fairlead_algorithms"] = bench.algorithms
    return bench.results, found


def show(document, table, doubts):
    print(f"\nMedians; ~ marks samples that spread over a quarter of it. × ssh, × autossh: {SUBJECT} divided by that.\n")
    print(table)
    about = document["versions"] | {"machine": f"{document['machine']['cores']} cores, {document['machine']['cpu']}"}
    print("\n" + "\n".join(f"{re.sub('_', ' ', key)}: {value}" for key, value in about.items()))
    print(f"reconnect: fairlead waits a chosen {peers.BACKOFF_MS} ms before its first attempt, autossh does not wait")
    for doubt in doubts:
        print(f"DOUBTFUL: {doubt}")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench tunnel", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="small amounts and few rounds, to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of traffic (default {FULL.rounds}, quick {QUICK.rounds})")
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
        results, versions = run(scene, plan)
    except scenes.Trouble as trouble:
        say(f"bench tunnel: {trouble}")
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
        "schema": "fairlead.bench/1", "name": "tunnel", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1), "plan": dataclasses.asdict(plan), "backoff_ms": peers.BACKOFF_MS,
        "machine": watch.as_json(), "versions": versions, "doubts": doubts, "rows": results.as_json(SUBJECT, OTHERS),
    }
    path = pathlib.Path(scenes.BUILD) / "bench-tunnel.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    say(f"  {seconds:.0f} s; samples in {path}")
    if options.json:
        print(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        show(document, results.as_table(SUBJECT, OTHERS), doubts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
