"""A throw-away pgbouncer before a throw-away PostgreSQL."""
import os
import pathlib
import pwd
import shutil
import subprocess

from .platform import PATIENCE, until
from .ports import free_port

SETTINGS = """[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = 4
"""


class Pgbouncer:
    """`mode`: session or transaction. Starts at once; whoever comes is who he says at the server, by the same password."""

    def __init__(self, folder, server, mode):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700)
        self.port = free_port()
        users = self.folder / "users"
        users.write_text(f'"fairlead" "{pathlib.Path(server.password_file).read_text().strip()}"\n')
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(server=server.port, port=self.port, users=users, mode=mode))
        self.log_file = self.folder / "log"
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
        if program is None:
            raise AssertionError("there is no pgbouncer here: scripts/bootstrap test")
        self.command = [program, str(settings)]
        if os.geteuid() == 0:  # it refuses to be root
            user = pwd.getpwnam("postgres")
            for path in (self.folder, users, settings):
                os.chown(path, user.pw_uid, user.pw_gid)
            self.command.insert(1, "--user=postgres")
        self.start()

    def start(self):
        """Where it was before."""
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._up, lambda: "pgbouncer to be up\n" + self.log())

    def _up(self):
        if self.process.poll() is not None:
            raise AssertionError("pgbouncer ended\n" + self.log())
        return "process up" in self.log()

    def log(self):
        return self.log_file.read_text(errors="replace")

    def url(self, database):
        return f"postgresql://fairlead@127.0.0.1:{self.port}/{database}"

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
