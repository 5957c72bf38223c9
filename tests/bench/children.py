"""scripts/bench children: /bin/true through the spawner, beside a bare posix_spawn loop, in one run.

Each round measures one after the other and several at a time, both ways. What the rows mean stands in docs/benchmarks.md.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import machine
from report import Aim, Results, Row

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build-bench"
SUBJECT, PEER = "fairlead", "posix_spawn"
AT_A_TIME = (1, 8)
ROUNDS, QUICK_ROUNDS = 7, 2
COUNT, QUICK_COUNT = 2000, 200
SECONDS = 300  # ends a hang


def rows():
    aim = Aim("at least 0.7 × posix_spawn", 0.7, True, PEER)
    found = [Row(f"rate_{n}", f"children a second, {n} at a time", "1/s", 0, aim) for n in AT_A_TIME]
    return found + [Row(f"cpu_{n}", f"CPU a child, {n} at a time, the child's own included", "µs", 0) for n in AT_A_TIME]


def measure(results, rounds, count):
    command = [str(BUILD / "tests" / "bench" / "bench_children"), str(BUILD / "fairlead-host"), str(count)]
    for number in range(rounds):
        for at_a_time in AT_A_TIME:
            done = subprocess.run([*command, str(at_a_time)], capture_output=True, text=True, timeout=SECONDS, check=True)
            seen = json.loads(done.stdout)
            for column, key in ((SUBJECT, "spawner"), (PEER, "bare")):
                results.add(f"rate_{at_a_time}", column, seen[key]["per_second"])
                results.add(f"cpu_{at_a_time}", column, seen[key]["cpu_us"])
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench children", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="few children and rounds, to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds (default {ROUNDS}, quick {QUICK_ROUNDS})")
    options = parser.parse_args()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    watch, began = machine.Watch(), time.monotonic()
    results = Results(rows(), (SUBJECT, PEER))
    try:
        measure(results, rounds, QUICK_COUNT if options.quick else COUNT)
    except subprocess.CalledProcessError as error:
        print(f"bench children: {error.stderr.strip()}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    doubts = watch.doubts(seconds)
    if options.quick:
        doubts.insert(0, "--quick runs too few to judge by")
    document = {
        "schema": "fairlead.bench/1", "name": "children", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1), "machine": watch.as_json(), "versions": {"kernel": os.uname().release},
        "doubts": doubts, "rows": results.as_json(SUBJECT, (PEER,)),
    }
    path = BUILD / "bench-children.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"  {seconds:.0f} s; samples in {path}", file=sys.stderr)
    if options.json:
        print(json.dumps(document, indent=1, ensure_ascii=False))
        return 0
    print(f"\nMedians; ~ marks samples that spread over a quarter of it. × {PEER}: {SUBJECT} divided by that.\n")
    print(results.as_table(SUBJECT, (PEER,)))
    for doubt in doubts:
        print(f"DOUBTFUL: {doubt}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
