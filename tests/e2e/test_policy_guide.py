"""Every Lua and YAML example in docs/policy.md does what the page says."""
import re
import subprocess
import tempfile
import pathlib

from fairlead_e2e.platform import FAIRLEAD, PATIENCE, SOURCE
from fairlead_e2e.policy_host import CLOCK, PolicyHostCase

PAGE = (SOURCE / "docs" / "policy.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


class Guide(PolicyHostCase):
    def setUp(self):
        hooks, tests = [], []
        for text in blocks("lua"):
            path = re.match(r"-- (hooks/\S+\.lua)\n", text)
            self.assertTrue(path, f"an example does not say which file it is:\n{text}")
            (tests if "/tests/" in path[1] else hooks).append(text)
        self.assertEqual((len(hooks), len(tests)), (3, 1))
        self.running = self.host(*hooks, ("library", (SOURCE / "lua" / "testkit.lua").read_text()),
                                 *(("test", text) for text in tests))

    def test_the_hooks_load_and_their_tests_pass(self):
        self.assertEqual(self.running.loaded["warnings"], [])
        answer = self.running.ask({"do": "test"})
        self.assertEqual((answer["problems"], [one["ok"] for one in answer["tests"]]), ([], [True]))

    def test_the_notices_are_changed(self):
        notice = {"event": "e", "subject": "s", "severity": "info", "title": "t"}
        call = {"id": 1, "event": "notification", "value": notice, "ctx": {"sender_names": [], "clock": CLOCK}}
        self.assertIsNone(self.running.ask(call)["value"])
        call["value"] = notice | {"severity": "high"}
        self.assertEqual(self.running.ask(call)["value"]["title"], "[fairlead] t")

    def test_the_flow_tells_once_that_the_disk_is_full(self):
        number = [hook["name"] for hook in self.running.loaded["hooks"]].index("disk")
        self.assertEqual(self.running.start(number)["effect"], "exec")
        self.assertEqual(self.running.good({"status": 0, "out": "Use%\n 93%\n"})["effect"], "store.get")
        self.assertEqual(self.running.good(80)["arguments"], {"key": "disk-used", "value": 93})
        self.assertEqual(self.running.good(None)["arguments"]["title"], "the disk is 93 % full")
        self.assertEqual(self.running.good(None), {"flow": 9, "done": True})

    def test_the_configuration_is_taken(self):
        self.assertTrue(blocks("yaml"))
        for text in blocks("yaml"):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "fairlead.yaml")
                path.write_text(text)
                checked = subprocess.run([FAIRLEAD, "--config", str(path), "config", "check"], capture_output=True, text=True,
                                         timeout=PATIENCE)
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
