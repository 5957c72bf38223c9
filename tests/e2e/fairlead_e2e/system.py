"""A daemon in system mode, and accounts to use it by, beside those of this machine.

Both run in mount namespaces of their own, where /etc, /run and /var/lib are folders of the test.
"""
import os
import shutil
import subprocess

from .daemon import Daemon
from .platform import BUILD, PATIENCE

FAIRLEAD_GROUP = 61000
ACCOUNTS = {"root": 0, "chief": 61001, "viewer": 61002, "stranger": 61003}
MEMBERS = ["chief", "viewer"]

_ENTER = """
set -e
build=$1 folder=$2
shift 2
mount --bind "$build" "$folder/run/build"
mount --rbind "$folder/run" /run
mount --bind "$folder/lib" /var/lib
mount --bind "$folder/etc" /etc
exec "$@"
"""


def can_be_had():
    """Root that may make mount namespaces whose mounts stay inside."""
    command = ["unshare", "--mount", "--propagation", "private", "true"]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


class SystemDaemon(Daemon):
    """`has_group`: whether the group `fairlead` exists."""

    def __init__(self, folder, tunnels, more=None, has_group=True):
        self.has_group = has_group
        super().__init__(folder, tunnels, more)

    def settle(self, binary):
        for name in ("etc/fairlead", "run/build", "lib"):
            (self.folder / name).mkdir(mode=0o755, parents=True)
        self.etc, self.run, self.lib = (self.folder / name for name in ("etc", "run", "lib"))
        for name in ("ld.so.cache", "nsswitch.conf", "hosts", "localtime"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.etc / name)
        self.write_accounts()
        self.config_file = self.etc / "fairlead" / "fairlead.yaml"
        self.socket_path = str(self.run / "fairlead" / "control.sock")
        self.folders = {}  # the system's
        self.command = self.inside("/run/build/fairlead", "daemon", "--config", "/etc/fairlead/fairlead.yaml")

    def write_accounts(self):
        users = [f"{name}:x:{number}:{number}::/nonexistent:/bin/false\n" for name, number in ACCOUNTS.items()]
        groups = [f"{name}:x:{number}:\n" for name, number in ACCOUNTS.items()]
        if self.has_group:
            groups.append(f"fairlead:x:{FAIRLEAD_GROUP}:{','.join(MEMBERS)}\n")
        (self.etc / "passwd").write_text("".join(users))
        (self.etc / "group").write_text("".join(groups))

    def inside(self, *command):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "enter", str(BUILD), str(self.folder),
                *command]

    def by(self, account, *arguments):
        """`fairlead ARGUMENTS…` as this account; it finds configuration and socket by itself."""
        number = str(ACCOUNTS[account])
        become = ["setpriv", "--reuid", number, "--regid", number, "--init-groups"]
        return subprocess.run(self.inside(*become, "/run/build/fairlead", *arguments), capture_output=True, text=True,
                              timeout=PATIENCE, check=False, cwd="/", env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]})
