"""scripts/dev-postgres: the server that tests of the store run against."""
import os
import pathlib
import tempfile
import unittest

from fairlead_e2e.platform import children_of
from fairlead_e2e.postgres import Postgres


class DevPostgres(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name) / "postgres"
        os.chmod(scratch.name, 0o711)

    def start(self, **options):
        server = Postgres(self.folder, **options)
        self.addCleanup(server.remove)
        return server

    def test_keeps_what_was_committed_over_restarts_and_crashes(self):
        server = self.start(fsync=True)
        server.sql("create table kept (n int)")
        server.sql("insert into kept values (1)")
        server.restart()
        server.sql("insert into kept values (2)")
        server.kill()
        server.start()
        self.assertEqual(server.sql("select string_agg(n::text, ',') from kept"), "1,2")
        self.assertEqual(server.sql("show fsync"), "on")

    def test_leaves_no_process_and_no_socket(self):
        server = self.start()
        self.assertLess(server.port, 32768)
        pids = [server.pid, *children_of(server.pid)]
        self.assertGreater(len(pids), 1)
        server.stop()
        self.assertEqual([pid for pid in pids if os.path.exists(f"/proc/{pid}")], [])
        self.assertEqual(list(self.folder.glob(".s.*")), [])


if __name__ == "__main__":
    unittest.main()
