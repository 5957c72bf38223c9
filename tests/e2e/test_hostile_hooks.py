"""Hooks that must not load (tests/policy/hostile/): what is said of each, and that nothing changes."""
import json
import os
import signal
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, until
from fairlead_e2e import hostile
from fairlead_e2e.hostile_case import HostileHooks
from fairlead_e2e.platform import PATIENCE


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
                mark = self.running.mark()
                self.refused(attack, mark)
                self.wait_witness(mark)
                self.wait_calm()
                transfer.goes_on()
        self.assertEqual([line["generation"] for line in self.running.lines() if line["event"] == "policy_loaded"], ["1"])
        self.assertEqual(self.reload()[0], 200)

    def refused(self, attack, mark):
        path = attack.write(self.hooks)
        try:
            os.kill(self.running.pid, signal.SIGHUP)
            rejected = self.wait_line("reload_rejected", "", mark)
            self.assertRegex(rejected["error"], attack.message(self.hooks))
            self.assertRegex(self.running.get("/v1/status")["daemon"]["last_reload_error"], attack.message(self.hooks))
            status, problem = self.reload()
            ended = [(500, "internal")] if attack.endless else []  # with its process, where that had too little time
            self.assertIn((status, problem["code"]), [(422, "bad_config"), *ended])
        finally:
            path.unlink()

    def wait_calm(self):
        """The old set's hook decides."""
        seen = len(self.decisions())
        until(lambda: any(verdict.startswith('{"verdict":"after"') for _, verdict, _ in self.decisions()[seen:]),
              "a verdict of the old set")


if __name__ == "__main__":
    unittest.main()
