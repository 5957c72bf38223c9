"""What scripts/bench queue measures: rows with their aims (docs/benchmarks.md says what they mean), and how much of it."""
import dataclasses

from report import Aim, BestOf, Row

SUBJECT = "fairlead"
PEERS = ("graphile-worker", "pg-boss")
STORE, SQLITE, STORE_SQLITE, SPAWN = "store port", "fairlead, SQLite", "store port, SQLite", "posix_spawn"
COLUMNS = (SUBJECT, STORE, *PEERS, SQLITE, STORE_SQLITE, SPAWN)
OTHERS = (*PEERS, SPAWN)


@dataclasses.dataclass(frozen=True)
class Plan:
    rounds: int  # of everything that is repeated
    tasks: int  # of one drain
    singles: int
    latencies: int
    gap_ms: int  # between two of them
    idle_seconds: int
    deep: int  # queued, or finished
    beside: int  # of another kind, or in the future
    hot: int
    children: int


FULL = Plan(rounds=5, tasks=20_000, singles=500, latencies=300, gap_ms=40, idle_seconds=60, deep=1_000_000, beside=100_000, hot=5000,
            children=2000)
QUICK = Plan(rounds=1, tasks=2000, singles=50, latencies=50, gap_ms=40, idle_seconds=12, deep=10_000, beside=5000, hot=300,
             children=100)

# Drains beside something: (name, title, the plan's amount or None).
CONDITIONS = {
    "queued": ("queued", "deep"),
    "history": ("finished before", "deep"),
    "other": ("of another kind ahead", "beside"),
    "future": ("in the future", "beside"),
    "snapshot": ("an old snapshot open", None),
}
# What --rows takes.
GROUPS = ("enqueue", "drain", "latency", "idle", *CONDITIONS, "hot", "children")


def rows_of(plan):
    best = Aim("at least 2 × the best peer", 2, True, BestOf(PEERS))
    flat = Aim("at least 0.8 × without", 0.8, True, ("drain", SUBJECT))
    beside = []
    for name, (title, amount) in CONDITIONS.items():
        count = f"{getattr(plan, amount):,} ".replace(",", " ") if amount else ""
        beside.append(Row(f"drain_{name}", f"… with {count}{title}", "1/s", 0, flat if name in ("queued", "history", "other") else None))
    tasks = f"{plan.tasks:,}".replace(",", " ")
    return [
        Row("single", "enqueue, one after the other", "1/s"),
        Row("batched", "enqueue, 1000 a call", "1/s"),
        Row("drain", f"drain of {tasks} no-op tasks", "1/s", 0, best),
        Row("drain_cpu", "CPU of the worker, a task", "µs", 1),
        Row("drain_db", "CPU of PostgreSQL, a task", "µs", 1),
        *beside,
        Row("latency_p50", "enqueue to start, idle worker, p50", "ms", 2, Aim("at most 0.7", 0.7)),
        Row("latency_p99", "enqueue to start, idle worker, p99", "ms", 2, Aim("at most 2", 2)),
        Row("idle_queries", "queries of an idle worker", "1/s", 3, Aim("at most 0.15", 0.15)),
        Row("pss", "memory of an idle worker, PSS", "kB"),
        Row("uss", "memory of an idle worker, USS", "kB"),
        Row("hot_rate", "three locks each over twenty keys", "1/s"),
        Row("hot_median", "… wait to the start, median", "ms"),
        Row("hot_max", "… wait to the start, longest", "ms"),
        Row("children", "/bin/true tasks", "1/s", 0, Aim("at least 0.7 × posix_spawn", 0.7, True, SPAWN)),
    ]
