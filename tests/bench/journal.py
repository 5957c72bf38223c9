"""scripts/bench journal: what a decision costs the loop thread, and how many a second reach the file."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build-bench"
ROWS = [  # key, what it is, unit, aim
    ("record_us_p50", "record() on the loop thread, p50 of turns of 100", "us", "at most 3"),
    ("record_us_p99", "… p99", "us", ""),
    ("stored_per_second", "recorded, redacted and in the file", "/s", ""),
    ("bytes_each", "of the file, each", "bytes", ""),
    ("redact_mb_per_second", "the built-in patterns over a context", "MB/s", ""),
]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench journal", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="few decisions, to see that it works")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often; medians are shown (default 3)")
    return parser.parse_args()


def measure(count):
    # On a disk, where one can be had: /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix="journal-", dir=BUILD) as folder:
        done = subprocess.run([BUILD / "tests/bench/bench_journal", folder, str(count)],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=900, check=True)
    return json.loads(done.stdout)


def main():
    options = parse_arguments()
    count = 5_000 if options.quick else 50_000
    rounds = [measure(count) for _ in range(max(1, options.rounds))]
    medians = {key: sorted(one[key] for one in rounds)[len(rounds) // 2] for key, *_ in ROWS}
    document = {"schema": "fairlead.bench/1", "name": "journal", "decisions": count, "medians": medians, "rounds": rounds}
    (BUILD / "bench-journal.json").write_text(json.dumps(document, indent=1) + "\n")
    if options.json:
        print(json.dumps(document, indent=1))
        return 0
    for key, what, unit, aim in ROWS:
        print(f"{what:52} {medians[key]:12,.1f} {unit:6} {aim}")
    if options.quick:
        print("--quick moves too little to judge by")
    return 0


if __name__ == "__main__":
    sys.exit(main())
