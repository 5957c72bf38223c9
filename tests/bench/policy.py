"""scripts/bench policy: decisions a second and their times, through the policy process and by a bare Lua host in-process.

Each round measures one after the other: single decisions, the bare function, batches of 64. Then the time from SIGHUP to the
switch with 50 files of hooks. What the rows mean stands in docs/benchmarks.md.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import machine
from report import Aim, Results, Row

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build-bench"
SUBJECT, PEER = "fairlead", "bare Lua"
ROUNDS, QUICK_ROUNDS = 7, 2
COUNT, QUICK_COUNT = 50_000, 2_000
FILES = 50
SECONDS = 300  # ends a hang
HOOK = """api(1)
on.reconnect("patience", function(ctx)
  if ctx.reason == "auth_refused" then return ctx.stop("no use") end
  if ctx.clock.hour < 6 and ctx.attempts > 3 then return ctx.after(ctx.default_delay + 60) end
end)
"""
OTHER = 'api(1)\non.health("other-%d", function(ctx) if ctx.held_for > 60 then return ctx.degraded("%d") end end)\n'
ROWS = [
    Row("p50", "one decision, p50", "µs", 1, Aim("at most 40", 40)),
    Row("p99", "one decision, p99", "µs", 1, Aim("at most 300", 300)),
    Row("single", "one after the other", "1/s"),
    Row("batched", "64 at a time", "1/s", 0, Aim("at least 150 000", 150_000, True)),
    Row("pss", "memory of the process, PSS", "kB"),
    Row("reload", f"SIGHUP to the switch, {FILES} files of hooks", "ms", 1),
]


def measure(results, folder, rounds, count):
    (folder / "50-hook.lua").write_text(HOOK)
    command = [str(BUILD / "tests/bench/bench_policy"), str(BUILD / "fairlead-host"), str(folder), str(count)]
    for number in range(rounds):
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
        seen = json.loads(done.stdout)
        for column, key in ((SUBJECT, "single"), (PEER, "bare")):
            results.add("p50", column, seen[key]["p50_us"])
            results.add("p99", column, seen[key]["p99_us"])
            results.add("single", column, seen[key]["per_second"])
        results.add("batched", SUBJECT, seen["batched"]["per_second"])
        results.add("batched", PEER, seen["bare"]["per_second"])
        results.add("pss", SUBJECT, seen["pss_kb"])
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)


def measure_reload(results, folder, times):
    """By the time that the daemon's own log gives the switch."""
    for number in range(FILES - 1):
        (folder / f"60-{number}.lua").write_text(OTHER % (number, number))
    config = folder / "fairlead.yaml"
    config.write_text(json.dumps({"version": 1, "tunnels": {}, "log": {"format": "json"}, "policy": {"dir": str(folder)},
                                  "state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")}))
    daemon = subprocess.Popen([BUILD / "fairlead", "daemon", "--config", config], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    try:
        wait_for(daemon, "policy_loaded")
        for _ in range(times):
            began = time.monotonic()
            os.kill(daemon.pid, signal.SIGHUP)
            wait_for(daemon, "policy_loaded")
            results.add("reload", SUBJECT, (time.monotonic() - began) * 1000)
    finally:
        daemon.terminate()
        daemon.communicate(timeout=SECONDS)


def wait_for(daemon, event):
    for text in daemon.stderr:
        line = json.loads(text)
        if line["event"] == event:
            return
        if line["event"] in ("start_failed", "reload_rejected"):
            raise SystemExit(f"bench policy: {text}")
    raise SystemExit("bench policy: the daemon ended early")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench policy", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="few decisions and rounds, to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds (default {ROUNDS}, quick {QUICK_ROUNDS})")
    options = parser.parse_args()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    watch, began = machine.Watch(), time.monotonic()
    results = Results(ROWS, (SUBJECT, PEER))
    try:
        with tempfile.TemporaryDirectory(prefix="fairlead-bench.") as folder:
            measure(results, pathlib.Path(folder), rounds, QUICK_COUNT if options.quick else COUNT)
            measure_reload(results, pathlib.Path(folder), rounds)
    except subprocess.CalledProcessError as error:
        print(f"bench policy: {error.stderr.strip()}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    doubts = watch.doubts(seconds)
    if options.quick:
        doubts.insert(0, "--quick runs too few to judge by")
    document = {
        "schema": "fairlead.bench/1", "name": "policy", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1), "machine": watch.as_json(), "versions": {"kernel": os.uname().release},
        "doubts": doubts, "rows": results.as_json(SUBJECT, (PEER,)),
    }
    path = BUILD / "bench-policy.json"
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
