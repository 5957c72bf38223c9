"""A benchmark of one subject beside one peer: its options, its table, its JSON document. The rows and how they are measured are
the benchmark's own."""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import typing

import machine
from report import Results

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build-bench"


@dataclasses.dataclass(frozen=True)
class Amount:
    rounds: int
    count: int  # of what is measured, in a round


@dataclasses.dataclass(frozen=True)
class Benchmark:
    name: str
    about: str  # one line
    rows: list
    subject: str
    peer: str
    full: Amount
    quick: Amount
    measure: typing.Callable  # (Results, Amount): adds the samples; CalledProcessError where a program fails


def run(bench):
    """The exit code."""
    parser = argparse.ArgumentParser(prog=f"scripts/bench {bench.name}", description=bench.about)
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help=f"rounds (default {bench.full.rounds}, quick {bench.quick.rounds})")
    options = parser.parse_args()
    amount = bench.quick if options.quick else bench.full
    watch, began = machine.Watch(), time.monotonic()
    results = Results(bench.rows, (bench.subject, bench.peer))
    try:
        bench.measure(results, Amount(options.rounds or amount.rounds, amount.count))
    except subprocess.CalledProcessError as error:
        print(f"bench {bench.name}: {error.stderr.strip()}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    doubts = watch.doubts(seconds)
    if options.quick:
        doubts.insert(0, "--quick runs too few to judge by")
    document = {
        "schema": "fairlead.bench/1", "name": bench.name, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1), "machine": watch.as_json(), "versions": {"kernel": os.uname().release},
        "doubts": doubts, "rows": results.as_json(bench.subject, (bench.peer,)),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    path = BUILD / f"bench-{bench.name}.json"
    path.write_text(text + "\n")
    print(f"  {seconds:.0f} s; samples in {path}", file=sys.stderr)
    if options.json:
        print(text)
        return 0
    print(f"\nMedians; ~ marks samples that spread over a quarter of it. × {bench.peer}: {bench.subject} divided by that.\n")
    print(results.as_table(bench.subject, (bench.peer,)))
    for doubt in doubts:
        print(f"DOUBTFUL: {doubt}")
    return 0
