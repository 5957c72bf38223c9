"""The same tasks on PostgreSQL, and what only a server can do to them: vanish, come back, and be shared."""
import tempfile
import unittest

import test_tasks
from fairlead_e2e import until
from fairlead_e2e.postgres import Postgres
from fairlead_e2e.task_case import TaskCase


class OnPostgres(TaskCase):
    """A server for each class, a database for each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder_of_server = tempfile.mkdtemp(prefix="fairlead-e2e-pg-")
        cls.server = Postgres(cls.folder_of_server)
        cls.addClassCleanup(cls.server.remove)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        type(self).databases += 1
        self.database = f"t{self.databases}"
        self.server.sql(f"create database {self.database}")

    def store(self):
        url = self.server.url.rsplit("/", 1)[0] + "/" + self.database
        return {"store": url, "store_password_file": self.server.password_file}


class MainPath(OnPostgres, test_tasks.MainPath):
    pass


class Orders(OnPostgres, test_tasks.Orders):
    pass


class Losses(OnPostgres, test_tasks.Losses):
    pass


class Server(OnPostgres):
    def test_a_restart_of_the_server_loses_nothing(self):
        daemon = self.working(lease="60s")
        slow = self.add(daemon, "sleep", {"seconds": 2})
        self.wait_for_task(daemon, slow, "running")
        self.server.kill()
        until(lambda: daemon.get("/v1/queue")["store"]["state"] == "away", lambda: "the loss\n" + daemon.tail())
        answer = self.add(daemon, status=503)
        self.assertEqual(answer["code"], "unavailable")
        self.server.start()
        task = self.wait_for_task(daemon, slow)
        self.assertEqual((task["state"], task["attempt"], task["lost_workers"]), ("done", 1, 0))
        self.assertEqual(self.wait_for_task(daemon, self.add(daemon))["state"], "done")

    def test_two_daemons_share_one_queue(self):
        control = self.daemon({}, self.store())
        worker = self.working()
        number = self.add(control, node="nas")
        task = self.wait_for_task(control, number)
        self.assertEqual((task["state"], task["worker"]), ("done", "here"))
        long = self.add(control, "sleep", {"seconds": 300})
        self.wait_for_task(control, long, "running")
        self.assertTrue(self.order(control, long, "cancel")["requested"])
        self.assertEqual(self.wait_for_task(worker, long)["state"], "cancelled")

    def test_a_newer_schema_is_refused_and_the_lines_stay(self):
        daemon = self.working()
        daemon.stop()
        tables = self.server.sql("select table_name from information_schema.tables where table_schema = 'fairlead'",
                                 self.database)
        self.assertIn("tasks", tables.splitlines())
        self.server.sql("insert into fairlead.migrations (number, name) values (999, 'from the future')", self.database)
        daemon.start()
        store = until(lambda: (seen := daemon.get("/v1/queue")["store"])["state"] == "refused" and seen, daemon.tail)
        self.assertIn("999", store["error"])
        self.assertEqual(self.add(daemon, status=501)["code"], "unsupported")


del OnPostgres
if __name__ == "__main__":
    unittest.main()
