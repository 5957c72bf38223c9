"""What the documents name is there, and what is there they name."""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ["FAIRLEAD_SRC"])


def sources():
    return {path: path.read_text() for path in sorted((ROOT / "src").rglob("*.cpp"))}


class Documents(unittest.TestCase):
    def test_every_audit_event_is_described(self):
        described = set(re.findall(r"[a-z]+(?:_[a-z]+)+", (ROOT / "docs/audit.md").read_text()))
        written = set(re.findall(r'S::\w+, "(\w+)"}', (ROOT / "src/core/tunnel_state.cpp").read_text()))
        for text in sources().values():
            written |= set(re.findall(r'(?:note\(caller, |"automation", |own_entry\(\s*)"(\w+)"', text))
        for event in ("bridge_connected", "daemon_started", "config_rejected", "audit_dropped"):
            self.assertIn(event, written)  # or the patterns above find nothing any more
        self.assertEqual(written - described, set())

    def test_every_event_in_an_example_exists(self):
        text = "".join(sources().values())
        for path in sorted((ROOT / "docs").rglob("*.md")):
            for event in re.findall(r'"event":\s*"(\w+)"|\bevent=(\w+)', path.read_text()):
                with self.subTest(document=path.name, event=event):
                    self.assertTrue(f'"{event[0] or event[1]}"' in text)  # assertIn would show all of it

    def test_the_manual_names_the_documents_that_are_installed(self):
        manual = (ROOT / "packaging/man/fairlead.1").read_text()
        manual = manual[manual.index(".It Pa @doc_dir@"):manual.index(".Sh EXIT STATUS")]
        installed = re.findall(r"'(?:\.\./docs|examples)/([\w/.]+)'", (ROOT / "packaging/meson.build").read_text())
        self.assertEqual(sorted(re.findall(r"^\.Pa (\S+)", manual, re.M)[:len(installed)]), sorted(installed))


if __name__ == "__main__":
    unittest.main()
