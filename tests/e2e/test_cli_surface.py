"""What `--help` offers stands in the manual and in all three completions."""

import os
import pathlib
import re
import subprocess
import unittest

FAIRLEAD, ROOT = os.environ["FAIRLEAD"], pathlib.Path(os.environ["FAIRLEAD_SRC"])
COMPLETIONS = ["fairlead.bash", "_fairlead", "fairlead.fish"]


def help_of(path):
    run = subprocess.run([FAIRLEAD, *path, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0 and not run.stderr, (path, run)
    return run.stdout


def surface(path=()):
    """Yields (path, options) of every command, as the help lists them."""
    text = help_of(path)
    yield path, re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.M)
    for section in re.findall(r"^(?:Tunnels|Daemon|Queue|Offline|Commands):\n((?:  .*\n)+)", text, re.M):
        for name in re.findall(r"^  ([a-z-]+) ", section, re.M):
            yield from surface((*path, name))


class Surface(unittest.TestCase):
    """One test for each text that has to keep up."""

    @classmethod
    def setUpClass(cls):
        cls.surface = list(surface())
        cls.words = {word for path, options in cls.surface for word in (*path, *options)}

    def test_the_help_names_every_command(self):
        commands = {path for path, _ in self.surface}
        for path in [("up",), ("status",), ("daemon",), ("log-level",), ("config", "check"), ("audit", "verify")]:
            self.assertIn(path, commands)
        self.assertIn("--require-proof", self.words)

    def test_the_manual_knows_every_word(self):
        manual = (ROOT / "packaging/man/fairlead.1").read_text()
        for word in self.words:
            with self.subTest(word=word):
                marked = rf"Fl (?:\w , )?{word[1:]}\b" if word.startswith("--") else rf"^\.(?:It )?Cm.*\b{word}\b"
                # "-n | --lines" and "-h , --help" are written "Fl n | -lines".
                either = rf"(?:{marked}|^\.(?:Op|It) Fl \w [|,] {word[1:]}\b)"
                self.assertRegex(manual, re.compile(either, re.M))

    def test_every_shell_knows_every_word(self):
        for name in COMPLETIONS:
            text = (ROOT / "packaging/completions" / name).read_text()
            for word in self.words:
                with self.subTest(shell=name, word=word):
                    bare = rf"-l {word[2:]}\b" if name.endswith(".fish") and word.startswith("--") else rf"(?<![\w-]){word}\b"
                    self.assertRegex(text, bare)


if __name__ == "__main__":
    unittest.main()
