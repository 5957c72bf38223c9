"""A daemon under hostile hooks, with a line that carries traffic and one that cannot come up."""
import re
import sqlite3

from . import hostile
from .case import TunnelCase
from .platform import until
from .ports import free_port
from .transfer import Transfer

SAFE_DEFAULT = "safe_default"


class HostileHooks(TunnelCase):
    def setUp(self):
        super().setUp()
        self.hooks = self.path("hooks")
        self.hooks.mkdir()
        (self.hooks / "10-witness.lua").write_text(hostile.WITNESS)
        self.server, self.echo = self.sshd(), self.service()

    def begin(self):
        """A line that works and one that cannot: `reconnect` is asked about the second again and again."""
        self.forward = self.remote(self.echo)
        victim = self.tunnel(self.server, self.remote(self.echo)) | {"port": free_port()}
        self.running = self.daemon({"line": self.tunnel(self.server, self.forward), "victim": victim},
                                   {"policy": {"dir": str(self.hooks), "deadline": "1s"}})
        self.running.wait_for("connected")
        transfer = Transfer(self.forward["remote"])
        self.addCleanup(transfer.end)
        return transfer

    def decisions(self):
        """(event, verdict, why) of the journal, oldest first."""
        with sqlite3.connect(f"file:{self.running.folder}/state/decisions.sqlite?mode=ro", uri=True) as journal:
            return journal.execute("SELECT event, verdict, why FROM decisions ORDER BY seq").fetchall()

    def wait_line(self, event, says, after=0):
        def met():
            return next((line for line in self.running.lines(after)
                         if re.fullmatch(event, line.get("event") or "") and re.search(says, " ".join(map(str, line.values())))), None)
        return until(met, lambda: f"a line {event} with {says}\n{self.running.tail()}")

    def audited(self, action):
        files = (self.running.folder / "state" / "audit").glob("*")
        return sum(path.read_text(errors="replace").count(f'"{action}"') for path in files if path.is_file())

    def wait_witness(self, after):
        self.wait_line("hook_log", "witness victim", after)

    def reload(self):
        return self.running.request("POST", "/v1/reload")
