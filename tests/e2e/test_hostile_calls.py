"""Hooks that do harm when they are asked (tests/policy/hostile/): what is said of each, and that the lines carry traffic
meanwhile. Part `hostile` of scripts/test: each waits for several deadlines, so it is not among those that run by default."""
import re
import unittest

from fairlead_e2e import until
from fairlead_e2e import hostile
from fairlead_e2e.hostile_case import SAFE_DEFAULT, HostileHooks


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
