"""Hooks and lines in the real daemon: what verdicts do to tunnels, what is told, and what becomes of a hook that hangs."""
import os
import pathlib
import time
import unittest

from fairlead_e2e import free_port, until
from fairlead_e2e.policy_case import PolicyCase


class Verdicts(PolicyCase):
    def test_a_hook_says_when_to_try_again(self):
        daemon = self.with_hooks(self.nowhere(), {"10.lua": '''on.reconnect("patient", function(ctx)
            if ctx.attempts >= 1 then return ctx.after("1h") end
        end)'''})

        def waits_as_told():  # a verdict that comes when the backoff's wait is over is one for the next loss
            line = daemon.tunnel()
            return line["attempts"] >= 2 and (line["next_attempt_in_seconds"] or 0) > 60 and line

        waiting = until(waits_as_told, daemon.tail)
        self.assertEqual(waiting["state"], "reconnecting")
        time.sleep(1.5)  # five waits of its own backoff
        self.assertEqual(daemon.tunnel()["attempts"], waiting["attempts"])
        self.write("10.lua", "")  # nobody has an opinion any more
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        daemon.post("reconnect")
        until(lambda: daemon.tunnel()["attempts"] >= 3, daemon.tail)

    def test_a_verdict_below_the_least_delay_is_not_followed_all_the_way(self):
        slow = {"backoff_initial": "1h", "backoff_max": "2h"}
        daemon = self.with_hooks(self.nowhere(reconnect=slow), {"10.lua":
            'on.reconnect("hammer", function(ctx) return ctx.after(0) end)'})
        self.wait_for_log(daemon, "verdict_refused")
        time.sleep(0.5)
        self.assertEqual(daemon.tunnel()["attempts"], 1)

    def test_what_no_hook_is_registered_for_is_not_asked(self):
        daemon = self.with_hooks(self.nowhere(), {"10.lua": 'on.health("other", function(ctx) end)'})
        until(lambda: daemon.tunnel()["attempts"] >= 3, daemon.tail)
        self.assertEqual(daemon.get("/v1/policy")["counts"], [])

    def test_a_failed_check_is_held_for_a_while_and_then_degraded(self):
        web, server = self.http_service(), self.sshd()
        check = {"url": f"http://127.0.0.1:{web.port}/", "interval": "4s", "timeout": "4s", "fall": 1, "from": "local"}
        daemon = self.with_hooks(self.tunnel(server, self.remote(self.service()), health_check=check), {"10.lua": '''
            on.health("grace", function(ctx)
              if ctx.held_for < 2 then return ctx.hold("2s", "a restart takes a moment") end
              return ctx.degraded("it took too long, HTTP " .. ctx.check.status)
            end)'''})
        daemon.wait_for("connected")
        until(lambda: (daemon.tunnel()["health"]["last"] or {}).get("good"), daemon.tail)
        mark = daemon.mark()
        web.status = 503
        held = daemon.wait_event("health_held", mark)
        self.assertEqual(held["why"], "a restart takes a moment")
        self.assertIn("/10.lua:3 grace", held["hook"])
        fallen = daemon.wait_for("degraded")
        self.assertIn("it took too long, HTTP 503", fallen["detail"])
        told = [(line["event"], line.get("to")) for line in daemon.lines(mark)]
        self.assertLess(told.index(("health_held", None)), told.index(("health_check_failed", "degraded")))
        web.status = 200
        daemon.wait_for("connected")


class Observers(PolicyCase):
    def test_all_are_told_of_every_change_and_one_that_fails_harms_nobody(self):
        daemon = self.with_hooks(self.nowhere(autostart=False), {
            "10.lua": 'on.tunnel_state("broken", function(ctx) error("no good") end)',
            "20.lua": 'on.tunnel_state("see", function(ctx) log("saw", ctx.tunnel, ctx.from, ctx.to, ctx.reason) end)'})
        daemon.wait_for("stopped")
        daemon.post("up")
        self.wait_for_log(daemon, "saw line stopped starting")
        self.wait_for_log(daemon, "saw line starting reconnecting connect_refused")
        daemon.post("down")
        stopped = daemon.wait_transition("stopped")  # from wherever its attempts were just then
        self.wait_for_log(daemon, f"saw line {stopped['from']} stopped")

        def failures():
            return {hook["name"]: hook["failures"] for hook in daemon.get("/v1/policy")["hooks"]}

        until(lambda: failures()["broken"] >= 3, daemon.tail)  # the answer comes behind what was logged
        self.assertEqual(failures()["see"], 0)


class AllowedEffects(PolicyCase):
    def test_http_and_tunnels(self):
        web = self.http_service()
        daemon = self.with_hooks({"line": self.nowhere()}, {"10.lua": f'''every("1s", "work", function(flow)
            local answer = flow.http{{url = "http://127.0.0.1:{web.port}/from-a-flow"}}
            log("http", answer.status)
            local fine, why = pcall(flow.http, {{url = "http://127.0.0.1:{free_port()}/"}})
            log("elsewhere refused", not fine, why)
            flow.tunnel.down("line")
            log("down", flow.tunnel.status("line").state)
            flow.tunnel.up("line")
            flow.sleep("1d")
        end)'''}, {"hosts": [f"127.0.0.1:{web.port}"], "tunnels": ["line"]})
        self.wait_for_log(daemon, "http 200")
        self.assertTrue(web.requests[0].startswith("GET /from-a-flow "), web.requests)
        self.wait_for_log(daemon, "elsewhere refused true")
        self.wait_for_log(daemon, "down stopped")
        until(lambda: [(step["from"], step["to"]) for step in daemon.transitions()].count(("stopped", "starting")) == 2, daemon.tail)


    def test_a_flow_that_asks_for_too_much_ends_alone(self):
        daemon = self.with_hooks({}, {"10.lua": '''
            every("1s", "sleeper", function(flow) flow.sleep("1d") end)
            every("1s", "flood", function(flow) while true do flow.store.get("x") end end)'''}, deadline="6s")
        self.wait_for_log(daemon, "it asked for more than 1000 effects in one run")
        time.sleep(7)  # more than a deadline
        self.assertEqual(daemon.get("/v1/policy")["restarts"], 0)
        self.assertNotIn("was started anew", daemon.log_file.read_text())


class Generations(PolicyCase):
    def test_a_decision_under_way_is_not_lost_by_a_reload(self):
        web, server = self.http_service(), self.sshd()
        check = {"url": f"http://127.0.0.1:{web.port}/", "interval": "4s", "timeout": "4s", "fall": 1, "from": "local"}
        daemon = self.with_hooks(self.tunnel(server, self.remote(self.service()), health_check=check), {"10.lua": '''
            on.health("slow", function(ctx)
              log("asked")
              for _ = 1, 5e7 do end
              return ctx.degraded("slow but sure")
            end)'''}, deadline="10s")
        daemon.wait_for("connected")
        until(lambda: (daemon.tunnel()["health"]["last"] or {}).get("good"), daemon.tail)
        web.status = 503
        self.wait_for_log(daemon, "\"asked\"")
        self.write("10.lua", "")
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.assertIn("slow but sure", daemon.wait_for("degraded")["detail"])

    def test_a_flow_of_the_old_generation_ends_and_the_new_one_decides(self):
        daemon = self.with_hooks({}, {"10.lua": '''every("1s", "slow", function(flow)
            log("old begins") flow.sleep(3) log("old ends")
        end)'''})
        self.wait_for_log(daemon, "old begins")
        self.write("10.lua", 'every("1s", "quick", function(flow) log("new runs") end)')
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.wait_for_log(daemon, "new runs")
        self.wait_for_log(daemon, "old ends")
        self.assertEqual(daemon.get("/v1/policy")["generation"], 2)

    def test_a_flow_that_does_not_end_is_given_up_and_its_process_goes(self):
        daemon = self.with_hooks({}, {"10.lua": 'every("1s", "sleeper", function(flow) log("sleeps") flow.sleep("1d") end)'})
        self.wait_for_log(daemon, '"sleeps"')
        before = daemon.get("/v1/policy")["pid"]
        self.write("10.lua", "")
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.assertNotEqual(daemon.get("/v1/policy")["pid"], before)
        os.kill(before, 0)  # it may end for 30 s
        given_up = daemon.wait_event("flows_given_up")
        self.assertEqual((given_up["generation"], given_up["flows"]), ("1", "1"))
        until(lambda: not os.path.exists(f"/proc/{before}"), "the end of the old policy process")

    def test_hooks_and_configuration_switch_together_or_not_at_all(self):
        daemon = self.with_hooks({"line": self.nowhere(autostart=False)}, {"10.lua": 'every("1s", "a", function() log("first") end)'})
        other = self.path("other")
        other.mkdir()
        both = {"line": self.nowhere(autostart=False), "second": self.nowhere(autostart=False)}
        daemon.write_config(both, {"policy": self.policy["policy"] | {"dir": str(other)}})
        (other / "10.lua").write_text('api(1)\nevery("1s", "a", function() log("second")')
        self.assertEqual(self.command(daemon, "reload").wait(), 1)
        self.assertEqual(daemon.request("GET", "/v1/tunnels/second")[0], 404)
        self.assertEqual(daemon.get("/v1/policy")["folder"], str(self.hooks))
        (other / "10.lua").write_text('api(1)\nevery("1s", "a", function() log("second") end)')
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.assertEqual(daemon.tunnel("second")["state"], "stopped")
        self.assertEqual(daemon.get("/v1/policy")["folder"], str(other))
        self.wait_for_log(daemon, "\"second\"")


HANGS = '''on.reconnect("hangs", function()
    return string.find(string.rep("a", 60), string.rep("a?", 60) .. string.rep("a", 60) .. "b") end)'''


class Quarantine(PolicyCase):
    def test_a_policy_process_that_hangs_dies_with_its_daemon(self):
        daemon = self.with_hooks(self.nowhere(), {"10.lua": HANGS})
        path = pathlib.Path(f"/proc/{until(lambda: self.hanging(daemon), daemon.tail)}")
        daemon.kill()
        until(lambda: not path.exists(), "the end of the policy process")

    @staticmethod
    def hanging(daemon):
        """The policy process, once it has had a second: no hook that behaves takes that."""
        pid = daemon.get("/v1/policy")["pid"]
        try:
            times = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return None  # another one takes its place
        return pid if int(times[11]) > os.sysconf("SC_CLK_TCK") else None

    def test_a_hook_that_hangs_is_set_aside_and_everybody_can_see_it(self):
        self.line = self.nowhere()
        daemon = self.with_hooks(self.line, {"10.lua": HANGS}, deadline="500ms")
        until(lambda: any(hook["quarantined"] for hook in daemon.get("/v1/policy")["hooks"]), daemon.tail)
        status = self.command(daemon, "status")
        status.wait()
        self.assertIn("hangs", status.out)
        self.assertIn("is in quarantine", status.out)
        daemon.wait_for("reconnecting")  # its own backoff goes on
        attempts = daemon.tunnel()["attempts"]
        until(lambda: daemon.tunnel()["attempts"] > attempts, daemon.tail)

        def audited():
            files = (daemon.folder / "state").rglob("*.jsonl")
            return sum(path.read_text().count('"hook_quarantined"') for path in files)

        until(audited, "the audit's record")
        self.assertEqual(audited(), 1)
        self.write("10.lua", 'on.reconnect("mended", function(ctx) return ctx.stop("mended") end)')
        daemon.write_config({"line": self.line}, {"policy": self.policy["policy"] | {"deadline": "10s"}})
        self.assertEqual(self.command(daemon, "reload").wait(), 0)
        self.assertIn("mended", daemon.wait_for("failed")["detail"])
        self.assertFalse(any(hook["quarantined"] for hook in daemon.get("/v1/policy")["hooks"]))


if __name__ == "__main__":
    unittest.main()
