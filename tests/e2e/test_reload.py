"""SIGHUP and `fairlead reload`: only what changed is touched, and a bad file changes nothing."""
import os
import signal
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase, free_port, until
from fairlead_e2e.services import pattern


class Reload(TunnelCase):
    def setUp(self):
        super().setUp()
        self.server, self.echo = self.sshd(), self.service()
        self.kept, self.changed = self.remote(self.echo), self.remote(self.echo)
        self.tunnels = {"kept": self.tunnel(self.server, self.kept), "changed": self.tunnel(self.server, self.changed)}
        self.running = self.daemon(self.tunnels)
        for name in self.tunnels:
            self.running.wait_for("connected", name)
        self.mark = self.running.mark()

    def reload(self):
        return self.running.request("POST", "/v1/reload")

    def test_an_unchanged_tunnel_does_not_lose_a_byte(self):
        payload, answers = pattern(8 << 20, "across reloads"), []
        sock = self.connect(self.kept["remote"])
        reader = threading.Thread(target=lambda: answers.append(self.receive(sock, len(payload))))
        reader.start()
        for i in range(16):
            sock.sendall(payload[i << 19:(i + 1) << 19])
            self.tunnels["changed"]["connect_timeout"] = f"{10 + i % 2}s"
            self.running.write_config(self.tunnels)
            status, report = self.reload()
            self.assertEqual((status, report["changed"], report["unchanged"]),
                             (200, ["changed"] if i else [], ["kept"] if i else ["changed", "kept"]))
        reader.join()
        self.assertEqual(answers, [payload])
        self.assertEqual(self.running.transitions(self.mark, name="kept"), [])
        self.running.wait_for("connected", "changed")

    def test_adds_and_removes_by_name(self):
        added = self.remote(self.echo)
        self.running.write_config({"kept": self.tunnels["kept"], "added": self.tunnel(self.server, added)})
        status, report = self.reload()
        self.assertEqual((status, report["added"], report["removed"], report["unchanged"]), (200, ["added"], ["changed"], ["kept"]))
        self.running.wait_for("connected", "added")
        self.exchange(added["remote"])
        self.assertEqual(self.running.request("GET", "/v1/tunnels/changed")[0], 404)
        until(lambda: not self.try_exchange(self.changed["remote"]), "the removed tunnel to carry nothing")

    def test_a_bad_file_changes_nothing_and_shows_in_status(self):
        before = self.running.get("/v1/status")["daemon"]["config_generation"]
        text = self.running.config_file.read_text()
        self.running.config_file.write_text(text.replace('"forwards"', '"forwrads"', 1))
        os.kill(self.running.pid, signal.SIGHUP)
        self.running.wait_event("reload_rejected")
        daemon = self.running.get("/v1/status")["daemon"]
        self.assertEqual(daemon["config_generation"], before)
        self.assertIn("fairlead.yaml:", daemon["last_reload_error"])
        self.assertIn("forwards", daemon["last_reload_error"])
        status, problem = self.reload()
        self.assertEqual((status, problem["code"]), (422, "bad_config"))
        for name, forward in (("kept", self.kept), ("changed", self.changed)):
            self.assertEqual(self.running.tunnel(name)["state"], "connected")
            self.exchange(forward["remote"])
        self.running.config_file.write_text(text)
        self.assertEqual(self.reload()[0], 200)
        self.assertIsNone(self.running.get("/v1/status")["daemon"]["last_reload_error"])

    def test_a_port_that_is_taken_rejects_the_whole_reload(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", free_port()))
            taken.listen()
            port = taken.getsockname()[1]
            self.tunnels["changed"]["forwards"] = [{"local": port, "to": self.echo.port}]
            self.running.write_config(self.tunnels | {"extra": self.tunnel(self.server, self.remote(self.echo))})
            status, problem = self.reload()
            self.assertEqual(status, 409, problem)
            self.assertIn(str(port), problem["detail"])
            self.assertEqual(self.running.request("GET", "/v1/tunnels/extra")[0], 404)
            self.exchange(self.changed["remote"])
        self.assertEqual(self.reload()[0], 200)
        self.running.wait_for("connected", "changed")
        self.exchange(port)

    def test_a_local_port_is_handed_over_without_a_gap(self):
        local = self.local(self.echo)
        self.tunnels["changed"]["forwards"] = [local]
        self.running.write_config(self.tunnels)
        self.assertEqual(self.reload()[0], 200)
        self.running.wait_for("connected", "changed")
        for i in range(3):
            self.tunnels["changed"]["connect_timeout"] = f"{11 + i}s"
            self.running.write_config(self.tunnels)
            self.assertEqual(self.reload()[0], 200)
            try:
                self.connect(local["local"]).close()
            except ConnectionResetError:
                pass  # accepted at any moment, if only to be reset; that may come before connect() has returned
        self.running.wait_for("connected", "changed")
        self.exchange(local["local"])

    def test_the_address_of_a_local_port_may_change(self):
        port, reached_at = free_port(), {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.2", "localhost": "127.0.0.1"}
        for address in ("127.0.0.1", "0.0.0.0", "localhost", "0.0.0.0", "127.0.0.1"):
            self.tunnels["changed"]["forwards"] = [self.local(self.echo, listen=f"{address}:{port}")]
            self.running.write_config(self.tunnels)
            status, problem = self.reload()
            self.assertEqual(status, 200, problem)
            self.running.wait_for("connected", "changed")
            client = self.connect(port, reached_at[address])
            client.sendall(b"through")
            self.assertEqual(self.receive(client, 7), b"through")
        self.assertEqual(self.running.transitions(self.mark, name="kept"), [])

    def test_a_local_port_moves_to_another_tunnel_and_address(self):
        port = free_port()
        self.tunnels["changed"]["forwards"] = [self.local(self.echo, listen=port)]
        self.running.write_config(self.tunnels)
        self.assertEqual(self.reload()[0], 200)
        self.running.wait_for("connected", "changed")
        moved = self.tunnel(self.server, self.local(self.echo, listen=f"0.0.0.0:{port}"))
        self.running.write_config({"kept": self.tunnels["kept"], "other": moved})
        self.assertEqual(self.reload()[0], 200)
        self.running.wait_for("connected", "other")
        self.exchange(port)

    def test_folders_cannot_move_under_a_running_daemon(self):
        self.running.write_config(self.tunnels, {"state_dir": str(self.folder / "elsewhere")})
        status, problem = self.reload()
        self.assertEqual(status, 422, problem)
        self.assertIn("state_dir", problem["detail"])

    def test_a_later_reload_supersedes_and_each_hears_its_own_outcome(self):
        outcomes = []
        callers = [threading.Thread(target=lambda: outcomes.append(self.reload())) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        codes = sorted(status for status, _ in outcomes)
        self.assertEqual(set(codes) | {200, 409}, {200, 409})
        self.assertIn(200, codes)
        for name in self.tunnels:
            self.assertEqual(self.running.transitions(self.mark, name=name), [])


if __name__ == "__main__":
    unittest.main()
