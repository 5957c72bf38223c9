"""SIGTERM ends the daemon cleanly whatever its tunnels are doing: exit code 0, nothing left open.

That itself is checked by Daemon.stop(), for every test of every file; here the tunnels are brought into each state.
"""
import pathlib
import signal
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase, free_port, until
from fairlead_e2e.relay import black_hole
from fairlead_e2e.services import pattern, stalled

SLOW = {"backoff_initial": "10m", "backoff_max": "10m"}


class StopInEveryState(TunnelCase):
    def start(self, config, state):
        self.line = self.daemon(config)
        return self.line.wait_for(state)

    def stop_and_check(self, last_state="stopped"):
        line = self.line
        line.stop()
        self.assertEqual(line.transitions()[-1]["to"], last_state)
        self.assertFalse(pathlib.Path(line.socket_path).exists())
        events = [entry["event"] for entry in line.lines()]
        self.assertEqual(events[-1], "daemon_stopped")

    def plain_tunnel(self, **more):
        self.server = self.sshd()
        self.forward = self.remote(self.service())
        return self.tunnel(self.server, self.forward, **more)

    def test_stopped(self):
        self.start(self.plain_tunnel(autostart=False), "stopped")
        self.line.stop()

    def test_starting_with_a_hung_connect(self):
        silent = socket.create_server(("127.0.0.1", free_port()))
        self.addCleanup(silent.close)
        black_hole(silent)
        self.start(self.plain_tunnel(port=silent.getsockname()[1], connect_timeout="10m"), "starting")
        self.line.wait_event("ssh_state")
        until(lambda: any(entry.get("to") == "connecting" for entry in self.line.lines()), "the connect")
        self.stop_and_check()

    def test_starting_with_a_hung_handshake(self):
        mute = self.service(stalled)
        self.start(self.plain_tunnel(port=mute.port, connect_timeout="10m"), "starting")
        until(lambda: any(entry.get("to") == "exchanging" for entry in self.line.lines()), "the handshake")
        self.stop_and_check()

    def test_starting_with_a_link_that_freezes(self):
        server = self.sshd()
        relay = self.relay(server)
        forward = self.remote(self.service())
        self.start(self.tunnel(server, forward, relay=relay), "connected")
        whole = relay.passed["up"]  # handshake, authentication, listen request and probe
        self.stop_and_check()
        for part in (0.3, 0.6, 0.8):
            with self.subTest(part):
                self.line = self.daemon(self.tunnel(server, forward, relay=relay, connect_timeout="10m", autostart=False))
                relay.freeze_after("up", relay.passed["up"] + int(part * whole))
                self.line.post("up")
                until(lambda: relay.frozen(), "the link to freeze")
                self.assertEqual(self.line.tunnel()["state"], "starting")
                self.stop_and_check()
                relay.reset()
                relay.thaw()

    def test_connected(self):
        self.start(self.plain_tunnel(), "connected")
        self.stop_and_check()
        until(lambda: not self.server.sessions(), "the server's session to end")

    def test_connected_under_load(self):
        self.server = self.sshd()
        slow, echo, local = self.remote(self.service(stalled)), self.remote(self.service()), self.local(self.service())
        self.start(self.tunnel(self.server, slow, echo, local), "connected")
        clients = [self.connect(port) for port in (slow["remote"], echo["remote"], local["local"]) * 5]
        for client in clients:
            threading.Thread(target=self.push, args=(client,), daemon=True).start()
        until(lambda: self.line.tunnel()["forwards"][2]["bytes_from_target"] > 1 << 20, "bytes to pass")
        self.stop_and_check()

    @staticmethod
    def push(client):
        try:
            client.sendall(pattern(64 << 20, "load"))
        except OSError:
            pass

    def test_degraded(self):
        self.server, web = self.sshd(), self.http_service()
        web.status = 500
        check = {"url": f"http://127.0.0.1:{web.port}/", "interval": "1s", "fall": 1}
        self.start(self.tunnel(self.server, self.remote(web), health_check=check), "degraded")
        self.stop_and_check()

    def test_with_a_health_check_under_way(self):
        self.server, web = self.sshd(), self.http_service()
        web.mode = "silent"
        check = {"url": f"http://127.0.0.1:{web.port}/", "interval": "10m", "timeout": "10m"}
        self.start(self.tunnel(self.server, self.remote(web), health_check=check), "connected")
        until(lambda: web.requests, "the request")
        self.stop_and_check()

    def test_reconnecting(self):
        config = self.plain_tunnel(reconnect=SLOW)
        self.server.stop()
        self.start(config, "reconnecting")
        self.stop_and_check()

    def test_failed(self):
        config = self.plain_tunnel(reconnect={"max_attempts": 1, "backoff_initial": "100ms", "backoff_max": "100ms"})
        self.server.stop()
        self.start(config, "failed")
        self.stop_and_check(last_state=self.line.transitions()[-1]["to"])

    # Trap 11: the goodbye cannot be delivered.
    def test_on_a_dead_link(self):
        server = self.sshd()
        relay = self.relay(server)
        forward, local = self.remote(self.service()), self.local(self.service())
        self.start(self.tunnel(server, forward, local, relay=relay), "connected")
        clients = [self.connect(port) for port in (forward["remote"], local["local"])]
        for client in clients:
            client.sendall(b"hello")
            self.assertEqual(self.receive(client, 5), b"hello")
        relay.go_dark()
        threading.Thread(target=self.push, args=(clients[1],), daemon=True).start()
        self.stop_and_check()

    def test_on_a_frozen_server(self):
        self.start(self.plain_tunnel(), "connected")
        self.server.freeze()
        self.stop_and_check()

    def test_down_on_a_dead_link_and_up_again(self):
        server = self.sshd()
        relay = self.relay(server)
        local = self.local(self.service())
        self.start(self.tunnel(server, local, relay=relay), "connected")
        relay.go_dark()
        self.line.post("down")
        self.line.wait_for("stopped")
        relay.thaw()
        self.line.post("up")
        self.line.wait_for("connected")
        self.exchange(local["local"])

    def test_sigint_is_as_good(self):
        self.start(self.plain_tunnel(), "connected")
        self.line.process.send_signal(signal.SIGINT)
        self.assertEqual(self.line.process.wait(90), 0)
        self.line.check_end(0)
        self.line.process = None

    def test_many_tunnels_in_many_states(self):
        server, web = self.sshd(), self.service(stalled)
        tunnels = {f"up{i}": self.tunnel(server, self.remote(self.service())) for i in range(3)}
        tunnels["down"] = self.tunnel(server, self.remote(web), autostart=False)
        tunnels["mute"] = self.tunnel(server, self.remote(web), port=web.port, connect_timeout="10m")
        tunnels["refused"] = self.tunnel(server, self.remote(web), port=free_port(), reconnect=SLOW)
        self.line = self.daemon(tunnels)
        for i in range(3):
            self.line.wait_for("connected", f"up{i}")
        self.line.wait_for("starting", "mute")
        self.line.wait_for("reconnecting", "refused")
        self.line.stop()


if __name__ == "__main__":
    unittest.main()
