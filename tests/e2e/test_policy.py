"""Hooks in the real daemon: what they decide, what flows may do, and reloads that change all or nothing."""
import datetime
import sqlite3

from fairlead_e2e import until
from fairlead_e2e.policy_case import PolicyCase


class Decisions(PolicyCase):
    def test_a_hook_stops_a_tunnel_and_the_journal_has_it_without_secrets(self):
        daemon = self.with_hooks(self.nowhere(), {"10.lua": '''on.reconnect("enough", function(ctx)
            return ctx.stop("password=hunter2secret") end)'''})
        tunnel = daemon.wait_for("failed")
        self.assertEqual(tunnel["reason"], "stopped_by_hook")
        self.assertIn("10.lua:2 enough", tunnel["detail"])
        daemon.stop()
        files = list((daemon.folder / "state").rglob("decisions.sqlite"))
        self.assertEqual(len(files), 1)
        dump = "\n".join(sqlite3.connect(files[0]).iterdump())
        self.assertIn("enough", dump)
        self.assertNotIn("hunter2secret", dump)


class Effects(PolicyCase):
    def test_flows_do_what_is_allowed_and_nothing_else(self):
        daemon = self.with_hooks({}, {"10.lua": '''every("1s", "work", function(flow)
            local fine, why = pcall(flow.exec, {argv = {"/bin/false"}})
            local result = flow.exec{argv = {"/bin/echo", "hello"}}
            log("refused", not fine, why, "ran", result.status, result.out)
            local http_fine, http_why = pcall(flow.http, {url = "http://127.0.0.1:1/"})
            log("http refused", not http_fine, http_why)
            flow.store.set("runs", (flow.store.get("runs") or 0) + 1)
            log("runs", flow.store.get("runs") > 1)
            flow.sleep("1d")
        end)'''}, {"commands": ["/bin/echo"]})
        self.wait_for_log(daemon, "add it to policy.allow.commands ran 0 hello")
        self.wait_for_log(daemon, "add it to policy.allow.hosts")
        self.wait_for_log(daemon, "runs false")
        for words in ("hook_effect_refused", "exec /bin/echo"):  # it is written behind what happens
            until(lambda words=words: words in self.audit(daemon), f"{words} in the audit")
        daemon.stop()
        daemon.start()
        self.wait_for_log(daemon, "runs true")  # the store has outlived the daemon


    def test_a_flow_in_a_loop_fills_neither_log_nor_audit(self):
        daemon = self.with_hooks({}, {"10.lua": '''every("1s", "talks", function(flow)
            while true do
              for i = 1, 20 do log("flood") end
              flow.emit("flood")
            end
        end)
        '''})
        self.wait_for_log(daemon, "it asked for more than 1000 effects in one run")
        until(lambda: self.audited(daemon) >= 100, daemon.tail)
        daemon.stop()
        lines = daemon.lines()
        flood = [line for line in lines if line["event"] == "hook_log"]
        minutes = self.minutes_begun(flood)
        self.assertEqual({line["hook"] for line in flood}, {"talks"})
        self.assertTrue(600 <= len(flood) <= 600 * minutes, len(flood))
        dropped = [(line["hook"], int(line["more"])) for line in lines
                   if line["event"] == "hook_lines_dropped" and line["lines"] == "hook_log"]
        self.assertEqual({hook for hook, _ in dropped}, {"talks"})
        self.assertLessEqual(len(dropped), minutes)
        self.assertGreater(sum(more for _, more in dropped), 10_000)
        audit = self.audit(daemon)
        self.assertTrue(100 <= audit.count('"emit flood"') <= 100 * minutes, audit.count('"emit flood"'))
        self.assertRegex(audit, r'"hook_effect".*"\d+ more of emit"')

    @staticmethod
    def minutes_begun(lines):
        """One, unless the machine is very busy: each has an allowance of its own."""
        first, last = (datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")) for line in (lines[0], lines[-1]))
        return 1 + int((last - first).total_seconds() + 5) // 60  # a minute may begin in a turn that took some seconds

    def audit(self, daemon):
        return "".join(path.read_text() for path in (daemon.folder / "state").rglob("*.jsonl"))

    def audited(self, daemon):
        return self.audit(daemon).count('"emit flood"')


class Reloads(PolicyCase):
    def refused(self, daemon, *parts):
        before = daemon.get("/v1/version")
        command = self.command(daemon, "reload")
        self.assertEqual(command.wait(), 1)
        for part in parts:
            self.assertIn(part, command.out + command.err)
            self.wait_for_log(daemon, part)
        self.assertEqual(daemon.get("/v1/version"), before)

    def test_anything_wrong_keeps_the_old_whole(self):
        good = 'every("1s", "old", function() log("old is here") end)'
        daemon = self.with_hooks({}, {"10.lua": good})
        self.write("20.lua", "\non.recconect('x', function() end)")
        self.refused(daemon, "20.lua:3", "did you mean `reconnect`?")
        (self.hooks / "20.lua").unlink()
        self.write("tests/t.lua", 'kit.test("fails", function() kit.same(1, 2) end)')
        self.refused(daemon, "got 1, wanted 2")
        (self.hooks / "tests" / "t.lua").unlink()
        self.write("10.lua", good.replace("old is here", "new is here"))
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.wait_for_log(daemon, "new is here")
