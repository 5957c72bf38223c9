"""A daemon under hostile hooks, with a line that carries traffic and one that cannot come up."""
import contextlib
import math
import re
import sqlite3
import time

from . import hostile
from .case import QUICK, TunnelCase
from .platform import PATIENCE, until
from .ports import free_port
from .transfer import Transfer

SAFE_DEFAULT = "safe_default"
# Short, so that a hook that is ended three times costs a second; what one that computes little needs is far less.
SHORT_DEADLINE = "250ms"
# Asked at once, and then seldom: a hook's failures are logged a few times a minute.
SELDOM = {"backoff_initial": "500ms", "backoff_max": "1s"}
ASKED_ANEW = 3  # seconds until a call that nobody has answered is made again


class HostileHooks(TunnelCase):
    def setUp(self):
        super().setUp()
        self.hooks = self.path("hooks")
        self.hooks.mkdir()
        (self.hooks / "10-witness.lua").write_text(hostile.WITNESS)
        self.server, self.echo = self.sshd(), self.service()

    def begin(self, autostart=True, reconnect=QUICK, **policy):
        """A line that works and one that cannot: `reconnect` is asked about the second again and again, once it is up."""
        self.forward = self.remote(self.echo)
        victim = self.tunnel(self.server, self.remote(self.echo), autostart=autostart)
        victim |= {"port": free_port(), "reconnect": reconnect}
        self.running = self.daemon({"line": self.tunnel(self.server, self.forward), "victim": victim},
                                   {"policy": {"dir": str(self.hooks), "deadline": "1s"} | policy,
                                    "log": {"level": "info", "format": "json"}})
        self.running.wait_for("connected")
        transfer = Transfer(self.forward["remote"])
        self.addCleanup(transfer.end)
        return transfer

    # --- what the daemon tells ---
    def decisions(self):
        """(event, verdict, why) of the journal, oldest first."""
        file = f"file:{self.running.folder}/state/decisions.sqlite?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True, timeout=PATIENCE)) as journal:
            return journal.execute("SELECT event, verdict, why FROM decisions ORDER BY seq").fetchall()

    def given(self, event="reconnect"):
        """How many verdicts of hooks on this event the daemon has taken."""
        counts = self.running.get("/v1/status")["policy"]["counts"]
        return next((one["given"] for one in counts if one["event"] == event), 0)

    def find_line(self, event, says, after=0):
        def is_it(line):
            return re.fullmatch(event, line.get("event") or "") and re.search(says, " ".join(map(str, line.values())))
        return next(filter(is_it, self.running.lines(after)), None)

    def wait_line(self, event, says, after=0):
        return until(lambda: self.find_line(event, says, after), lambda: f"a line {event} with {says}\n{self.running.tail()}")

    def audited(self, action):
        files = (self.running.folder / "state" / "audit").glob("*")
        return sum(path.read_text(errors="replace").count(f'"{action}"') for path in files if path.is_file())

    def wait_witness(self, after):
        self.wait_line("hook_log", "witness victim", after)

    def check_witness_is_asked(self):
        """Of a victim that is down. A call does not wait long for a process that is started anew: it is made again then."""
        after, asked = self.running.mark(), -math.inf

        def met():
            nonlocal asked
            if time.monotonic() > asked + ASKED_ANEW:
                self.running.post("up", "victim")
                self.running.post("down", "victim")
                asked = time.monotonic()
            return self.find_line("hook_log", "witness victim", after)

        until(met, lambda: "an answer of the witness\n" + self.running.tail())

    def reload(self):
        return self.running.request("POST", "/v1/reload")

    # --- attacks, one after the other ---
    def go_through(self, attacks):
        """Lets each be asked by one daemon that reloads its hooks for it, while one transfer goes on.

        It keeps no journal: a reload would ask the new hooks what is in it, and refuse them.
        """
        self.assertTrue(attacks)
        transfer = self.begin(autostart=False, reconnect=SELDOM, deadline=SHORT_DEADLINE, journal={"age": "0s"})
        begun = self.running.mark()
        for attack in attacks:
            with self.subTest(attack.name), self.victim_up(attack) as (path, mark):
                self.attacked(attack, path, mark, transfer)
        self.assertEqual(self.running.transitions(begun), [])
        transfer.end()

    @contextlib.contextmanager
    def victim_up(self, attack):
        """The hook is there, and is asked until the end."""
        path = attack.write(self.hooks)
        try:
            status, answer = self.reload()
            self.assertEqual(status, 200, answer)
            mark = self.running.mark()
            self.running.post("up", "victim")
            yield path, mark
        finally:
            path.unlink()
            self.running.request("POST", "/v1/tunnels/victim/down")

    def attacked(self, attack, path, mark, transfer):
        given, audited = self.given(), self.audited("hook_quarantined")
        until(lambda: self.find_line(attack.seen, attack.says, mark)
              or attack.endless and self.find_line("hook_struck|policy_process_ended", hostile.DEADLINE_PASSED, mark),
              lambda: f"a line {attack.seen} with {attack.says}\n{self.running.tail()}")
        if attack.seen == "hook_struck":
            self.goes_into_quarantine(path, mark, audited)
        self.assertIn(self.running.tunnel("victim")["state"], ("starting", "reconnecting"))
        self.running.post("down", "victim")
        self.check_witness_is_asked()
        transfer.goes_on()
        self.assertEqual(self.given(), given)  # it decided nothing, whatever it answered
        if attack.seen == "hook_struck":
            path.write_text(hostile.HARMLESS)
            self.assertEqual(self.reload()[0], 200)
            self.running.post("up", "victim")
            until(lambda: self.given() > given, "a verdict of the mended hook")

    def goes_into_quarantine(self, path, mark, audited):
        line = self.wait_line("hook_quarantined", re.escape(path.name), mark)
        self.assertEqual(line["hook"], "attack")
        after = self.running.mark()
        until(lambda: self.audited("hook_quarantined") == audited + 1, "the audit's record")
        self.wait_witness(after)  # by a process that was started anew
        strikes = [one["strike"] for one in self.running.lines(mark) if one["event"] == "hook_struck"]
        self.assertEqual(strikes, ["1 of 3", "2 of 3", "3 of 3"])
