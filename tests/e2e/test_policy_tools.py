"""`fairlead policy …`: hooks checked, tested, asked and replayed with the real binary and no daemon."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, free_port
from fairlead_e2e.platform import PATIENCE

PATIENT = """api(1)
on.reconnect("patient", function(ctx)
  if ctx.tunnel.name == "slow" then return ctx.after("5m") end
  if ctx.reason == "auth_refused" then return ctx.stop("it will not get better") end
  if ctx.reason == "broken" then return ctx.tunel end
end)
"""
LATER = """api(1)
on.reconnect("later", function(ctx)
  if ctx.clock.hour == 3 then return ctx.after(1) end
end)
every("10m", "report", function(flow) flow.sleep("1s") end)
"""
CTX = {"tunnel": {"name": "line", "host": "h", "port": 22, "actor": "ops"}, "reason": "connect_refused", "detail": "",
       "patient": False, "attempts": 1, "max_attempts": 0, "default_delay": 2, "least_delay": 1}
EVENTS = ["dispatch", "fix_forward", "tier", "admit", "route", "retry", "reconnect", "health", "notification", "redact",
          "tunnel_state", "task_state", "run_state", "worker_state", "approval_state", "every"]


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".lua").write_text(text)
        return str(self.folder)

    def run_policy(self, *words, ctx=None):
        given = ctx if ctx is None or isinstance(ctx, str) else json.dumps(ctx)
        return subprocess.run([FAIRLEAD, "policy", *words], input=given or "", capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def ended(self, run, code):
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    # --- check ---
    def test_check_lists_hooks_in_the_order_they_are_asked(self):
        folder = self.write(a20=LATER, a10=PATIENT)
        answer = json.loads(self.ended(self.run_policy("check", folder, "--json"), 0).stdout)
        mine = [(h["event"], h["name"], h["kind"], h["line"]) for h in answer["hooks"] if not h["standard"]]
        self.assertEqual(mine, [("reconnect", "patient", "decide", 2), ("reconnect", "later", "decide", 2),
                                ("every", "report", "flow", 5)])
        self.assertEqual([h["every_seconds"] for h in answer["hooks"] if h["name"] == "report"], [600])
        self.assertIn("one-more-minute", [h["name"] for h in answer["hooks"] if h["standard"]])
        text = self.ended(self.run_policy("check", folder), 0).stdout
        self.assertRegex(text, r"reconnect +patient +decide +- +\S+a10\.lua:2 +you")
        self.assertIn(f"ok: {folder} (2 files", text)

    def test_check_says_what_is_off_and_warns(self):
        folder = self.write(a='api(1)\noff("one-more-minute")\n', b="api(1)\n")
        run = self.ended(self.run_policy("check", folder), 0)
        self.assertIn("off: one-more-minute", run.stdout)
        self.assertRegex(run.stderr, r"warning: \S+b\.lua: registers nothing")

    def test_check_names_every_problem_with_its_line(self):
        folder = self.write(a='api(1)\non.reconect("x", function() end)\n', b="api(1)\n\nfoo bar\n")
        run = self.ended(self.run_policy("check", folder), 1)
        self.assertRegex(run.stderr, r"(?m)^\S+a\.lua:2: .*did you mean `reconnect`\?$")
        self.assertRegex(run.stderr, r"(?m)^\S+b\.lua:3: .*syntax error")
        self.assertIn("has 2 problems: mend it", run.stderr)
        answer = json.loads(self.ended(self.run_policy("check", folder, "--json"), 1).stdout)
        self.assertEqual((answer["ok"], len(answer["errors"])), (False, 2))

    def test_what_everybody_may_write_is_refused(self):
        folder = self.write(a=PATIENT, tests__a='kit.test("fine", function() end)')
        for path in (self.folder / "a.lua", self.folder, self.folder / "tests", self.folder / "tests" / "a.lua"):
            with self.subTest(path):
                mode = path.stat().st_mode
                path.chmod(mode | 0o002)
                run = self.ended(self.run_policy("check", folder), 1)
                path.chmod(mode)
                self.assertRegex(run.stderr, rf"(?m)^{path}: is writable by everybody: run `chmod o-w` on it")
        self.ended(self.run_policy("check", folder), 0)

    def test_a_folder_that_is_missing_is_no_empty_one(self):
        run = self.ended(self.run_policy("check", str(self.folder / "nowhere")), 1)
        self.assertIn("there is no folder", run.stderr)

    def test_the_folder_is_that_of_the_configuration(self):
        self.write(hooks__a=PATIENT)
        config = self.folder / "fairlead.yaml"
        config.write_text(json.dumps({"version": 1, "policy": {"dir": str(self.folder / "hooks")}, "tunnels": {},
                                      "state_dir": str(self.folder / "state")}))
        run = self.ended(self.run_policy("check", "--config", str(config)), 0)
        self.assertIn("patient", run.stdout)
        run = self.ended(self.run_policy("replay", "--config", str(config)), 1)
        self.assertIn("no daemon has journalled", run.stderr)

    # --- test ---
    def test_tests_are_run_and_the_failed_one_says_why(self):
        folder = self.write(a=PATIENT, tests__a="""
kit.test("stops", function()
  kit.same(kit.fire("reconnect", {tunnel = {name = "x"}, reason = "auth_refused"}).verdict, "stop")
end)
kit.test("is wrong", function() kit.same(1, 2) end)
""")
        run = self.ended(self.run_policy("test", folder), 1)
        self.assertIn("ok stops\n", run.stdout)
        self.assertRegex(run.stdout, r"failed is wrong\n    \S+tests/a\.lua:\d+: .*got 1, wanted 2")
        self.assertIn("2 tests, 1 failed", run.stdout)
        answer = json.loads(self.ended(self.run_policy("test", folder, "--json"), 1).stdout)
        self.assertEqual(([t["ok"] for t in answer["tests"]], answer["failed"]), ([True, False], 1))
        self.write(tests__a='kit.test("fine", function() end)')
        self.assertIn("1 test, 0 failed", self.ended(self.run_policy("test", folder), 0).stdout)

    def test_no_test_is_no_success(self):
        self.assertIn("there are no tests", self.ended(self.run_policy("test", self.write(a=PATIENT)), 1).stderr)

    # --- eval, explain ---
    def test_eval_prints_the_verdict_and_its_hook(self):
        folder = self.write(a10=PATIENT, a20=LATER)
        def ask(**more):
            return self.run_policy("eval", "reconnect", "--dir", folder, ctx=CTX | more)
        answer = json.loads(self.ended(ask(reason="auth_refused"), 0).stdout)
        self.assertEqual(answer["verdict"], {"verdict": "stop", "why": "it will not get better"})
        self.assertRegex(answer["hook"], r"a10\.lua:2 patient$")
        answer = json.loads(self.ended(ask(clock={"hour": 4}), 0).stdout)
        self.assertEqual((answer["verdict"], answer["safe_default"]), (None, "the tunnel's backoff"))
        self.assertEqual(json.loads(self.ended(ask(clock={"hour": 3}), 0).stdout)["verdict"]["delay"], 1)
        run = self.ended(ask(reason="broken"), 1)
        self.assertRegex(run.stderr, r"a10\.lua:5: .*did you mean `tunnel`\?")

    def test_eval_holds_the_ctx_to_the_table_of_events(self):
        folder = self.write(a=PATIENT)
        for ctx, said in [({"tunnel": {"nam": "x"}}, "did you mean `tunnel.name`?"),
                          ({"resaon": "x"}, "did you mean `reason`?"),
                          ({"attempts": "3"}, "`attempts` must be an integer"),
                          ({"attempts": 1.5}, "`attempts` must be an integer"),
                          ("", "stdin is empty"), ("[]", "must be a JSON object"), ("{", "no JSON")]:
            with self.subTest(ctx=ctx):
                run = self.ended(self.run_policy("eval", "reconnect", "--dir", folder, ctx=ctx), 1)
                self.assertIn(said, run.stderr)
        run = self.ended(self.run_policy("eval", "reconect", "--dir", folder, "--json", ctx={}), 1)
        self.assertIn("did you mean `reconnect`?", json.loads(run.stdout)["error"]["message"])

    def test_eval_shows_what_a_transform_makes(self):
        folder = self.write(a="""api(1)
on.notification("loud", function(notice, ctx)
  notice.title = notice.title .. "!"
  return notice
end)""")
        run = self.run_policy("eval", "notification", "--dir", folder, ctx={"value": {"title": "down"}, "sender_names": []})
        self.assertEqual(json.loads(self.ended(run, 0).stdout)["value"], {"title": "down!"})

    def test_explain_names_who_was_asked_and_the_guardrail(self):
        folder = self.write(a10=LATER, a20=PATIENT)
        run = self.run_policy("explain", "reconnect", "--dir", folder,
                              ctx=CTX | {"clock": {"hour": 3}, "least_delay": 30, "default_delay": 40})
        text = self.ended(run, 0).stdout
        self.assertRegex(text, r'a10\.lua:2 later: {"verdict":"after","delay":1}')
        self.assertRegex(text, r"a20\.lua:2 patient: not asked")
        self.assertIn("guardrail: after(1s) is outside of 30s to 1d", text)
        self.assertIn("so: the tunnel tries again in 30s", text)
        run = self.run_policy("explain", "reconnect", "--dir", folder, "--json", ctx=CTX | {"clock": {"hour": 4}})
        answer = json.loads(self.ended(run, 0).stdout)
        self.assertEqual([one["said"] for one in answer["asked"]], ["no opinion", "no opinion"])
        self.assertEqual((answer["verdict"], answer["outcome"]), (None, "the tunnel tries again in 2s"))

    def test_explain_tells_what_becomes_of_a_notice(self):
        folder = self.write(a="""api(1)
on.notification("wide", function(notice, ctx)
  if notice.title == "quiet" then return nil end
  notice.subject, notice.senders, notice.title = "other", "mail", notice.title .. "!"
  return notice
end)""")
        value = {"event": "tunnel_failed", "subject": "hub", "severity": "high", "title": "down", "text": "", "senders": ["pager"]}

        def explain(**more):
            return self.run_policy("explain", "notification", "--dir", folder, ctx={"value": value | more, "sender_names": []})

        text = self.ended(explain(), 0).stdout
        self.assertIn("guardrail: event and subject cannot be changed; senders must be a list of texts\n", text)
        self.assertIn('so: "down!" is sent with severity high to pager\n', text)
        self.assertIn("so: nothing is sent\n", self.ended(explain(title="quiet"), 0).stdout)
        self.assertIn("so: give event, subject, severity", self.ended(explain(severity="worst"), 0).stdout)

    def test_a_hook_that_never_returns_is_ended_with_its_place(self):
        folder = self.write(a='api(1)\non.reconnect("stuck", function(ctx)\n  while true do end\nend)')
        run = self.ended(self.run_policy("explain", "reconnect", "--dir", folder, ctx=CTX), 1)
        self.assertRegex(run.stdout, r"stuck: failed: \S+a\.lua:3")
        self.assertIn("answer: the safe default", run.stdout)

    def test_a_hook_that_swallows_its_end_is_ended_with_its_process(self):
        folder = self.write(a="""api(1)
on.reconnect("swallow", function(ctx)
  while true do pcall(function() while true do end end) end
end)""")
        run = self.ended(self.run_policy("explain", "reconnect", "--dir", folder, ctx=CTX), 1)
        self.assertRegex(run.stdout, r"a\.lua:2 swallow: failed: it was not answered within")

    def test_a_policy_process_that_is_not_there_is_named(self):
        alone = shutil.copy(FAIRLEAD, self.folder / "fairlead")
        run = subprocess.run([alone, "policy", "check", self.write(a=PATIENT)], capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        if run.returncode == 0:
            self.skipTest("fairlead-host is installed on this machine")
        self.assertRegex(run.stderr, r"(?m)^/\S+/fairlead-host: cannot be started")

    # --- new ---
    def test_every_new_hook_loads_as_it_stands(self):
        for event in EVENTS:
            run = self.ended(self.run_policy("new", event), 0)
            (self.folder / f"{event}.lua").write_text(run.stdout)
        answer = json.loads(self.ended(self.run_policy("check", str(self.folder), "--json"), 0).stdout)
        mine = [hook["event"] for hook in answer["hooks"] if not hook["standard"]]
        self.assertEqual(mine, EVENTS)

    def test_a_new_hook_has_the_name_it_was_given(self):
        text = self.ended(self.run_policy("new", "health", "night"), 0).stdout
        self.assertIn('on.health("night", function(ctx)', text)
        for word in ("ctx.check.status", "return ctx.hold(time, why)", "ctx.clock.hour"):
            self.assertIn(word, text)
        self.ended(self.run_policy("new", "health", "two words"), 64)


class Later(unittest.TestCase):
    def test_the_help_says_that_shadow_and_promote_come_later(self):
        def run(*words):
            return subprocess.run([FAIRLEAD, "policy", *words], capture_output=True, text=True, timeout=PATIENCE, check=False)

        self.assertIn("later: shadow, promote", run("--help").stdout)
        for word in ("shadow", "promote"):
            self.assertEqual(run(word).returncode, 64)


class Replay(TunnelCase):
    def test_replay_shows_where_the_verdicts_differ(self):
        hooks, other = self.path("hooks"), self.path("other")
        for folder in (hooks, other):
            folder.mkdir()
        (hooks / "a.lua").write_text('api(1)\non.reconnect("quick", function(ctx) return ctx.after(1) end)\n')
        (other / "a.lua").write_text('api(1)\non.reconnect("slow", function(ctx) return ctx.after(2) end)\n')
        tunnel = {"host": "127.0.0.1", "port": free_port(), "ssh_user": "nobody", "ssh_key": str(self.key()),
                  "host_key": "accept-new", "known_hosts": str(self.path("known")),
                  "forwards": [{"remote": free_port(), "to": free_port()}]}
        # A late one would be journalled as another verdict.
        daemon = self.daemon(tunnel, {"policy": {"dir": str(hooks), "deadline": "10s"}})
        daemon.wait_transition("reconnecting", "connect_refused")
        daemon.wait_transition("starting", after=len(daemon.lines()))  # the hook's second is over
        daemon.stop()

        def replay(*words):
            return subprocess.run([FAIRLEAD, "policy", "replay", "--config", daemon.config_file, *words],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)

        same = replay("--json")
        self.assertEqual(same.returncode, 0, same.stdout + same.stderr)
        answer = json.loads(same.stdout)
        self.assertGreaterEqual(answer["asked"], 1)
        self.assertEqual((answer["differ"], answer["differences"]), (0, []))
        changed = replay("--since", "1h", str(other))
        self.assertEqual(changed.returncode, 1, changed.stdout + changed.stderr)
        self.assertRegex(changed.stdout, r'was {"verdict":"after","delay":1} by \S+:2 quick')
        self.assertRegex(changed.stdout, r'now {"verdict":"after","delay":2} by \S+:2 slow')

    def key(self):
        path = self.path("key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=PATIENCE)
        return path


if __name__ == "__main__":
    unittest.main()
