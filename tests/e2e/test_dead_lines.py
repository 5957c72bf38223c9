"""A line that carries nothing any more is noticed, though nobody closes it."""
import socket
import time
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.platform import PATIENCE
from fairlead_e2e.relay import black_hole
from fairlead_e2e.services import pattern

SHORT = {"interval": "2s", "user_timeout": "2s"}
LONG = {"interval": "1h", "user_timeout": "1h"}  # so that something else has to notice
OPEN_DEADLINE = 20  # seconds until the open of a client of ours is given up
SHORT_PAUSE = 4  # seconds; from five on a line is given up


class DeadLines(TunnelCase):
    def start(self, **more):
        self.echo, self.server = self.service(), self.sshd()
        self.relay_ = self.relay(self.server)
        self.forward = self.remote(self.echo)
        self.line = self.daemon(self.tunnel(self.server, self.forward, relay=self.relay_, **more))
        self.line.wait_for("connected", proof="probe")
        self.mark = self.line.mark()

    def test_a_dead_link_is_noticed_by_what_stays_unacknowledged(self):
        self.start(keepalive=SHORT)
        stale = self.server.sessions()
        self.relay_.go_dark()
        lost = self.line.wait_transition("reconnecting", "keepalive_lost", after=self.mark)
        self.assertEqual(lost["from"], "connected")
        self.relay_.thaw()
        self.server.kill(stale)  # it holds the port
        self.line.wait_for("connected", proof="probe")
        self.exchange(self.forward["remote"])

    def test_a_dead_link_is_noticed_under_load(self):
        self.start(keepalive=SHORT)
        client = self.connect(self.forward["remote"])
        client.sendall(pattern(1 << 20, "load"))
        self.relay_.go_dark()
        self.line.wait_transition("reconnecting", "keepalive_lost", after=self.mark)

    def test_a_dead_link_is_noticed_without_the_keepalive(self):
        self.start(keepalive=LONG)
        self.relay_.go_dark()
        self.line.wait_transition("reconnecting", "keepalive_lost", after=self.mark)

    def test_a_frozen_server_is_noticed(self):
        self.start(keepalive=LONG)
        self.server.freeze()
        lost = self.line.wait_transition("reconnecting", "server_frozen", after=self.mark)
        self.assertEqual(lost["from"], "connected")
        self.server.thaw()
        self.line.wait_for("connected", proof="probe")
        self.exchange(self.forward["remote"])

    def test_a_frozen_server_is_noticed_behind_an_open(self):
        hole = self.service()
        dead, self.server = self.local(hole), self.sshd()
        self.line = self.daemon(self.tunnel(self.server, dead, self.remote(self.service()), keepalive=LONG))
        self.line.wait_for("connected", proof="probe")
        black_hole(hole.listener)
        self.mark = self.line.mark()
        began = time.monotonic()
        stuck = self.connect(dead["local"])  # its open is on the wire, and is not answered
        self.check_held_up(stuck, 0)
        self.server.freeze()
        lost = self.line.wait_transition("reconnecting", "server_frozen", after=self.mark)
        self.assertEqual(lost["from"], "connected")
        refused = self.line.tunnel()["forwards"][0]["refused"]
        if time.monotonic() - began < OPEN_DEADLINE:
            self.assertEqual(refused, 0)  # nobody had to wait for the open to run out of time

    def test_a_link_that_swallows_everything_is_noticed(self):
        self.start(keepalive=LONG)
        self.relay_.freeze()  # acknowledged by the kernel in the middle, so only a probe can tell
        self.line.wait_transition("reconnecting", "server_frozen", after=self.mark)
        self.relay_.thaw()
        self.line.wait_for("connected", proof="probe")

    def test_a_short_pause_is_survived(self):
        self.start()
        client = self.connect(self.forward["remote"])
        client.sendall(b"before ")
        began = time.monotonic()
        self.relay_.freeze()
        client.sendall(b"and after")
        self.check_held_up(client, 7)
        self.relay_.thaw()
        paused = time.monotonic() - began
        if paused < SHORT_PAUSE:  # else this machine stood still, and made a long one of it
            self.assertEqual(self.receive(client, 16), b"before and after")
            self.assertEqual(self.line.transitions(self.mark), [])

    def check_held_up(self, client, size):
        """For a second no more than `size` bytes come, and no end."""
        time.sleep(1)
        client.setblocking(False)
        try:
            came = client.recv(64, socket.MSG_PEEK)
            self.assertIn(len(came), range(1, size + 1))
        except BlockingIOError:
            pass
        client.settimeout(PATIENCE)

    def test_a_slow_link_is_proven_and_kept(self):
        self.start()
        self.relay_.delay = 0.15
        strangers = []
        # A probe that the machine holds up is let through as a client's; one that is only slow never is.
        for times in range(1, 6):
            before = len(self.echo.connections)
            self.line.post("reconnect")
            self.line.wait_for("connected", proof="probe", reconnects=times)
            self.exchange(self.forward["remote"], b"slowly")
            strangers.append(len(self.echo.connections) - before - 1)
            if strangers[-1] == 0:
                break
        self.assertIn(0, strangers)
        self.assertEqual(self.echo.received(), len(b"slowly") * len(strangers))
        until(lambda: self.line.tunnel()["probe_round_trip_ms"] >= 150, "the round trip to show the delay")


if __name__ == "__main__":
    unittest.main()
