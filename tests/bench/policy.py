"""scripts/bench policy: decisions a second and their times, through the policy process and by a bare Lua host in-process.

Each round measures one after the other: single decisions, the bare function, batches of 64. Then the time from SIGHUP to the
switch with 50 files of hooks. What the rows mean stands in docs/benchmarks.md.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from beside_one import BUILD, Amount, Benchmark, run
from report import Aim, Row

SUBJECT, PEER = "fairlead", "bare Lua"
FULL, QUICK = Amount(rounds=7, count=50_000), Amount(rounds=2, count=2_000)
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


def measure(results, folder, amount):
    (folder / "50-hook.lua").write_text(HOOK)
    command = [str(BUILD / "tests/bench/bench_policy"), str(BUILD / "fairlead-host"), str(folder), str(amount.count)]
    for number in range(amount.rounds):
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
        seen = json.loads(done.stdout)
        for column, key in ((SUBJECT, "single"), (PEER, "bare")):
            results.add("p50", column, seen[key]["p50_us"])
            results.add("p99", column, seen[key]["p99_us"])
            results.add("single", column, seen[key]["per_second"])
        results.add("batched", SUBJECT, seen["batched"]["per_second"])
        results.add("batched", PEER, seen["bare"]["per_second"])
        results.add("pss", SUBJECT, seen["pss_kb"])
        print(f"  round {number + 1} of {amount.rounds}", file=sys.stderr, flush=True)


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


def measure_all(results, amount):
    with tempfile.TemporaryDirectory(prefix="fairlead-bench.") as folder:
        measure(results, pathlib.Path(folder), amount)
        measure_reload(results, pathlib.Path(folder), amount.rounds)


if __name__ == "__main__":
    sys.exit(run(Benchmark("policy", __doc__.split("\n")[0], ROWS, SUBJECT, PEER, FULL, QUICK, measure_all)))
