"""A connection that ends comes back by itself, says why it ended, and carries again."""
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.services import Service


class ComesBack(TunnelCase):
    def start(self, server=None, **more):
        self.echo = self.service()
        self.server = server or self.sshd()
        self.forward = self.remote(self.echo)
        self.line = self.daemon(self.tunnel(self.server, self.forward, **more))
        self.line.wait_for("connected", proof="probe")

    def check_back(self, mark, *reasons):
        self.line.wait_for("connected", proof="probe", reconnects=1)
        lost = self.line.transitions(mark)[0]
        self.assertEqual((lost["from"], lost["to"], lost["event"]), ("connected", "reconnecting", "bridge_disconnected"))
        self.assertIn(lost["reason"], reasons)
        self.exchange(self.forward["remote"])

    def test_a_killed_session_comes_back(self):
        self.start()
        mark = self.line.mark()
        self.server.kill_sessions()
        self.check_back(mark, "connection_closed", "connection_reset")

    def test_it_comes_back_every_time(self):
        self.start()
        for times in range(1, 6):
            self.server.kill_sessions()
            self.line.wait_for("connected", proof="probe", reconnects=times)
            self.exchange(self.forward["remote"])

    def test_a_quiet_line_of_local_forwards_comes_back(self):
        server = self.sshd()
        forward = self.local(self.service())
        line = self.daemon(self.tunnel(server, forward, keepalive={"interval": "1h", "user_timeout": "1h"}))
        line.wait_for("connected", proof="probe")
        mark = line.mark()
        server.kill_sessions()
        lost = line.wait_transition("reconnecting", after=mark)
        # By what was read, and not by a write that fails, seconds later. It is a reset where sshd died with our words unread.
        self.assertIn(lost["reason"], ("connection_closed", "connection_reset"))
        self.assertNotIn("send", lost["detail"])
        line.wait_for("connected", reconnects=1)
        self.exchange(forward["local"])

    def test_a_restarted_server_is_found_again(self):
        self.start()
        mark = self.line.mark()
        self.server.stop()
        self.line.wait_transition("reconnecting", "connect_refused", after=mark)
        self.server.start()
        self.check_back(mark, "connection_closed", "connection_reset")

    def test_a_reset_connection_comes_back(self):
        server = self.sshd()
        relay = self.relay(server)
        self.start(server, relay=relay)
        mark = self.line.mark()
        relay.reset()
        self.check_back(mark, "connection_reset")

    def test_a_closed_connection_comes_back(self):
        server = self.sshd()
        relay = self.relay(server)
        self.start(server, relay=relay)
        mark = self.line.mark()
        relay.cut()
        self.check_back(mark, "connection_closed")

    def test_clients_of_a_lost_connection_are_reset(self):
        server = self.sshd()
        relay = self.relay(server)
        local = self.local(self.service())
        line = self.daemon(self.tunnel(server, local, relay=relay))
        line.wait_for("connected")
        client = self.connect(local["local"])
        client.sendall(b"half a")
        self.assertEqual(self.receive(client, 6), b"half a")
        relay.reset()
        with self.assertRaises(ConnectionResetError):  # not an end of stream: it may be incomplete
            client.recv(1)

    def test_a_held_port_is_listener_refused_until_it_is_free(self):
        service, taken = self.service(), Service()
        forward = self.remote(service, listen=f"127.0.0.1:{taken.port}")
        self.addCleanup(taken.close)
        line = self.daemon(self.tunnel(self.sshd(), forward))
        for _ in range(2):
            lost = line.wait_transition("reconnecting", "listener_refused", after=line.mark())
            self.assertIn(str(taken.port), lost["detail"])
        self.assertNotIn("connected", [t["to"] for t in line.transitions()])
        taken.close()
        line.wait_for("connected", proof="probe")
        self.exchange(taken.port)

    def test_a_stale_session_that_holds_the_port_is_waited_for(self):
        # The server does not know that the first connection is dead: its session still listens.
        server = self.sshd()
        relay = self.relay(server)
        self.start(server, relay=relay, keepalive={"interval": "2s", "user_timeout": "2s"})
        stale = server.sessions()
        mark = self.line.mark()
        relay.go_dark()
        self.line.wait_transition("reconnecting", after=mark)
        relay.thaw()  # new connections pass, the dark ones stay dark
        self.line.wait_transition("reconnecting", "listener_refused", after=mark)
        server.kill(stale)
        self.line.wait_for("connected", proof="probe")
        self.exchange(self.forward["remote"])

    def test_the_operator_can_ask_for_a_new_connection(self):
        self.start()
        mark = self.line.mark()
        self.line.post("reconnect")
        self.line.wait_for("connected", proof="probe", reconnects=1)
        self.assertEqual([(t["to"], t["reason"]) for t in self.line.transitions(mark)][:2],
                         [("reconnecting", "by_operator"), ("starting", "by_operator")])

    def test_max_attempts_end_in_failed_and_up_begins_anew(self):
        server = self.sshd()
        forward = self.remote(self.service())
        config = self.tunnel(server, forward, reconnect={"max_attempts": 3, "backoff_initial": "100ms",
                                                         "backoff_max": "200ms"})
        server.stop()
        line = self.daemon(config)
        failed = line.wait_for("failed", reason="attempts_exhausted")
        self.assertIn("connection refused", failed["detail"])
        self.assertIsNone(failed["next_attempt_in_seconds"])
        self.assertEqual([t["to"] for t in line.transitions()],
                         ["starting", "reconnecting", "starting", "reconnecting", "starting", "reconnecting",
                          "starting", "reconnecting", "failed"])
        status, problem = line.request("POST", "/v1/tunnels/line/reconnect")
        self.assertEqual((status, problem["code"]), (409, "conflict"))
        server.start()
        line.post("up")
        line.wait_for("connected", proof="probe")
        self.exchange(forward["remote"])

    def test_what_is_down_stays_down_and_comes_up_when_asked(self):
        self.start()
        self.line.post("down")
        self.line.wait_for("stopped", reason="by_operator")
        until(lambda: not self.server.sessions(), "the session to end")
        status, problem = self.line.request("POST", "/v1/tunnels/line/down")
        self.assertEqual((status, problem["code"]), (409, "already"))
        self.line.post("up")
        self.line.wait_for("connected", proof="probe")
        self.exchange(self.forward["remote"])


if __name__ == "__main__":
    unittest.main()
