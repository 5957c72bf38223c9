"""Hooks that do harm when they are asked and come to an end by themselves (tests/policy/hostile/): what is said of each, and
that the lines carry traffic meanwhile."""
import unittest

from fairlead_e2e import hostile, until
from fairlead_e2e.hostile_case import SAFE_DEFAULT, HostileHooks

ATTACKS = [attack for attack in hostile.attacks("call") if not attack.endless]


class WhenAsked(HostileHooks):
    def test_their_lines_decide_nothing_and_stop_nothing(self):
        self.go_through([attack for attack in ATTACKS if attack.event != "redact"])

    def test_with_a_journal_it_is_written_whatever_they_do(self):
        """`redact` is asked for the journal."""
        for attack in ATTACKS:
            if attack.event == "redact":
                attack.write(self.hooks)
        forged = next(attack for attack in ATTACKS if attack.name == "forged_verdict").write(self.hooks)
        # By its own name: hooks of one name share what may be logged of them in a minute, and this one fails all the time.
        forged.write_text(forged.read_text().replace('"attack"', '"forged"'))
        transfer = self.begin()
        for attack in ATTACKS:
            if attack.event == "redact":
                self.wait_line(attack.seen, attack.says)
        decided = until(lambda: [one for one in self.decisions() if one[0] == "reconnect"], "decisions in the journal")
        self.assertEqual({verdict for _, verdict, _ in decided}, {SAFE_DEFAULT})
        self.assertIn(self.running.tunnel("victim")["state"], ("starting", "reconnecting"))
        transfer.goes_on()
        transfer.end()


if __name__ == "__main__":
    unittest.main()
