"""What scripts/bench tunnel measures: the columns, the rows with their aims, and how much of each."""
import dataclasses

import peers
from report import Aim, Row

SUBJECT = "fairlead"
OTHERS = ("ssh", "autossh")
DIRECT = "no tunnel"
STALLED = 4  # connections that ask for a stream and read none of it
COLUMNS = (SUBJECT, "ssh", "autossh", "ssh aes128-gcm", DIRECT)


@dataclasses.dataclass(frozen=True)
class Plan:
    rounds: int
    bulk_bytes: int
    pings: int
    pings_beside: int  # they take milliseconds each
    connects: int
    scale_rounds: int
    counts: tuple  # tunnels at a time
    stall_seconds: int
    idle_seconds: float  # until the memory of a quiet tunnel is read


FULL = Plan(7, 1_000_000_000, 5000, 500, 9, 3, (1, 50, 200), 60, 3.0)
QUICK = Plan(2, 100_000_000, 500, 50, 2, 1, (1, 5, 20), 4, 1.0)


def rows_of(plan):
    as_ssh = "at most 1.05 × ssh"
    bound = "at least 0.6 × ssh (libssh2)"
    no_slower = "no slower than one"
    rows = [
        Row("bulk_up", "bulk up", "MB/s", 0, Aim(bound, 0.6, True, "ssh")),
        Row("bulk_down", "bulk down", "MB/s", 0, Aim(bound, 0.6, True, "ssh")),
        Row("bulk4_up", "bulk up, 4 connections", "MB/s", 0, Aim(no_slower, 1.0, True, ("bulk_up", SUBJECT))),
        Row("bulk4_down", "bulk down, 4 connections", "MB/s", 0, Aim(no_slower, 1.0, True, ("bulk_down", SUBJECT))),
        Row("cpu_up", "CPU of the client, up", "s/GB", 2),
        Row("cpu_down", "CPU of the client, down", "s/GB", 2),
        Row("ping_p50", "64-byte round trip p50", "µs", 0, Aim(as_ssh, 1.05, of="ssh")),
        Row("ping_p99", "64-byte round trip p99", "µs", 0, Aim(as_ssh, 1.05, of="ssh")),
        Row("beside_up_p99", "the same beside bulk up, p99", "µs", 0, Aim("at most 2 ms", 2000)),
        Row("beside_down_p99", "the same beside bulk down, p99", "µs", 0, Aim("at most 2 ms", 2000)),
        Row("stalled_p99", f"the same beside {STALLED} stalled consumers, p99", "µs", 0,
            Aim("at most 2 × alone", 2.0, of=("ping_p99", SUBJECT))),
        Row("long_stalled_p99", f"the same after they have stalled for {plan.stall_seconds} s, p99", "µs", 0,
            Aim("at most 2 × alone", 2.0, of=("ping_p99", SUBJECT))),
        Row("first_connect", "first connect", "ms", 0, Aim("at most 0.5 × autossh", 0.5, of="autossh")),
        Row("up_command", "first connect, `up` on a running daemon", "ms", 0),
        Row("reconnect", "`kill -9` of the server's session to a byte crossing", "ms", 0,
            Aim(f"at most 100 ms + the {peers.BACKOFF_MS} ms backoff", 100 + peers.BACKOFF_MS)),
    ]
    for count in plan.counts:
        if count > 1:
            rows.append(Row(f"up_{count}", f"{count} tunnels up", "s", 2))
    for count in plan.counts:
        aim = Aim("at most 90 kB", 90) if count == 200 else None
        rows += [
            Row(f"pss_{count}", f"memory a tunnel at {count}, PSS", "kB", 0, aim),
            Row(f"uss_{count}", f"memory a tunnel at {count}, USS", "kB", 0),
            Row(f"all_pss_{count}", f"all processes at {count}, PSS", "kB", 0,
                Aim("at most 12 MB, later parts included", 12_000) if count == 1 else None),
            Row(f"all_uss_{count}", f"all processes at {count}, USS", "kB", 0),
        ]
    return rows
