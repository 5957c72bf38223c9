"""The hooks that are shipped, and the examples in hooks/, pass their own tests."""
from fairlead_e2e.platform import SOURCE
from fairlead_e2e.policy_host import PolicyHostCase

MOST_LINES = 80


class Shipped(PolicyHostCase):
    def check(self, hooks, kind, tests):
        files = [(kind, path.read_text()) for path in sorted(hooks.glob("*.lua"))]
        self.assertTrue(files)
        for _, text in files:
            self.assertLessEqual(text.count("\n"), MOST_LINES)
            self.assertTrue(text.startswith("-- "), "it begins with what it is for")
        host = self.host(*files, ("library", (SOURCE / "lua" / "testkit.lua").read_text()),
                         *(("test", path.read_text()) for path in sorted(tests.glob("*.lua"))))
        self.assertEqual(host.loaded["warnings"], [])
        answer = host.ask({"do": "test"})
        self.assertEqual(answer["problems"], [])
        self.assertEqual([one["message"] for one in answer["tests"] if not one["ok"]], [])
        return len(answer["tests"])

    def test_defaults(self):
        self.assertGreaterEqual(self.check(SOURCE / "lua" / "defaults", "standard", SOURCE / "lua" / "tests"), 1)

    def test_examples(self):
        self.assertGreaterEqual(self.check(SOURCE / "hooks", "hook", SOURCE / "hooks" / "tests"), 5)
