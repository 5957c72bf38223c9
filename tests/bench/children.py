"""scripts/bench children: /bin/true through the spawner, beside a bare posix_spawn loop, in one run.

Each round measures one after the other and several at a time, both ways. What the rows mean stands in docs/benchmarks.md.
"""
import json
import subprocess
import sys

from beside_one import BUILD, Amount, Benchmark, run
from report import Aim, Row

SUBJECT, PEER = "fairlead", "posix_spawn"
AT_A_TIME = (1, 8)
FULL, QUICK = Amount(rounds=7, count=2000), Amount(rounds=2, count=200)
SECONDS = 300  # ends a hang


def rows():
    aim = Aim("at least 0.7 × posix_spawn", 0.7, True, PEER)
    found = [Row(f"rate_{n}", f"children a second, {n} at a time", "1/s", 0, aim) for n in AT_A_TIME]
    return found + [Row(f"cpu_{n}", f"CPU a child, {n} at a time, the child's own included", "µs", 0) for n in AT_A_TIME]


def measure(results, amount):
    command = [str(BUILD / "tests" / "bench" / "bench_children"), str(BUILD / "fairlead-host"), str(amount.count)]
    for number in range(amount.rounds):
        for at_a_time in AT_A_TIME:
            done = subprocess.run([*command, str(at_a_time)], capture_output=True, text=True, timeout=SECONDS, check=True)
            seen = json.loads(done.stdout)
            for column, key in ((SUBJECT, "spawner"), (PEER, "bare")):
                results.add(f"rate_{at_a_time}", column, seen[key]["per_second"])
                results.add(f"cpu_{at_a_time}", column, seen[key]["cpu_us"])
        print(f"  round {number + 1} of {amount.rounds}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run(Benchmark("children", __doc__.split("\n")[0], rows(), SUBJECT, PEER, FULL, QUICK, measure)))
