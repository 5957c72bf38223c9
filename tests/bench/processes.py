"""What /proc knows of processes: their tree, the CPU time they used and the memory they hold."""
import dataclasses
import os
import pathlib

PROC = pathlib.Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def stat_fields(pid):
    """Fields of /proc/PID/stat from the third (state) on, or None when the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def descendants(pid):
    """Living processes below `pid`, the deepest last."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := stat_fields(entry.name)) and fields[0] not in "ZX":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, level = [], [pid]
    while level:
        level = [child for parent in level for child in children.get(parent, [])]
        found += level
    return found


def tree(pids):
    return [one for pid in pids for one in [pid, *descendants(pid)]]


def cpu_seconds(pids):
    """User and system time so far, of all threads: by the scheduler's nanoseconds where the kernel shows them."""
    total = 0.0
    for pid in pids:
        try:
            tasks = list((PROC / str(pid) / "task").iterdir())
            total += sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
        except OSError:
            fields = stat_fields(pid)
            total += (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0
    return total


def machine_busy_seconds():
    """CPU time that anything on this machine has used since its start, and what a hypervisor took away."""
    words = (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(word) / TICKS for word in words[:8])
    return user + nice + system + irq + softirq, steal


@dataclasses.dataclass
class Memory:
    pss_kb: int = 0  # proportional: a page that n processes share counts as 1/n
    uss_kb: int = 0  # unique: pages of this process alone

    def __add__(self, other):
        return Memory(self.pss_kb + other.pss_kb, self.uss_kb + other.uss_kb)


def memory(pids):
    total = Memory()
    for pid in pids:
        found = {}
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
            key, value, *_ = line.split()
            found[key.rstrip(":")] = int(value)
        total += Memory(found["Pss"], found["Private_Clean"] + found["Private_Dirty"])
    return total
