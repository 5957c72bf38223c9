"""Hostile hooks (tests/policy/hostile/): what is said of each, and that the lines carry traffic meanwhile."""
import json
import os
import re
import signal
import sqlite3
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, free_port, until
from fairlead_e2e import hostile
from fairlead_e2e.platform import PATIENCE
from fairlead_e2e.transfer import Transfer

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


class AtLoad(HostileHooks):
    def test_the_daemon_does_not_start_with_it(self):
        for attack in hostile.attacks("load"):
            with self.subTest(attack.name):
                folder = self.path("set")
                path = attack.write(folder)
                config = folder / "fairlead.yaml"
                config.write_text(json.dumps({"version": 1, "tunnels": {}, "log": {"format": "json"},
                                              "policy": {"dir": str(folder)},
                                              "state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")}))
                done = subprocess.run([FAIRLEAD, "daemon", "--config", config], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=PATIENCE)
                lines = [json.loads(line) for line in done.stderr.splitlines()]
                failed = [line["error"] for line in lines if line["event"] == "start_failed"]
                self.assertEqual(len(failed), 1, done.stderr)
                self.assertRegex(failed[0], attack.message(folder))
                self.assertEqual(done.returncode, 78)
                path.unlink()

    def test_a_reload_with_it_changes_nothing(self):
        (self.hooks / "20-calm.lua").write_text(hostile.HARMLESS)
        transfer = self.begin()
        for attack in hostile.attacks("load"):
            with self.subTest(attack.name):
                mark, path = self.running.mark(), attack.write(self.hooks)
                os.kill(self.running.pid, signal.SIGHUP)
                rejected = self.wait_line("reload_rejected", "", mark)
                self.assertRegex(rejected["error"], attack.message(self.hooks))
                self.assertRegex(self.running.get("/v1/status")["daemon"]["last_reload_error"], attack.message(self.hooks))
                status, problem = self.reload()
                self.assertEqual((status, problem["code"]), (422, "bad_config"))
                path.unlink()
                self.wait_witness(mark)
                self.wait_calm()
                transfer.goes_on()
        self.assertEqual([line["generation"] for line in self.running.lines() if line["event"] == "policy_loaded"], ["1"])
        self.assertEqual(self.reload()[0], 200)

    def wait_calm(self):
        """The old set's hook decides."""
        seen = len(self.decisions())
        until(lambda: any(verdict.startswith('{"verdict":"after"') for _, verdict, _ in self.decisions()[seen:]),
              "a verdict of the old set")


class WhenAsked(HostileHooks):
    def goes_into_quarantine(self, path, transfer):
        line = self.wait_line("hook_quarantined", re.escape(path.name))
        self.assertEqual(line["hook"], "attack")
        mark = self.running.mark()
        until(lambda: self.audited("hook_quarantined") == 1, "the audit's record")
        self.wait_witness(mark)  # by a process that was started anew
        strikes = [one["strike"] for one in self.running.lines() if one["event"] == "hook_struck"]
        self.assertEqual(strikes, ["1 of 3", "2 of 3", "3 of 3"])
        transfer.goes_on()
        path.write_text(hostile.HARMLESS)
        self.assertEqual(self.reload()[0], 200)
        until(lambda: any(verdict.startswith('{"verdict":"after"') for _, verdict, _ in self.decisions()),
              "a verdict of the mended hook")


def attacked(attack):
    def test(self):
        path = attack.write(self.hooks)
        transfer = self.begin()
        line = self.wait_line(attack.seen, attack.says)
        self.wait_witness(0)
        transfer.goes_on()
        if "on.reconnect" in path.read_text():
            # No verdict of it was followed: each call of the journal ended with the safe default, or without an opinion.
            decided = until(lambda: [one for one in self.decisions() if one[0] == "reconnect"], "decisions in the journal")
            self.assertLessEqual({verdict for _, verdict, _ in decided}, {SAFE_DEFAULT, "null"})
            self.assertIn(self.running.tunnel("victim")["state"], ("starting", "reconnecting"))
        if line["event"] == "hook_struck":
            self.goes_into_quarantine(path, transfer)
        self.assertEqual([one["to"] for one in self.running.transitions()], ["starting", "connected"])
        transfer.end()
    return test


for one in hostile.attacks("call"):
    setattr(WhenAsked, f"test_{one.name}", attacked(one))

if __name__ == "__main__":
    unittest.main()
