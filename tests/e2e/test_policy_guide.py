"""docs/policy.md does what it says: its hooks, its configuration, and its commands, one after the other in a fresh home."""
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import time

from fairlead_e2e import Daemon, until
from fairlead_e2e.platform import FAIRLEAD, PATIENCE, SOURCE
from fairlead_e2e.policy_case import PolicyCase
from fairlead_e2e.policy_host import CLOCK, PolicyHostCase

PAGE = (SOURCE / "docs" / "policy.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S)  # (language, text), in the order of the page
HOME = "/home/you"  # on the page


def blocks(language):
    return [text for found, text in BLOCKS if found == language]


def lua_files():
    """Path, beside the configuration, to text."""
    files = {}
    for text in blocks("lua"):
        path = re.match(r"-- (hooks/\S+\.lua)\n", text)
        if not path or path[1] in files:
            raise AssertionError(f"an example does not say which file it is:\n{text}")
        files[path[1]] = text
    return files


def pattern_of(expected, home):
    """The page's output as a regular expression: `…` stands for anything in a line, and columns are as wide as they are."""
    text = re.sub(r" +", " ", expected.replace(HOME, str(home)))
    return re.escape(text).replace("…", "[^\n]*")


class Guide(PolicyHostCase):
    INSTEAD = ("hooks/40-no-minute.lua", "hooks/40-five-minutes.lua")  # of the shipped hook: one or the other

    def setUp(self):
        self.files = lua_files()
        hooks = [text for path, text in self.files.items() if "/tests/" not in path and path not in self.INSTEAD]
        tests = [("test", text) for path, text in self.files.items() if "/tests/" in path]
        self.assertEqual((len(hooks), len(tests)), (3, 1))
        self.running = self.host(*hooks, ("library", (SOURCE / "lua" / "testkit.lua").read_text()), *tests)

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

    def test_the_observer_notes_what_failed(self):
        seen = {"tunnel": "hub", "from": "starting", "event": "bridge_failed", "reason": "auth_refused", "detail": "",
                "proof": "none", "time": CLOCK["iso"], "clock": CLOCK}
        for to in ("reconnecting", "failed"):
            self.running.ask({"id": 1, "event": "tunnel_state", "ctx": seen | {"to": to}})
        self.assertEqual([re.sub(r"\s+", " ", text) for text in self.running.logged], ["hub failed: auth_refused"])

    def test_the_flow_tells_once_that_the_disk_is_full(self):
        number = [hook["name"] for hook in self.running.loaded["hooks"]].index("disk")
        self.assertEqual(self.running.start(number)["effect"], "exec")
        self.assertEqual(self.running.good({"status": 0, "out": "Use%\n 93%\n"})["effect"], "store.get")
        self.assertEqual(self.running.good(80)["arguments"], {"key": "disk-used", "value": 93})
        self.assertEqual(self.running.good(None)["arguments"]["title"], "the disk is 93 % full")
        self.assertEqual(self.running.good(None), {"flow": 9, "done": True})

    def test_the_shipped_hook_does_what_its_table_says_and_can_be_replaced(self):
        shipped = [("standard", path.read_text()) for path in sorted((SOURCE / "lua" / "defaults").glob("*.lua"))]

        def verdict(good_for, *files):
            ctx = {"tunnel": {"name": "hub", "host": "h"}, "held_for": 0, "clock": CLOCK,
                   "check": {"url": "http://x", "from": "remote", "failures": 1, "good_for": good_for}}
            answer = self.host(*files, *shipped).ask({"id": 1, "event": "health", "ctx": ctx})
            return answer.get("verdict") and (answer["verdict"]["verdict"], answer["verdict"].get("time"))

        self.assertEqual((verdict(600), verdict(599)), (("hold", 60), None))
        off, other = (self.files[path] for path in self.INSTEAD)
        self.assertIsNone(verdict(3600, off))
        self.assertEqual((verdict(3600, other), verdict(3599, other)), (("hold", 300), None))
        names = {re.search(r'^on\.\w+\("([^"]+)"', text, re.M)[1] for _, text in shipped}
        self.assertEqual(names, set(re.findall(r"^\| `([\w-]+)` \| `health` \|", PAGE, re.M)))

    def test_the_configuration_is_taken(self):
        self.assertTrue(blocks("yaml"))
        for text in blocks("yaml"):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "fairlead.yaml")
                path.write_text(text)
                checked = subprocess.run([FAIRLEAD, "--config", str(path), "config", "check"], capture_output=True, text=True,
                                         timeout=PATIENCE)
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


class AtNoon(Daemon):
    """Its folder is the reader's home. It is noon there: the guide's hook has something to say at night."""

    def settle(self, binary):
        super().settle(binary)
        self.config_file = self.folder / ".config" / "fairlead" / "fairlead.yaml"
        self.config_file.parent.mkdir(parents=True)
        self.command = [binary, "daemon", "--config", str(self.config_file)]

    def environment(self):
        """What a command of the reader finds."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("XDG_") and name not in ("FAIRLEAD_CONFIG", "BRIDGE_CONFIG")}
        path = f"{pathlib.Path(FAIRLEAD).resolve().parent}:{os.environ['PATH']}"
        return kept | {"HOME": str(self.folder), "PATH": path, "TZ": f"HERE{time.gmtime().tm_hour - 12:+d}"}

    def launch(self, command, environment):
        return super().launch(command, environment | {"TZ": self.environment()["TZ"]})


class Commands(PolicyCase):
    def test_the_guide_can_be_pasted(self):
        daemon = self.daemon({"line": self.nowhere()}, {"policy": {"deadline": "10s"}}, kind=AtNoon)
        self.assertIn("sh", [language for language, _ in BLOCKS])
        said = None  # by the command before
        for language, text in BLOCKS:
            with self.subTest(text):
                if language == "sh":
                    said = self.run_block(daemon, text)
                elif language == "lua":
                    path = daemon.config_file.parent / re.match(r"-- (\S+)", text)[1]
                    if path.name == "10-patience.lua":  # what `policy new` has written is what the page goes on from
                        begun = re.findall(r"^(api\(1\)|on\..*)$", path.read_text(), re.M)
                        self.assertEqual(begun, re.findall(r"^(api\(1\)|on\..*)$", text, re.M))
                    path.write_text(text)
                elif not language:
                    self.assertIsNotNone(said, "no command stands before this output")
                    self.assertRegex(re.sub(r" +", " ", said), rf"\A{pattern_of(text, daemon.folder)}\Z")
                    said = None

    def run_block(self, daemon, text):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=daemon.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + daemon.tail())
        if "fairlead reload" in text:
            journal = f"file:{daemon.folder}/state/decisions.sqlite?mode=ro"
            until(lambda: self.journalled(journal) > 1, "decisions of the new hook in the journal")
        return done.stdout

    @staticmethod
    def journalled(journal):
        try:
            with sqlite3.connect(journal, uri=True) as found:
                return found.execute("SELECT count(*) FROM decisions").fetchone()[0]
        except sqlite3.OperationalError:  # it is begun with the first decision
            return 0
