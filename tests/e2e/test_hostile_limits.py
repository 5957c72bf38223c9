"""Hooks that never come to an end by themselves (tests/policy/hostile/): the gentle limit ends them with a message, or the
deadline with their process, and no line waits for either."""
import json
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, hostile, until
from fairlead_e2e.hostile_case import SAFE_DEFAULT, HostileHooks
from fairlead_e2e.platform import PATIENCE

ATTACKS = [attack for attack in hostile.attacks("call") if attack.endless]
LONG_DEADLINE = 5  # seconds
MOST_GAP = 2  # seconds: much for a loop on a busy machine, and little for one that waits for the deadline
STRIKES = 3


class WhenAsked(HostileHooks):
    def test_they_are_ended_and_stop_nothing(self):
        self.go_through(ATTACKS)

    def test_the_message_of_the_gentle_limit(self):
        """Without a daemon, where a process has more time than the limit, however busy the machine is."""
        for attack in ATTACKS:
            if attack.event != "reconnect" or attack.seen == "hook_struck":
                continue
            with self.subTest(attack.name):
                path = attack.write(self.path("alone"))
                told = subprocess.run([FAIRLEAD, "policy", "explain", "reconnect", "--dir", path.parent, "--json"], input="{}",
                                      capture_output=True, text=True, timeout=PATIENCE, check=False)
                answer = json.loads(told.stdout)
                self.assertRegex(answer["trouble"] + told.stderr, attack.says)
                self.assertEqual((answer["verdict"], answer["safe_default"]), (None, "the tunnel's backoff"))

    def test_the_loop_goes_on_while_a_hook_takes_its_whole_deadline(self):
        next(attack for attack in ATTACKS if attack.name == "swallowed_limit").write(self.hooks)
        transfer = self.begin(autostart=False, deadline=f"{LONG_DEADLINE}s")
        pauses = []
        # A machine that stands still once is none of our doing; a loop that waits does so each time.
        for number in range(1, STRIKES + 1):
            mark = self.running.mark()
            transfer.longest_gap()  # from now on
            if number == 1:
                self.running.post("up", "victim")
            self.wait_line("hook_struck", f"{number} of {STRIKES}.*{hostile.DEADLINE_PASSED} {LONG_DEADLINE}s", mark)
            pauses.append(max(transfer.longest_gap(), self.longest_turn(mark)))
            if pauses[-1] < MOST_GAP:
                break
        self.assertLess(min(pauses), MOST_GAP, f"the line stood still for so many seconds: {pauses}")
        transfer.goes_on()
        decided = until(lambda: [verdict for event, verdict, _ in self.decisions() if event == "reconnect"], "decisions")
        self.assertEqual(set(decided), {SAFE_DEFAULT})
        transfer.end()

    def longest_turn(self, after):
        """Of the loop, in seconds; it is logged when it is long."""
        return max((int(line["ms"]) / 1000 for line in self.running.lines(after) if line["event"] == "loop_stalled"), default=0)


if __name__ == "__main__":
    unittest.main()
