"""docs/tasks.md does what it says: from an empty home to a first task, command by command, on either store."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from fairlead_e2e import Daemon
from fairlead_e2e.platform import FAIRLEAD, PATIENCE, SOURCE
from fairlead_e2e.postgres import Postgres
from fairlead_e2e.task_case import TaskCase

PAGE = (SOURCE / "docs" / "tasks.md").read_text()


def blocks(heading):
    """(language, text) of one chapter, in order."""
    chapter = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## )", PAGE, re.M | re.S)[1]
    return re.findall(r"^```(\w+)\n(.*?)^```$", chapter, re.M | re.S)


class OfReader(Daemon):
    """Its folder is the reader's home, and its configuration the page's."""

    page_config = None

    def settle(self, binary):
        super().settle(binary)
        self.config_file = self.folder / ".config" / "fairlead" / "fairlead.yaml"
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.command = [binary, "daemon", "--config", str(self.config_file)]

    def write_config(self, tunnels, more=None):
        folders = "".join(f"{key}: {path}\n" for key, path in self.folders.items())
        self.config_file.write_text(self.page_config + folders + "log: {level: debug, format: json}\n")


class Guide(TaskCase):
    def setUp(self):
        super().setUp()
        self.home = self.path("daemon")
        self.home.mkdir(mode=0o700)

    def run_block(self, text):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "FAIRLEAD_CONFIG"))}
        path = f"{pathlib.Path(FAIRLEAD).resolve().parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=kept | {"HOME": str(self.home), "PATH": path},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def walk(self, store=""):
        (_, prepare), (_, config), (_, use) = blocks("A first task in five minutes, on SQLite")
        digest = self.run_block(prepare).split()[0]
        self.assertIn(digest, config, "the page's hash is that of the page's program")
        daemon_class = type("OfThisReader", (OfReader,), {"page_config": config + store})
        self._names -= 1  # the same folder
        daemon = self.daemon({}, kind=daemon_class)
        self.wait_until_live(daemon)
        said = self.run_block(use)
        self.assertIn("hello world, this is task 1", said)
        self.assertRegex(said, r"nas +online|nas .*online")
        return daemon

    def test_the_first_task_on_sqlite(self):
        self.walk()

    def test_the_same_on_postgresql(self):
        folder = tempfile.mkdtemp(prefix="fairlead-e2e-pg-")
        server = Postgres(folder)
        self.addCleanup(server.remove)
        daemon = self.walk(f"store: {server.url}\nstore_password_file: {server.password_file}\n")
        self.assertEqual(daemon.get("/v1/queue")["store"]["backend"], "postgresql")

    def test_the_configuration_for_postgresql_is_taken(self):
        (_, config), = [block for block in blocks("The same on PostgreSQL") if block[0] == "yaml"]
        path = self.home / "fairlead.yaml"
        path.write_text("version: 1\ntunnels: {}\n" + config)
        self.run_block(f"fairlead --config {path} config check")


if __name__ == "__main__":
    unittest.main()
