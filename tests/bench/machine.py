"""What a figure depends on beside the code: versions, cores, and how busy the machine was with other things."""
import os
import platform
import re
import resource
import subprocess

import processes

BUSY_LOAD = 0.5  # load average for each core before the start
FOREIGN = 0.10  # part of the machine's CPU time that went elsewhere
STOLEN = 0.02


def output_of(*command):
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def package_version(pattern):
    """Of an installed package whose name fits: Debian 12 and 13 name libraries differently (libssh2-1, libssh2-1t64)."""
    text = output_of("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}\n", pattern)
    return next((line.split()[1] for line in text.splitlines() if line.startswith("installed ")), "unknown")


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions(fairlead, ssh_talk):
    """`ssh_talk`: what `ssh -v` said while it connected to the server of the run."""
    def found(pattern):
        match = re.search(pattern, ssh_talk)
        return match[1].strip() if match else "unknown"

    return {
        "fairlead": output_of(fairlead, "--version").split("\n")[0].removeprefix("fairlead "),
        "libssh2": package_version("libssh2-1*"),
        "libuv": package_version("libuv1*"),
        "openssh_client": output_of("ssh", "-V"),
        "openssh_server": found(r"remote software version (.*)"),
        "ssh_cipher": found(r"kex: client->server cipher: (\S+)"),
        "autossh": output_of("autossh", "-V"),
        "kernel": platform.release(),
    }


class Watch:
    """Sees how much of the machine something else took between its making and doubts()."""

    def __init__(self):
        self.load_before = os.getloadavg()
        self.busy, self.stolen = processes.machine_busy_seconds()
        self.own = self.own_seconds()

    @staticmethod
    def own_seconds():
        """This process and all that it started and that has ended."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    def doubts(self, seconds):
        """Reasons not to trust the figures. To be called when everything that was started has ended."""
        cores = os.cpu_count() or 1
        busy, stolen = processes.machine_busy_seconds()
        foreign = max(0.0, (busy - self.busy) - (self.own_seconds() - self.own)) / (seconds * cores)
        taken = (stolen - self.stolen) / (seconds * cores)
        reasons = []
        if self.load_before[0] > BUSY_LOAD * cores:
            reasons.append(f"the load average was {self.load_before[0]:.1f} on {cores} cores before the start")
        if foreign > FOREIGN:
            reasons.append(f"other processes took {foreign:.0%} of the machine meanwhile")
        if taken > STOLEN:
            reasons.append(f"the hypervisor took {taken:.0%} of the machine away")
        if cores < 2:
            reasons.append("one core: both ends and the tunnel share it")
        return reasons

    def as_json(self):
        return {"cores": os.cpu_count(), "cpu": cpu_model(), "load_before": self.load_before, "load_after": os.getloadavg()}
