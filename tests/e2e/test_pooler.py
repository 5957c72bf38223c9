"""The queue behind a connection pooler: in transaction mode nothing can be listened for, in session mode everything."""
import os
import shutil
import tempfile
import unittest

from fairlead_e2e import until
from fairlead_e2e.pgbouncer import Pgbouncer
from fairlead_e2e.postgres import Postgres
from fairlead_e2e.task_case import TaskCase


class Pooled(TaskCase):
    """A server and a pooler for each class, a database for each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.mkdtemp(prefix="fairlead-e2e-pool-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o711)  # PostgreSQL and the pooler may be other users
        cls.server = Postgres(folder + "/pg")
        cls.addClassCleanup(cls.server.remove)
        cls.pooler = Pgbouncer(folder + "/pgbouncer", cls.server, cls.mode)
        cls.addClassCleanup(cls.pooler.close)

    def setUp(self):
        super().setUp()
        self.database = self.server.fresh_database()

    def store(self):
        return {"store": self.pooler.url(self.database), "store_password_file": self.server.password_file}

    def hints(self, daemon):
        """How the daemon hears of news, once its store is open."""
        def met():
            status, answer = daemon.request("GET", "/v1/queue")
            return status == 200 and answer["store"]["state"] == "open" and answer["store"]["hints"]

        return until(met, lambda: "the store\n" + daemon.tail())

    def works(self, daemon):
        """In turn and by several: done, with their locks, and cancelled."""
        numbers = [self.add(daemon, locks=["site:attic"]) for _ in range(4)]
        long = self.add(daemon, "sleep", {"seconds": 300})
        for number in numbers:
            self.assertEqual(self.wait_for_task(daemon, number)["state"], "done")
        self.wait_for_task(daemon, long, "running")
        self.assertTrue(self.order(daemon, long, "cancel")["requested"])
        self.assertEqual(self.wait_for_task(daemon, long)["state"], "cancelled")


class InTransactionMode(Pooled):
    mode = "transaction"

    def test_the_pooler_is_named_and_tasks_are_polled_for(self):
        worker = self.working()
        self.assertEqual(self.hints(worker), "poll: this is a connection pooler in transaction mode")
        said = [line for line in worker.lines() if line.get("event") == "postgres_polls"]
        self.assertEqual(len(said), 1)
        self.assertIn("session mode", said[0]["cure"])
        self.works(worker)
        control = self.daemon({}, self.store())
        self.assertIn("transaction mode", self.hints(control))
        self.works(control)  # nobody tells the worker

    def test_it_is_found_out_once_and_not_at_every_return(self):
        worker = self.working()
        mark = worker.mark()
        self.pooler.close()
        self.pooler.start()
        until(lambda: any(line.get("event") == "postgres_connected" for line in worker.lines(mark)),
              lambda: "the return\n" + worker.tail())
        self.assertIn("transaction mode", self.hints(worker))  # and its store is open again
        self.assertNotIn("probing", [line.get("to") for line in worker.lines(mark)])
        self.works(worker)


class InSessionMode(Pooled):
    mode = "session"

    def test_what_others_add_is_heard_of(self):
        worker = self.working()
        self.assertEqual(self.hints(worker), "listen")
        control = self.daemon({}, self.store())
        self.assertEqual(self.hints(control), "listen")
        self.works(control)


del Pooled
if __name__ == "__main__":
    unittest.main()
