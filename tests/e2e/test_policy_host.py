"""The policy process alone: what hooks can do, in which order they are asked, and what they cannot reach."""
import json
import os
import pathlib

from fairlead_e2e.platform import SOURCE
from fairlead_e2e.policy_host import RECONNECT, PolicyHost, PolicyHostCase

TESTKIT = ("library", (SOURCE / "lua" / "testkit.lua").read_text())


def deciding(body, name="a", prefix=""):
    return f'api(1)\n{prefix}\non.reconnect("{name}", function(ctx) {body} end)\n'


class Kinds(PolicyHostCase):
    def test_the_first_verdict_wins_in_the_order_of_files_and_defaults_come_last(self):
        host = self.host(
            deciding("if ctx.attempts > 5 then return ctx.after(50) end", "many"),
            deciding("if ctx.attempts > 2 then return ctx.after('20s') end", "some"),
            ("standard", deciding("return ctx.after(3)", "always")))
        answers = [host.decide(attempts=attempts) for attempts in (9, 4, 0)]
        self.assertEqual([(one["hook"], one["verdict"]["delay"]) for one in answers], [(0, 50), (1, 20), (2, 3)])

    def test_nobody_has_an_opinion(self):
        self.assertEqual(self.host(deciding("return nil")).decide(), {"id": 1, "verdict": None})

    def test_explain_tells_what_each_said(self):
        host = self.host(deciding("", "silent"), deciding("return ctx.stop('enough')", "speaks"))
        answer = host.ask({"id": 7, "event": "reconnect", "ctx": RECONNECT, "explain": True})
        self.assertEqual(answer["asked"], [{"hook": 0, "said": None},
                                           {"hook": 1, "said": {"verdict": "stop", "why": "enough"}}])

    def test_an_error_ends_the_asking_and_names_file_and_line(self):
        host = self.host(deciding("\nerror('oh no')"), deciding("return ctx.after(3)", "b"))
        answer = host.decide()
        self.assertNotIn("verdict", answer)
        self.assertEqual([one["hook"] for one in answer["failed"]], [0])
        self.assertIn("0.lua:4: oh no", answer["failed"][0]["message"])

    def test_a_verdict_of_the_wrong_type_is_an_error(self):
        for body in ("return 5", "return true", "return 'after'", "return {verdict = 'after', delay = 5}"):
            message = self.host(deciding(body)).decide()["failed"][0]["message"]
            self.assertIn("not a verdict: use ctx.after(delay: duration)", message, body)

    def test_wrong_arguments_of_a_verdict_are_errors(self):
        for body, part in (("return ctx.after()", "it is missing"), ("return ctx.after('soon')", "a duration is wanted"),
                           ("return ctx.after(-1)", "a duration is wanted"), ("return ctx.after(0/0)", "a duration is wanted"),
                           ("return ctx.after(1/0)", "a duration is wanted"), ("return ctx.stop()", "say why"),
                           ("return ctx.stop(5)", "a text is wanted"), ("return ctx.after(1, 2)", "too many")):
            self.assertIn(part, self.host(deciding(body)).decide()["failed"][0]["message"], body)

    def test_transforms_are_piped_and_one_that_fails_is_passed_over(self):
        host = self.host('''api(1)
            on.notification("one", function(notice) notice.title = notice.title .. "1"; return notice end)
            on.notification("bad", function(notice) notice.title = "lost"; error("no") end)
            on.notification("two", function(notice) notice.title = notice.title .. "2"; return notice end)''')
        answer = host.ask({"id": 1, "event": "notification", "ctx": {"sender_names": []}, "value": {"title": "t"}})
        self.assertEqual(answer["value"], {"title": "t12"})
        self.assertEqual([one["hook"] for one in answer["failed"]], [1])

    def test_observers_are_all_told_whatever_one_does(self):
        host = self.host('''api(1)
            on.tunnel_state("bad", function(ctx) error("no") end)
            on.tunnel_state("good", function(ctx) log("saw", ctx.to) end)''')
        answer = host.ask({"id": 1, "event": "tunnel_state", "ctx": {"to": "connected"}})
        self.assertEqual([one["hook"] for one in answer["failed"]], [0])
        self.assertEqual((host.logged, host.loggers), (["saw connected"], [1]))


class Flows(PolicyHostCase):
    def flow(self, body):
        return self.host(f'api(1)\nevery("5m", "f", function(flow)\n{body}\nend)')

    def test_every_effect_arrives_with_its_arguments(self):
        rows = (("flow.sleep('1s')", "sleep", {"time": "1s"}),
                ("flow.exec{argv={'/bin/true', 'x'}, timeout='2s'}", "exec", {"argv": ["/bin/true", "x"], "timeout": "2s"}),
                ("flow.http{url='http://h/', headers={a='b'}}", "http", {"url": "http://h/", "headers": {"a": "b"}}),
                ("flow.emit('seen', {n=1})", "emit", {"type": "seen", "body": {"n": 1}}),
                ("flow.notify{title='t', severity='high'}", "notify", {"title": "t", "severity": "high"}),
                ("flow.store.get('k')", "store.get", {"key": "k"}),
                ("flow.store.set('k', {1, 2})", "store.set", {"key": "k", "value": [1, 2]}),
                ("flow.tunnel.status('hub')", "tunnel.status", {"name": "hub"}),
                ("flow.tunnel.up('hub')", "tunnel.up", {"name": "hub"}),
                ("flow.tunnel.down('hub')", "tunnel.down", {"name": "hub"}),
                ("flow.tunnel.reconnect('hub')", "tunnel.reconnect", {"name": "hub"}))
        host = self.flow("\n".join(call for call, _, _ in rows))
        step = host.start(0)
        for _, effect, arguments in rows:
            self.assertEqual((step["effect"], step["arguments"]), (effect, arguments))
            step = host.good(None)
        self.assertEqual(step, {"flow": 9, "done": True})

    def test_texts_that_are_no_utf8_leave_as_such_that_are(self):
        host = self.flow("""flow.emit("seen", {text = "caf\\xe9", ["\\xff"] = {"\\xc3\\xa9", "\\xed\\xa0\\x80"}})
            flow.store.set("k\\xff", "\\xff")""")
        self.assertEqual(host.start(0)["arguments"]["body"], {"text": "caf\ufffd", "\ufffd": ["\u00e9", "\ufffd" * 3]})
        self.assertEqual(host.good(None)["arguments"], {"key": "k\ufffd", "value": "\ufffd"})
        deciding_so = self.host(deciding("return ctx.stop('\\xff')"))
        self.assertEqual(deciding_so.decide()["verdict"]["why"], "\ufffd")

    def test_answers_failures_and_refusals_come_back(self):
        host = self.flow('''
            local got = flow.store.get("k")
            local none, why = flow.http{url="http://h/"}
            local fine, refused = pcall(flow.exec, {argv={"/bin/true"}})
            log(got.n, none, why, fine, refused)''')
        host.start(0)
        host.good({"n": 5})
        host.error("no route")
        self.assertEqual(host.error("not allowed", forbidden=True), {"flow": 9, "done": True})
        self.assertEqual(len(host.logged), 1)
        self.assertTrue(host.logged[0].startswith("5 nil no route false "), host.logged)
        self.assertIn("not allowed", host.logged[0])

    def test_a_wrong_effect_names_the_line(self):
        for body, part in (("flow.tunnel.upp('x')", "`upp` is no part of flow"), ("flow.exec{argv='x'}", "`argv` must be a list"),
                           ("flow.sleep()", "`time` is missing"), ("coroutine.yield()", "not by coroutine.yield")):
            failed = self.flow(body).start(0)["failed"]
            self.assertIn(part, failed, body)
            self.assertRegex(failed, r"^0\.lua:[23]: ")

    def test_a_cancelled_flow_is_gone(self):
        host = self.flow("flow.sleep('1s') flow.sleep('2s')")
        host.start(0)
        host.send({"flow": 9, "cancel": True})
        host.send({"flow": 9, "good": None, "clock": {}})
        self.assertEqual(host.start(0, flow=10)["flow"], 10)


class Files(PolicyHostCase):
    def test_off_takes_a_hook_out(self):
        host = self.host("api(1) off('d')", ("standard", deciding("return ctx.after(3)", "d")))
        self.assertEqual((host.loaded["hooks"], host.loaded["off"]), ([], ["d"]))

    def test_a_hook_of_the_same_name_replaces_a_default(self):
        host = self.host(deciding("return nil", "d"), ("standard", deciding("return ctx.after(3)", "d")))
        self.assertEqual([hook["file"] for hook in host.loaded["hooks"]], ["0.lua"])
        self.assertIsNone(host.decide()["verdict"])

    def test_files_have_environments_of_their_own(self):
        host = self.host("api(1) string.rep = nil math.floor = 5 local hidden = 1",
                         deciding("return ctx.stop(string.rep('x', math.floor(2.5)))"))
        self.assertEqual(host.decide()["verdict"]["why"], "xx")

    def test_all_problems_of_all_files_are_told_with_their_lines(self):
        found = self.refused(
            "api(1)\non.recconect('x', function() end)", "on.reconnect('x', function() end)", "api(2)", "api(1)\nx = 5",
            "api(1)\n\nlocal y = tosting(5)", "api(1) off('nope')", "api(1)\nfoo bar", "local z = 1")
        parts = ["did you mean `reconnect`?", "must begin with api(1)", "wants hook API 2", "undeclared global `x`",
                 "did you mean `tostring`?", "there is no hook `nope`", "syntax error", "begin it with api(1)"]
        self.assertEqual(len(found), len(parts))
        for number, part in enumerate(parts):
            self.assertTrue(any(file == f"{number}.lua" and part in message for file, _, message in found), part)
        self.assertIn(("0.lua", 2), [(file, line) for file, line, _ in found])
        self.assertIn(("4.lua", 3), [(file, line) for file, line, _ in found])

    def test_what_is_not_for_hooks_is_not_there(self):
        for name in ("io", "os", "debug", "package", "require", "load", "loadfile", "dofile", "collectgarbage", "rawset",
                     "rawget", "getmetatable", "print", "_G"):
            self.assertIn("is no global of hooks", self.refused(f"api(1) local x = {name}")[0][2], name)
        host = self.host("api(1) log(string.dump, math.random, math.randomseed)")
        self.assertEqual((host.logged, host.loggers), (["nil nil nil"], [None]))


class Context(PolicyHostCase):
    def failure(self, body, prefix=""):
        host = self.host(deciding(body, prefix=prefix))
        host.decide()
        return host.decide()["failed"][0]["message"]

    def test_an_unknown_field_is_an_error_with_a_suggestion(self):
        self.assertIn("did you mean `tunnel`?", self.failure("return ctx.tunel"))
        self.assertIn("did you mean `name`?", self.failure("return ctx.tunnel.nmae"))
        self.assertIn("did you mean `hour`?", self.failure("return ctx.clock.hours"))

    def test_it_cannot_be_written_to(self):
        self.assertIn("cannot be written to", self.failure("ctx.attempts = 5"))
        self.assertIn("cannot be written to", self.failure("ctx.tunnel.name = 'x'"))

    def test_it_is_over_after_the_call(self):
        self.assertIn("this ctx is over", self.failure("if kept then return kept.attempts end kept = ctx", "local kept"))

    def test_random_numbers_are_those_of_the_seed(self):
        host = self.host(deciding("return ctx.stop(ctx.random() .. ' ' .. ctx.random(6) .. ' ' .. ctx.random(7, 9))"))
        first, again, other = (host.decide(seed=seed)["verdict"]["why"] for seed in (5, 5, 6))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)


class Limits(PolicyHostCase):
    def test_an_endless_hook_is_ended_with_file_and_line(self):
        host = self.host(deciding("\nwhile true do end"), limits={"reconnect": 50})
        self.assertRegex(host.decide()["failed"][0]["message"], r"0\.lua:4: ")
        self.assertIn("failed", host.decide())  # and the process lives

    def test_memory_is_an_error_of_the_hook(self):
        host = self.host(deciding("local s = ('x'):rep(1 << 30) return ctx.stop(s)"))
        self.assertIn("not enough memory", host.decide()["failed"][0]["message"])
        self.assertIn("failed", host.decide())

    def test_a_call_logs_a_few_lines_and_the_next_one_again(self):
        host = self.host(deciding("for i = 1, 1000 do log(('x'):rep(5000)) end"), limits={"reconnect": 2000})
        host.decide()
        self.assertEqual(len(host.logged), 20)
        self.assertIn("the rest is dropped", host.logged[-1])
        self.assertLessEqual(max(map(len, host.logged)), 1100)
        host.decide()
        self.assertEqual(len(host.logged), 40)


class Sandbox(PolicyHostCase):
    def test_nothing_is_left_to_it(self):
        host = PolicyHost()
        self.addCleanup(host.close)
        if "seccomp" not in host.ready["level"]:
            self.skipTest(f"not to be had here: {host.ready['missing']}")
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path("/proc", str(host.process.pid), "status").read_text().splitlines() if ":\t" in line)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        try:
            open_files = sorted(int(fd) for fd in os.listdir(f"/proc/{host.process.pid}/fd"))
        except PermissionError:  # not dumpable: for root alone
            open_files = []
        self.assertLessEqual(set(open_files), {0, 1, 2, 3, 4})
        limits = pathlib.Path("/proc", str(host.process.pid), "limits").read_text()
        self.assertRegex(limits, r"Max open files +0 +0")
        self.assertRegex(limits, r"Max address space +67108864 +67108864")


class Bench(PolicyHostCase):
    HOOKS = deciding("if ctx.clock.hour < 6 then return ctx.after('5m') end", "night") + \
        "every('1h', 'tick', function(flow) flow.sleep('1s') end)\n"

    def results(self, text):
        host = self.host(self.HOOKS, TESTKIT, ("test", text))
        return host.ask({"do": "test"})

    def test_results_are_told_one_by_one(self):
        answer = self.results('''
            kit.test("at night", function()
              kit.clock("2026-03-01 03:30")
              kit.same(kit.fire("reconnect", {}), {verdict = "after", delay = 300})
            end)
            kit.test("wrong", function() kit.same(1, 2) end)''')
        self.assertEqual([(one["name"], one["ok"]) for one in answer["tests"]], [("at night", True), ("wrong", False)])
        self.assertIn("got 1, wanted 2", answer["tests"][1]["message"])
        self.assertEqual(answer["problems"], [])

    def test_a_made_up_field_is_an_error(self):
        answer = self.results('kit.test("t", function() kit.fire("reconnect", {tunnel = {nmae = "x"}}) end)')
        self.assertIn("did you mean `name`?", json.dumps(answer["tests"]))

    def failures(self, *lines):
        """What each line, a test of its own from line 2 on, fails with."""
        answer = self.results("\n" + "\n".join(f'kit.test("t", function() {line} end)' for line in lines))
        return [one.get("message", "") for one in answer["tests"]]

    def test_a_slip_in_a_test_is_an_error_with_its_line(self):
        rows = (("kit.fire('reconect', {})", "there is no event `reconect`"),
                ("kit.fire('reconnect', {tunel = {}})", "`tunel` is no field of reconnect; did you mean `tunnel`?"),
                ("kit.fire('reconnect', {detail = function() end})", "ctx: a function cannot be sent"),
                ("kit.run('tick', {exce = {status = 0}})", "`exce`; did you mean `exec`?"),
                ("kit.run('tick', {['store.gte'] = 1})", "`store.gte`; did you mean `store.get`?"),
                ("kit.run('tick', {{status = 0}})", "the answers name an effect that there is not"),
                ("kit.run('tick', 5)", "the answers are a table"),
                ("kit.run('tock')", "there is no flow `tock`"),
                ("kit.advance('1s', {exce = {status = 0}})", "`exce`; did you mean `exec`?"),
                ("kit.advance('soon')", "a duration is wanted"))
        for number, ((line, part), message) in enumerate(zip(rows, self.failures(*(line for line, _ in rows)))):
            with self.subTest(line):
                self.assertTrue(message.startswith(f"2.lua:{number + 2}: "), message)
                self.assertIn(part, message)

    def test_a_time_that_there_is_not_is_an_error(self):
        rows = (("2026-13-45 99:99", "no day 2026-13-45"), ("2026-00-10 10:00", "no day 2026-00-10"),
                ("2026-02-29 10:00", "no day 2026-02-29"), ("2026-04-31 10:00", "no day 2026-04-31"),
                ("2026-04-00 10:00", "no day 2026-04-00"), ("2026-04-30 24:00", "no time 24:00"),
                ("2026-04-30 10:60", "no time 10:60"), ("tomorrow", 'got "tomorrow"'))
        for number, ((text, part), message) in enumerate(zip(rows, self.failures(*(f'kit.clock("{text}")' for text, _ in rows)))):
            with self.subTest(text):
                self.assertTrue(message.startswith(f"2.lua:{number + 2}: "), message)
                self.assertIn(part, message)
        fine = ("2024-02-29 23:59", "2026-12-31T00:00", "2026-3-1 3:30", "2000-02-29 00:00")
        self.assertEqual(self.failures(*(f'kit.clock("{text}")' for text in fine)), [""] * len(fine))

    def test_a_broken_test_file_is_a_problem(self):
        answer = self.results("kit.test(")
        self.assertEqual([one["file"] for one in answer["problems"]], ["2.lua"])
