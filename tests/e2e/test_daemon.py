"""The daemon as a process: what it remembers, what it refuses, how it ends."""
import json
import os
import pathlib
import resource
import signal
import subprocess
import unittest

from fairlead_e2e import FAIRLEAD, TunnelCase, free_port
from fairlead_e2e.daemon import Control as Connection


class DaemonLife(TunnelCase):
    def simple(self, **more):
        self.server, self.echo = self.sshd(), self.service()
        self.forward = self.remote(self.echo)
        return self.daemon(self.tunnel(self.server, self.forward, **more))

    def second(self, running):
        return subprocess.run([FAIRLEAD, "daemon", "--config", str(running.config_file)], capture_output=True, text=True,
                              timeout=60, check=False)

    def test_what_was_put_down_stays_down_after_a_restart(self):
        running = self.simple()
        running.wait_for("connected")
        running.post("down")
        running.stop()
        running.start()
        self.assertEqual(running.tunnel()["state"], "stopped")
        running.post("up")
        running.wait_for("connected")
        running.stop()
        running.start()
        running.wait_for("connected")

    def test_autostart_false_waits_for_up(self):
        running = self.simple(autostart=False)
        self.assertEqual(running.tunnel()["state"], "stopped")
        running.post("up")
        running.wait_for("connected")

    def test_a_second_daemon_is_refused_and_the_first_does_not_notice(self):
        running = self.simple()
        running.wait_for("connected")
        refused = self.second(running)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(str(running.pid), refused.stderr)
        self.exchange(self.forward["remote"])

    def test_a_killed_daemon_leaves_nothing_in_the_way(self):
        running = self.simple()
        running.wait_for("connected")
        os.kill(running.pid, signal.SIGKILL)
        running.process.wait()
        self.assertTrue(os.path.exists(running.socket_path))  # stale
        running.start()
        running.wait_for("connected")
        self.wait_until_carries(self.forward["remote"], running)
        verified = subprocess.run([FAIRLEAD, "--config", str(running.config_file), "audit", "verify", "--json"],
                                  capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)

    def test_a_bad_configuration_is_exit_78_with_every_problem(self):
        path = self.path("bad.yaml")
        path.write_text("tunnels:\n  a:\n    host: [1]\n    prot: 22\n")
        refused = subprocess.run([FAIRLEAD, "daemon", "--config", str(path)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 78)
        self.assertIn(f"{path}:3:", refused.stderr)
        self.assertIn(f"{path}:4:", refused.stderr)

    def test_a_newer_state_folder_is_refused_untouched(self):
        running = self.simple()
        running.stop()
        (running.folder / "state" / "format").write_text("999\n")
        refused = self.second(running)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("999", refused.stderr)
        self.assertEqual((running.folder / "state" / "format").read_text(), "999\n")
        (running.folder / "state" / "format").write_text("1\n")
        running.start()

    def test_an_audit_log_that_cannot_be_written_keeps_no_tunnel_down(self):
        running = self.simple()
        running.wait_for("connected")
        running.stop()
        audit = running.folder / "state" / "audit"
        audit.rename(running.folder / "aside")
        audit.write_text("in the way, as a full disk would be")
        mark = running.mark()
        running.start()
        running.wait_for("connected")
        running.wait_event("audit_write_failed", mark)
        self.assertTrue(running.get("/v1/status")["daemon"]["audit_error"])
        audit.unlink()
        (running.folder / "aside").rename(audit)
        running.wait_event("audit_write_recovered", mark)
        self.assertIsNone(running.get("/v1/status")["daemon"]["audit_error"])
        running.stop()
        entries = [json.loads(line) for line in (audit / "audit.jsonl").read_text().splitlines()]
        events = [entry["event"] for entry in entries]
        self.assertEqual(events.count("daemon_started"), 2)
        connected = [line for line in running.transitions() if line["to"] == "connected"]
        self.assertGreaterEqual(len(connected), 2)
        self.assertEqual(events.count("bridge_connected"), len(connected))
        self.assertEqual([entry["seq"] for entry in entries], list(range(1, len(entries) + 1)))
        verified = subprocess.run([FAIRLEAD, "--config", str(running.config_file), "audit", "verify"], capture_output=True,
                                  text=True, timeout=60, check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout)

    def test_dumps_no_core_and_raises_the_descriptor_limit(self):
        running = self.simple()
        limits = pathlib.Path(f"/proc/{running.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4], "0")
        files = next(line for line in limits.splitlines() if line.startswith("Max open files"))
        self.assertEqual(files.split()[3], files.split()[4])
        self.assertEqual(int(files.split()[3]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def test_folders_and_files_are_the_owners_alone(self):
        running = self.simple()
        running.wait_for("connected")
        seen = 0
        for path in [running.folder / "run", *(running.folder / "state").rglob("*")]:
            try:
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)
                seen += 1
            except FileNotFoundError:
                pass  # one that is written beside the old one and then takes its name
        self.assertGreater(seen, 5)

    def test_sigterm_in_every_state_ends_clean(self):
        server, echo = self.sshd(), self.service()
        silent = self.service(handler=lambda connection: connection.recv() and connection.recv())  # TCP, but no SSH
        health = {"url": f"http://127.0.0.1:{free_port()}/", "interval": "1s", "timeout": "500ms", "fall": 1}
        tunnels = {
            "connected": self.tunnel(server, self.remote(echo)),
            "degraded": self.tunnel(server, self.remote(echo), health_check=health),
            "hanging": self.tunnel(server, self.remote(echo), port=silent.port, connect_timeout="60s"),
            "reconnecting": self.tunnel(server, self.remote(echo), port=free_port(),
                                        reconnect={"backoff_initial": "60s", "backoff_max": "60s"}),
            "failed": self.tunnel(server, self.remote(echo), port=free_port(),
                                  reconnect={"max_attempts": 1, "backoff_initial": "100ms", "backoff_max": "100ms"}),
            "stopped": self.tunnel(server, self.remote(echo), autostart=False),
        }
        running = self.daemon(tunnels)
        for name in tunnels:
            running.wait_for("starting" if name == "hanging" else name, name)
        self.exchange(tunnels["connected"]["forwards"][0]["remote"])
        running.stop()  # checks the exit code, the handles and the sanitizers
        self.assertFalse(os.path.exists(running.socket_path))

    def test_the_audit_tells_who_did_what_and_holds_together(self):
        running = self.simple()
        running.wait_for("connected")
        running.post("restart")
        running.wait_for("connected")
        running.stop()
        entries = [json.loads(line) for line in (running.folder / "state/audit/audit.jsonl").read_text().splitlines()]
        events = [entry["event"] for entry in entries]
        for event in ("daemon_started", "bridge_started", "bridge_connected", "bridge_stopped", "daemon_stopped"):
            self.assertIn(event, events)
        by_hand = next(entry for entry in entries if entry["event"] == "bridge_stopped")
        self.assertIn(f"{os.getuid()}", by_hand["actor"])
        self.assertEqual(by_hand["actor_class"], "human")
        self.assertEqual([entry["seq"] for entry in entries], list(range(1, len(entries) + 1)))
        log = running.folder / "state/audit/audit.jsonl"
        log.write_text(log.read_text().replace('"bridge_connected"', '"bridge_connectec"', 1))
        verified = subprocess.run([FAIRLEAD, "--config", str(running.config_file), "audit", "verify"], capture_output=True,
                                  text=True, timeout=60, check=False)
        self.assertEqual(verified.returncode, 1, verified.stdout)


    def test_the_audit_has_the_class_that_a_rule_gives_its_caller(self):
        server, echo = self.sshd(), self.service()
        rules = [{"uid": os.getuid(), "role": "viewer", "class": "automation"}]
        running = self.daemon(self.tunnel(server, self.remote(echo)), {"api": {"roles": rules}})
        running.wait_for("connected")
        running.post("down")  # an operator all the same: it is the daemon's own user
        self.assertEqual(running.request("PUT", "/v1/log-level", {"level": "info"})[0], 200)
        running.stop()
        entries = [json.loads(line) for line in (running.folder / "state/audit/audit.jsonl").read_text().splitlines()]
        for event in ("bridge_stopped", "log_level_changed"):
            by_hand = next(entry for entry in entries if entry["event"] == event)
            self.assertEqual(by_hand["actor_class"], "automation")


class Control(TunnelCase):
    def test_viewers_may_look_but_not_touch(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become somebody else")
        nobody = 65534
        server, echo = self.sshd(), self.service()
        running = self.daemon(self.tunnel(server, self.remote(echo)), {"api": {"roles": [{"uid": nobody, "role": "viewer"}]}})
        running.wait_for("connected")
        for path in (running.folder.parent, running.folder, running.folder / "run"):
            path.chmod(0o755)
        os.chmod(running.socket_path, 0o666)

        def as_nobody(*arguments):
            return subprocess.run([FAIRLEAD, "--socket", running.socket_path, *arguments], user=nobody, group=nobody,
                                  capture_output=True, text=True, timeout=60, check=False, cwd="/", env={"HOME": "/"})

        seen = as_nobody("status")
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertIn("connected", seen.stdout)
        for command in (("down", "line"), ("reload",), ("log-level", "debug"), ("reconnect", "line")):
            refused = as_nobody(*command)
            self.assertEqual(refused.returncode, 1, command)
        self.assertEqual(running.tunnel()["state"], "connected")

    def test_log_level_changes_while_it_runs(self):
        running = self.daemon(self.tunnel(self.sshd(), self.remote(self.service())))
        self.assertEqual(running.request("PUT", "/v1/log-level", {"level": "error"})[0], 200)
        mark = running.mark()
        running.post("restart")
        running.wait_for("connected")
        self.assertEqual(running.lines(mark), [])
        self.assertEqual(running.request("PUT", "/v1/log-level", {"level": "loud"})[0], 400)

    def test_events_are_replayed_from_the_last_one_seen(self):
        running = self.daemon(self.tunnel(self.sshd(), self.remote(self.service())))
        running.wait_for("connected")
        first, mark = running.get("/v1/status")["last_event_id"], running.mark()
        running.post("down")
        running.post("up")
        running.wait_for("connected")
        moves = [line["to"] for line in running.transitions(mark)]  # more where the server still holds the port
        self.assertEqual((moves[:2], moves[-1]), (["stopped", "starting"], "connected"))
        seen = self.read_events(running, str(first), len(moves))
        self.assertEqual([event["to"] for event in seen], moves)
        resync = self.read_events(running, "1", 1, kind="resync")[0]  # an id of long ago
        self.assertGreater(int(resync["id"]), first)

    def read_events(self, running, last_id, count, kind="tunnel_state"):
        control = Connection(running.socket_path)
        self.addCleanup(control.close)
        control.request("GET", "/v1/events", headers={"Last-Event-ID": last_id})
        stream, found, event = control.getresponse(), [], None
        while len(found) < count:
            line = stream.readline().decode()
            self.assertTrue(line, "the stream ended")
            line = line.rstrip("\n")
            if line.startswith("event:"):
                event = line[6:].strip()
            elif line.startswith("data:") and event == kind:
                found.append(json.loads(line[5:]))
        return found


if __name__ == "__main__":
    unittest.main()
