"""Tasks from the API to the program and back, on the embedded store."""
import json
import os
import pathlib
import signal
import unittest

from fairlead_e2e import until
from fairlead_e2e.daemon import Control
from fairlead_e2e.platform import children_of
from fairlead_e2e.task_case import TaskCase

SAYS = "#!/bin/sh\n"


class MainPath(TaskCase):
    def test_a_task_is_taken_done_and_its_timeline_tells(self):
        daemon = self.working()
        task = self.wait_for_task(daemon, self.add(daemon, locks=["site:attic"], priority=3))
        self.assertEqual((task["state"], task["worker"], task["attempt"], task["error_code"]), ("done", "here", 1, None))
        self.assertEqual(self.events_of(task), ["submitted", "claimed", "started", "succeeded"])
        epochs = [entry["epoch"] for entry in task["timeline"]]
        self.assertEqual(epochs, sorted(epochs))
        self.assertEqual(task["timeline"][-1]["worker"], "here")

    def test_a_program_gets_its_words_as_bytes_and_its_result_comes_back(self):
        program = self.program(SAYS + 'for word in "$@"; do printf "<%s>" "$word"; done; cat; echo oops >&2\n')
        daemon = self.working({"show": (*program, {"accepts_args": True})})
        words = ["; rm -rf /", "$(id)", "`id`", "a b", "ä", "-n", ""]
        task = self.wait_for_task(daemon, self.script(daemon, "show", args=words, input="| sh"))
        self.assertEqual(task["state"], "done", task)
        result = task["result"]
        self.assertEqual(result["stdout"]["head"], "".join(f"<{word}>" for word in words) + "| sh")
        self.assertEqual(result["stderr"]["head"], "oops\n")
        self.assertEqual((result["exit_class"], result["exit_status"]), ("success", 0))
        self.assertIn("no_new_privs", result["sandbox"])

    def test_a_program_gets_this_environment_and_no_other(self):
        program = self.program(SAYS + "exec env\n")
        daemon = self.working({"env": (*program, {"env": {"COLOR": "red"}})})
        number = self.script(daemon, "env", trace_id="0" * 31 + "7")
        task = self.wait_for_task(daemon, number)
        found = dict(line.split("=", 1) for line in task["result"]["stdout"]["head"].splitlines())
        self.assertEqual(found["FAIRLEAD_TASK_ID"], str(number))
        self.assertEqual(found["FAIRLEAD_EPOCH"], str(task["epoch"]))
        self.assertEqual((found["FAIRLEAD_ATTEMPT"], found["FAIRLEAD_TRACE_ID"]), ("1", "0" * 31 + "7"))
        self.assertEqual(found["COLOR"], "red")
        self.assertFalse(set(found) & {"FAIRLEAD", "FAIRLEAD_SRC", "SSH_AUTH_SOCK", "LSAN_OPTIONS"})

    def test_tasks_outlive_the_daemon(self):
        daemon = self.working()
        done = self.wait_for_task(daemon, self.add(daemon))["id"]
        later = self.add(daemon, run_at="2200-01-01T00:00:00Z")
        daemon.stop()
        daemon.start()
        self.assertEqual(self.task(daemon, done)["state"], "done")
        task = self.task(daemon, later)
        self.assertEqual((task["state"], task["waits_for"]), ("queued", "time"))

    def test_one_key_is_one_task(self):
        daemon = self.working()
        first = self.add(daemon, idempotency_key="k", payload={"n": 1})
        self.assertEqual(self.add(daemon, idempotency_key="k", payload={"n": 1}, status=200), first)
        answer = self.add(daemon, idempotency_key="k", payload={"n": 2}, status=409)
        self.assertEqual(answer["code"], "conflict", answer)

    def test_a_task_waits_for_those_before_it(self):
        daemon = self.working()
        first = self.add(daemon, "sleep", {"seconds": 0.3})
        second = self.add(daemon, depends_on=[first])
        self.assertEqual(self.wait_for_task(daemon, second)["state"], "done")
        before, after = self.task(daemon, first), self.task(daemon, second)
        self.assertLessEqual(before["finished_at"], after["claimed_at"])

    def test_of_those_with_a_common_lock_one_is_at_work(self):
        program = self.ledger_program("sleep 0.1")
        daemon = self.working({"slow": program})
        numbers = [self.script(daemon, "slow", locks=locks)
                   for locks in (["a:1"], ["a:1", "b:1"], ["b:1"], ["a:1"], ["b:1", "c:1"])]
        for number in numbers:
            self.assertEqual(self.wait_for_task(daemon, number)["state"], "done")
        self.assertEqual(len(self.ledger()), 10)
        holds = {str(number): set(self.task(daemon, number)["locks"]) for number in numbers}
        held = set()
        for number, _, what in self.ledger():
            if what == "begin":
                self.assertFalse(held & holds[number], self.ledger())
                held |= holds[number]
            else:
                held -= holds[number]


class Refusals(TaskCase):
    def test_a_bad_envelope_is_told_all_that_is_wrong_and_nothing_is_stored(self):
        daemon = self.working()
        answer = self.add(daemon, "No!", status=400, prioritaet=1, timeout=-1)
        self.assertEqual(len(answer["errors"]), 3, answer)
        self.assertEqual(daemon.get("/v1/tasks?state=all")["tasks"], [])

    def test_automation_does_not_pass_for_a_human(self):
        roles = [{"uid": os.getuid(), "role": "operator", "class": "automation"}]
        daemon = self.working(more={"api": {"roles": roles}})
        self.assertIn("cannot submit as human", self.add(daemon, status=403, actor="anna", actor_class="human")["detail"])
        task = self.task(daemon, self.add(daemon, actor="agent"))
        self.assertEqual(task["actor"], {"name": "agent", "class": "automation"})

    def test_what_is_not_on_the_allowlist_is_not_run(self):
        daemon = self.working({"good": self.program(SAYS)})
        task = self.wait_for_task(daemon, self.script(daemon, "goood", max_attempts=1))
        self.assertEqual((task["state"], task["error_code"]), ("failed", "forbidden"))
        self.assertIn("did you mean \"good\"", task["result"]["error"]["message"])

    def test_a_program_that_was_changed_is_not_run(self):
        path, digest = self.ledger_program()
        daemon = self.working({"job": (path, digest)})
        path.write_text(path.read_text() + "# changed\n")
        task = self.wait_for_task(daemon, self.script(daemon, "job"))
        self.assertEqual((task["state"], task["error_code"]), ("failed", "forbidden"))
        self.assertIn("SHA-256", task["result"]["error"]["message"])
        self.assertEqual(self.ledger(), [])

    def test_inline_text_runs_only_where_the_configuration_says_so(self):
        daemon = self.working()
        task = self.wait_for_task(daemon, self.add(daemon, "run_bash", {"text": "id"}, capability="noop", max_attempts=1))
        self.assertEqual((task["state"], task["error_code"]), ("failed", "no_executor"))
        daemon.write_config({}, self.settings() | {"executors": {"noop": {}, "run_bash": {}}})
        self.assertEqual(daemon.request("POST", "/v1/reload")[0], 200)
        task = self.wait_for_task(daemon, self.add(daemon, "run_bash", {"text": 'echo "$1$1"', "args": ["ab"]}))
        self.assertEqual(task["result"]["stdout"]["head"], "abab\n")


class Orders(TaskCase):
    def test_a_cancel_ends_the_child_and_only_then_frees_its_locks(self):
        path, digest = self.ledger_program("sleep 300")
        daemon = self.working({"long": (path, digest)})
        number = self.script(daemon, "long", locks=["a:1"])
        other = self.add(daemon, locks=["a:1"])
        self.wait_for_file(self.ledger_file)
        self.assertTrue(self.order(daemon, number, "cancel")["requested"])
        task = self.wait_for_task(daemon, number)
        self.assertEqual((task["state"], task["error_code"]), ("cancelled", "cancelled"))
        self.assertEqual(self.wait_for_task(daemon, other)["state"], "done")
        self.assertEqual(len(self.ledger()), 1)
        self.order(daemon, number, "cancel", status=409)

    def test_a_retry_of_a_finished_task_is_a_new_one(self):
        daemon = self.working({"bad": self.program(SAYS + "exit 7\n")})
        number = self.script(daemon, "bad", max_attempts=1)
        task = self.wait_for_task(daemon, number)
        self.assertEqual((task["state"], task["error_code"], task["result"]["exit_status"]), ("failed", "runtime", 7))
        again = self.order(daemon, number, "retry", status=201)["id"]
        self.assertNotEqual(again, number)
        task = self.wait_for_task(daemon, again)
        self.assertEqual((task["state"], task["retry_of"]), ("failed", number))
        self.assertEqual(self.task(daemon, number)["state"], "failed")

    def test_a_failure_waits_for_its_time_and_can_be_hurried(self):
        daemon = self.working({"bad": self.program(SAYS + "exit 1\n")})
        number = self.script(daemon, "bad")
        task = until(lambda: (seen := self.task(daemon, number))["waits_for"] == "time" and seen, "the wait for a retry")
        self.assertEqual((task["state"], task["attempt"], self.events_of(task)[-1]), ("queued", 1, "retry"))
        self.order(daemon, number, "retry")
        until(lambda: self.task(daemon, number)["attempt"] == 2, "the second attempt")

    def test_what_is_paused_waits(self):
        daemon = self.working()
        pause = {"scope": "kind", "name": "noop", "why": "a look first"}
        self.assertEqual(daemon.request("POST", "/v1/queue/pause", pause)[0], 200)
        number, other = self.add(daemon), self.add(daemon, "sleep", {"seconds": 0.01})
        self.assertEqual(self.wait_for_task(daemon, other)["state"], "done")
        self.assertEqual(self.task(daemon, number)["waits_for"], "pause")
        self.assertEqual(daemon.request("POST", "/v1/queue/resume", {"scope": "kind", "name": "noop"})[0], 200)
        self.assertEqual(self.wait_for_task(daemon, number)["state"], "done")

    def test_a_drained_worker_takes_nothing(self):
        daemon = self.working(lease="5s")  # a third of it, and the worker knows
        self.assertEqual(daemon.request("POST", "/v1/workers/here/drain", {"drain": True})[0], 200)
        until(lambda: daemon.get("/v1/workers")["workers"][0]["draining"], "the drain")
        until(lambda: daemon.get("/v1/status")["queue"]["worker"]["draining"], lambda: "the worker to know\n" + daemon.tail())
        number = self.add(daemon)
        daemon.stop()
        daemon.start()  # a restart does not undo it
        self.wait_until_live(daemon)
        self.assertEqual(self.task(daemon, number)["attempt"], 0)
        marker = self.add(daemon, run_at="2200-01-01T00:00:00Z")
        self.assertEqual(daemon.request("POST", "/v1/workers/here/drain", {"drain": False})[0], 200)
        task = self.wait_for_task(daemon, number)
        self.assertEqual(task["state"], "done")
        self.assertGreaterEqual(task["claimed_at"], self.task(daemon, marker)["submitted_at"])


class Losses(TaskCase):
    def test_a_killed_daemon_takes_its_children_along_and_the_task_goes_to_the_next(self):
        flag = self.path("second")
        path, digest = self.ledger_program(f"if [ -e {flag} ]; then exit 0; fi; touch {flag}; sleep 300")
        daemon = self.working({"job": (path, digest)})
        number = self.script(daemon, "job")
        self.wait_for_file(self.ledger_file)
        until(flag.exists, "the program to be at work")
        children = children_of(daemon.pid)
        daemon.kill()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "the children to be gone")
        daemon.start()
        task = self.wait_for_task(daemon, number)
        self.assertEqual((task["state"], task["attempt"], task["lost_workers"]), ("done", 2, 1))
        self.assertIn("worker_lost", self.events_of(task))
        epochs = {epoch for _, epoch, _ in self.ledger()}
        self.assertEqual(len(epochs), 2)

    def test_a_task_that_loses_its_worker_twice_is_set_aside(self):
        path, digest = self.ledger_program("sleep 300")
        daemon = self.working({"job": (path, digest)})
        number = self.script(daemon, "job")
        for begun in (1, 2):
            until(lambda: len(self.ledger()) == begun, lambda: "the program to begin\n" + daemon.tail())
            daemon.kill()
            daemon.start()
        task = self.wait_for_task(daemon, number)
        self.assertEqual((task["state"], task["error_code"]), ("failed", "poison"))

    def test_a_stop_lets_short_tasks_end_and_hands_long_ones_back(self):
        daemon = self.working(stop_deadline="2s")
        short, long = self.add(daemon, "sleep", {"seconds": 0.5}), self.add(daemon, "sleep", {"seconds": 3600})
        self.wait_for_task(daemon, long, "running")
        daemon.stop()
        daemon.start()
        self.assertEqual(self.wait_for_task(daemon, short)["state"], "done")
        task = self.wait_for_task(daemon, long, "running")
        self.assertIn("handed_back", self.events_of(task))
        self.assertEqual((task["attempt"], task["lost_workers"]), (1, 0))
        self.order(daemon, long, "cancel")
        self.wait_for_task(daemon, long)

    def test_a_frozen_daemons_child_is_killed_before_another_may_have_its_task(self):
        path, digest = self.ledger_program("sleep 300")
        daemon = self.working({"job": (path, digest)}, lease="10s")
        number = self.script(daemon, "job")
        child = until(lambda: self.sleeper_below(daemon), lambda: "the child\n" + daemon.tail())
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            until(lambda: not os.path.exists(f"/proc/{child}"), "the child to be killed")
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        until(lambda: len(self.ledger()) >= 2, lambda: "another attempt\n" + daemon.tail())
        self.assertEqual(len({epoch for _, epoch, _ in self.ledger()}), 2)
        self.order(daemon, number, "cancel")
        self.wait_for_task(daemon, number)

    @staticmethod
    def sleeper_below(daemon):
        for pid in children_of(daemon.pid):
            try:
                if b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
                    return pid
            except OSError:
                pass  # it has ended
        return None


class Seen(TaskCase):
    def test_metrics_tell_depth_and_outcomes(self):
        daemon = self.working()
        self.wait_for_task(daemon, self.add(daemon))
        self.add(daemon, run_at="2200-01-01T00:00:00Z")

        def scraped():
            control = Control(daemon.socket_path)
            control.request("GET", "/metrics")
            return control.getresponse().read().decode()

        text = until(lambda: 'waits_for="time"} 1' in (page := scraped()) and page, lambda: scraped())
        for line in ('fairlead_store_up{backend="sqlite"} 1', 'fairlead_worker_attempts_total{outcome="done"} 1',
                     "# TYPE fairlead_tasks gauge", "fairlead_tasks_submitted_total 2",
                     'fairlead_worker_attempts_total{outcome="cancelled"} 0', "fairlead_worker_wait_seconds_count 1",
                     'fairlead_worker_heartbeat_age_seconds{worker="here"'):
            self.assertIn(line, text)

    def test_output_is_seen_while_it_runs(self):
        path, digest = self.program(SAYS + "echo first; sleep 300\n")
        daemon = self.working({"talks": (path, digest)})
        number = self.script(daemon, "talks")
        follow = self.command(daemon, "task", "logs", str(number), "--follow")
        follow.wait_until(lambda: "first" in follow.out, "the first line")
        self.order(daemon, number, "cancel")
        follow.wait()

    def test_adding_and_waiting_ends_with_the_tasks_own_exit(self):
        daemon = self.working({"bad": self.program(SAYS + "exit 7\n"), "good": self.program(SAYS + "echo fine\n")})
        payload = json.dumps({"program": "bad"})
        command = self.command(daemon, "task", "add", "script", "--payload", payload, "--max-attempts", "1", "--wait")
        self.assertEqual(command.wait(), 7, command.told())
        payload = json.dumps({"program": "good"})
        command = self.command(daemon, "task", "add", "script", "--payload", payload, "--wait")
        self.assertEqual(command.wait(), 0, command.told())


class Hooks(TaskCase):
    def with_hooks(self, text):
        self.folder = folder = self.path("hooks")
        folder.mkdir()
        (folder / "10.lua").write_text("api(1)\n" + text)
        return self.working({"bad": self.program(SAYS + "exit 1\n")}, {"policy": {"dir": str(folder), "deadline": "10s"}})

    def test_hooks_admit_route_and_decide_about_retries(self):
        daemon = self.with_hooks('''
            on.admit("no-late-ones", function(ctx)
              if ctx.task.priority > 500 then return ctx.reject("too late for " .. ctx.actor.name) end
            end)
            on.route("elsewhere", function(ctx)
              if ctx.task.kind == "sleep" then return ctx.capability("gpu") end
            end)
            on.retry("never", function(ctx)
              if ctx.error.code == "runtime" then return ctx.give_up("once is enough") end
            end)
            on.task_state("notes", function(ctx) log(ctx.task.kind, ctx.from, ctx.to) end)
        ''')
        answer = self.add(daemon, priority=501, status=403)
        self.assertIn("too late for", answer["detail"])
        self.assertEqual(self.task(daemon, self.add(daemon, "sleep", {"seconds": 0}))["route"], "gpu@")
        task = self.wait_for_task(daemon, self.script(daemon, "bad"))
        self.assertEqual((task["state"], task["attempt"]), ("failed", 1))
        self.assertIn("once is enough", task["timeline"][-1]["detail"])
        self.order(daemon, task["id"], "retry", status=201)
        until(lambda: any("running failed" in line.get("text", "") for line in daemon.lines()
                          if line.get("event") == "hook_log"), lambda: "the observer\n" + daemon.tail())

    def test_a_finished_task_is_admitted_again_before_it_is_repeated(self):
        daemon = self.with_hooks('on.admit("freeze", function(ctx) return nil end)')
        number = self.wait_for_task(daemon, self.add(daemon))["id"]
        (self.folder / "10.lua").write_text(
            'api(1)\non.admit("freeze", function(ctx) return ctx.reject(ctx.actor.class .. "s wait for Monday") end)')
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.assertIn("humans wait for Monday", self.order(daemon, number, "retry", status=403)["detail"])
        self.assertEqual(len(daemon.get("/v1/tasks?state=all")["tasks"]), 1)

    def test_a_broken_admit_hook_lets_nothing_in(self):
        daemon = self.with_hooks('on.admit("broken", function(ctx) error("oh") end)')
        self.assertIn("admit", self.add(daemon, status=403)["detail"])


if __name__ == "__main__":
    unittest.main()
