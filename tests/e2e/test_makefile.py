"""What the Makefile would run."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["FAIRLEAD_SRC"])


@unittest.skipUnless(shutil.which("make"), "no make here")
class Makefile(unittest.TestCase):
    def commands(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if name not in ("PREFIX", "MAKEFLAGS")}
        run = subprocess.run(["make", "-n", "-C", str(ROOT), *arguments], env=environment, capture_output=True, text=True,
                             timeout=60, check=True)
        return run.stdout

    def test_install_goes_to_the_prefix_that_is_given_also_from_a_folder_that_was_built(self):
        with tempfile.TemporaryDirectory() as built:
            pathlib.Path(built, "build.ninja").touch()
            given = self.commands("install", f"BUILD={built}", "PREFIX=/opt/somewhere")
            self.assertIn(f"meson configure {built} --prefix=/opt/somewhere", given)
            self.assertNotIn("meson configure", self.commands("install", f"BUILD={built}"))

    def test_clean_leaves_no_build_folder_that_a_script_makes(self):
        removed = self.commands("clean").split()
        for folder in ("build", "build-asan", "build-bench", "build-cache", "build-fuzz", "build-lint"):
            self.assertIn(folder, removed)


if __name__ == "__main__":
    unittest.main()
