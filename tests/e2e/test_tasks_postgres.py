"""The same tasks on PostgreSQL, and what only a server can do to them: vanish, come back, and be shared."""
import json
import re
import tempfile
import unittest

import test_tasks
from fairlead_e2e import until
from fairlead_e2e.daemon import Control
from fairlead_e2e.postgres import Postgres
from fairlead_e2e.postgres_relay import PostgresRelay
from fairlead_e2e.task_case import TaskCase


class OnPostgres(TaskCase):
    """A server for each class, a database for each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder_of_server = tempfile.mkdtemp(prefix="fairlead-e2e-pg-")
        cls.server = Postgres(cls.folder_of_server)
        cls.addClassCleanup(cls.server.remove)

    def setUp(self):
        super().setUp()
        self.database = self.server.fresh_database()

    def store(self):
        url = self.server.url.rsplit("/", 1)[0] + "/" + self.database
        return {"store": url, "store_password_file": self.server.password_file}

    def ends_meanwhile(self):
        """The gated program does, while nobody can be told."""
        self.gate.touch()
        until(lambda: len(self.ledger()) == 2, "the program's end")


class MainPath(OnPostgres, test_tasks.MainPath):
    pass


class Orders(OnPostgres, test_tasks.Orders):
    pass


class Losses(OnPostgres, test_tasks.Losses):
    pass


class Server(OnPostgres):
    def wait_until_open(self, daemon):
        until(lambda: daemon.get("/v1/queue")["store"]["state"] == "open", lambda: "its store\n" + daemon.tail())

    def test_a_restart_of_the_server_loses_nothing(self):
        daemon = self.working({"gated": self.gated_program()}, lease="60s")
        slow = self.script(daemon, "gated")
        self.wait_for_task(daemon, slow, "running")
        self.server.kill()
        until(lambda: daemon.get("/v1/queue")["store"]["state"] == "away", lambda: "the loss\n" + daemon.tail())
        answer = self.add(daemon, status=503)
        self.assertEqual(answer["code"], "unavailable")
        self.ends_meanwhile()
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

    def behind(self, relay):
        """A daemon whose connection goes through it."""
        self.addCleanup(relay.close)
        host = f"127.0.0.1:{relay.port}/{self.database}"
        return self.working(more=self.store() | {"store": f"postgresql://fairlead@{host}"})

    def test_where_no_notification_arrives_it_says_so_and_polls(self):
        relay = PostgresRelay(self.server.port)
        relay.losing_hints = True
        daemon = self.behind(relay)
        self.assertEqual(daemon.get("/v1/queue")["store"]["hints"], "poll: a NOTIFY to ourselves did not arrive")
        control = self.daemon({}, self.store())
        self.wait_until_open(control)
        number = self.add(control)  # at another daemon: only a look at the store tells
        self.assertEqual(self.wait_for_task(daemon, number)["state"], "done")

    def test_a_server_that_stands_still_is_told_apart_from_a_daemon_that_does(self):
        relay = PostgresRelay(self.server.port)
        daemon = self.behind(relay)
        number = self.add(daemon)
        self.wait_for_task(daemon, number)
        relay.freeze()
        command = self.command(daemon, "task", "show", str(number))
        self.assertNotEqual(command.wait(), 0)
        relay.thaw()
        self.assertIn("the store does not answer", command.err)
        self.wait_until_open(daemon)
        self.assertEqual(self.wait_for_task(daemon, self.add(daemon))["state"], "done")

    def test_an_old_server_is_refused(self):
        relay = PostgresRelay(self.server.port)
        self.addCleanup(relay.close)
        relay.version = b"12.22"
        daemon = self.daemon({}, self.store() | {"store": f"postgresql://fairlead@127.0.0.1:{relay.port}/{self.database}"})
        store = until(lambda: (seen := daemon.get("/v1/queue")["store"])["state"] == "refused" and seen,
                      lambda: "the refusal\n" + daemon.tail())
        self.assertIn("PostgreSQL 12: 13 or newer is needed", store["error"])

    def test_a_control_hears_of_a_worker_that_comes_is_drained_and_is_lost(self):
        worker = self.working(lease="5s")  # a third of it, and the worker knows that it is drained
        hooks = self.path("hooks")
        hooks.mkdir()
        (hooks / "10.lua").write_text('api(1)\non.worker_state("notes", function(ctx) log(ctx.worker, ctx.from, ctx.to) end)\n')
        control = self.daemon({}, self.store() | {"policy": {"dir": str(hooks), "deadline": "10s"}})

        def hook_said(words):
            until(lambda: any(line.get("event") == "hook_log" and re.fullmatch(words, line["text"]) for line in control.lines()),
                  lambda: f"the hook to see {words}\n" + control.tail())

        def state_of_lost():
            return next((one["state"] for one in control.get("/v1/workers")["workers"] if one["name"] == "there"), None)

        hook_said("here  online")
        stream = Control(control.socket_path)
        self.addCleanup(stream.close)
        stream.request("GET", "/v1/queue/events")
        events = stream.getresponse()
        self.assertEqual(control.request("POST", "/v1/workers/here/drain", {"drain": True})[0], 200)
        until(lambda: worker.get("/v1/status")["queue"]["worker"]["draining"], lambda: "the drain\n" + worker.tail())
        waits = self.add(control)
        self.assertEqual(control.request("POST", "/v1/workers/here/drain", {"drain": False})[0], 200)
        self.assertEqual(self.wait_for_task(control, waits)["worker"], "here")
        worker.stop()  # or it may be the one that finds the other lost
        lost = self.working(name="there", lease="60s")
        until(lambda: state_of_lost() == "online", lambda: "it to come\n" + control.tail())
        lost.kill()
        for passed, state in ((45_000, "late"), (30_000, "offline")):
            self.server.sql(f"update fairlead.workers set lease_until = lease_until - {passed}, beat_at = beat_at - {passed}"
                            " where name = 'there'", self.database)
            until(lambda state=state: state_of_lost() == state, lambda state=state: f"{state}\n" + control.tail())
        self.server.restart()  # or the next look at what is due, half a minute later
        hook_said("there .* offline")
        told = next(line for line in events if b"data:" in line and b'"to":"offline"' in line and b'"there"' in line)
        self.assertEqual(json.loads(told.removeprefix(b"data:"))["worker"], "there")
        until(lambda: any(line.get("event") == "worker_lost" and "there" in json.dumps(line) for line in control.lines()),
              lambda: "the loss\n" + control.tail())
        lost.start()
        until(lambda: state_of_lost() == "online", lambda: "its return\n" + control.tail())

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


class Via(OnPostgres):
    def test_a_tunnel_carries_the_connection_and_its_loss_is_waited_out(self):
        ssh = self.sshd()
        tunnel = self.tunnel(ssh, self.local(self.server))
        programs = {"gated": self.gated_program()}
        daemon = self.daemon({"line": tunnel}, self.settings(programs, lease="60s") | {"store_via": "line"})
        self.wait_until_live(daemon)
        self.assertEqual(self.wait_for_task(daemon, self.add(daemon))["state"], "done")
        self.assertGreater(daemon.tunnel("line")["forwards"][0]["bytes_to_target"], 0)
        slow = self.script(daemon, "gated")
        self.wait_for_task(daemon, slow, "running")
        ssh.stop()
        until(lambda: daemon.get("/v1/queue")["store"]["state"] == "away", lambda: "the loss\n" + daemon.tail())
        self.ends_meanwhile()
        ssh.start()
        task = self.wait_for_task(daemon, slow)
        self.assertEqual((task["state"], task["attempt"], task["lost_workers"]), ("done", 1, 0))


class Schema(OnPostgres):
    def configured(self):
        """A daemon's configuration, and no daemon."""
        daemon = self.daemon({}, {"store": "sqlite"})
        daemon.stop()
        daemon.write_config({}, self.store())
        return daemon

    def store_command(self, daemon, verb):
        command = self.command(daemon, "store", verb, "--json")
        return command.wait(), json.loads(command.out)

    def test_check_changes_nothing_and_migrate_makes_the_tables(self):
        daemon = self.configured()
        code, answer = self.store_command(daemon, "check")
        self.assertEqual((code, answer["error"]["code"]), (1, "unsupported"), answer)
        self.assertIn("fairlead store migrate", answer["error"]["message"])
        self.assertEqual(self.server.sql("select count(*) from pg_namespace where nspname = 'fairlead'", self.database), "0")
        code, answer = self.store_command(daemon, "migrate")
        self.assertEqual((code, answer["state"]), (0, "open"), answer)
        known = answer["schema"]
        code, answer = self.store_command(daemon, "check")
        self.assertEqual((code, answer["schema"], answer["backend"]), (0, known, "postgresql"), answer)

    def test_the_embedded_store_is_checked_and_migrated_alike(self):
        daemon = self.configured()
        for path in (daemon.folder / "state").glob("queue.sqlite*"):
            path.unlink()
        daemon.write_config({}, {"store": "sqlite"})
        code, answer = self.store_command(daemon, "check")
        self.assertEqual((code, answer["error"]["code"]), (1, "unsupported"), answer)
        self.assertFalse((daemon.folder / "state" / "queue.sqlite").exists())
        code, answer = self.store_command(daemon, "migrate")
        self.assertEqual((code, answer["state"]), (0, "open"), answer)
        self.assertEqual(self.store_command(daemon, "check")[0], 0)


del OnPostgres
if __name__ == "__main__":
    unittest.main()
