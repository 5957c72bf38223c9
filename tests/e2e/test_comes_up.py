"""A tunnel comes up, says how it is proven, and carries bytes."""
import socket
import unittest

from fairlead_e2e import TunnelCase, free_port, until
from fairlead_e2e.platform import has_ipv6_loopback
from fairlead_e2e.services import pattern


class ComesUp(TunnelCase):
    def test_comes_up_proven_by_probe_and_carries_both_ways(self):
        echo = self.service()
        forward = self.remote(echo)
        daemon = self.daemon(self.tunnel(self.sshd(), forward))
        line = daemon.wait_for("connected", proof="probe", reason=None)
        self.assertIsNotNone(line["probe_round_trip_ms"])
        self.assertTrue(line["host_key_fingerprint"].startswith("ssh-ed25519 SHA256:"))
        self.assertIn("curve25519-sha256", line["algorithms"])
        self.exchange(forward["remote"], pattern(3 << 20, "both ways"))
        # One, and each probe that came so late that it was let through as a client's; none of them has a byte.
        counted = self.wait_for_counters(daemon, lambda now: now["active"] == 0 and now["connections"] == len(echo.connections))
        self.assertEqual(counted["refused"], 0)
        self.assertEqual((counted["bytes_to_target"], counted["bytes_from_target"]), (3 << 20, 3 << 20))

    def wait_for_counters(self, daemon, condition):
        seen = {}

        def met():
            seen.update(daemon.tunnel()["forwards"][0])
            return condition(seen) and seen

        return until(met, lambda: f"the counters, which are {seen}\n{daemon.tail()}")

    def test_several_forwards_lead_each_to_its_own_target(self):
        services = [self.service(self.signed(b"%d" % i)) for i in range(4)]
        remotes = [self.remote(service) for service in services[:2]]
        locals_ = [self.local(service) for service in services[2:]]
        daemon = self.daemon(self.tunnel(self.sshd(), *remotes, *locals_))
        line = daemon.wait_for("connected", proof="probe")
        self.assertEqual([forward["proof"] for forward in line["forwards"]], ["probe"] * 4)
        ports = [forward["remote"] for forward in remotes] + [forward["local"] for forward in locals_]
        for i, port in enumerate(ports):
            self.exchange(port, b"which one", greeting=b"%d" % i)

    @staticmethod
    def signed(name):
        def handler(connection):
            connection.sock.sendall(name)
            while chunk := connection.recv():
                connection.sock.sendall(chunk)
        return handler

    def test_several_tunnels_live_side_by_side(self):
        echo, server = self.service(), self.sshd()
        forwards = {f"t{i}": self.remote(echo) for i in range(6)}
        daemon = self.daemon({name: self.tunnel(server, forward) for name, forward in forwards.items()})
        for name, forward in forwards.items():
            daemon.wait_for("connected", name, proof="probe")
            self.exchange(forward["remote"])
        daemon.post("down", "t3")
        daemon.wait_for("stopped", "t3")
        self.assertFalse(self.try_exchange(forwards.pop("t3")["remote"]))
        for forward in forwards.values():
            self.exchange(forward["remote"])

    @unittest.skipUnless(has_ipv6_loopback(), "this machine has no IPv6 loopback")
    def test_a_port_that_someone_else_answers_is_not_called_proven(self):
        # sshd finds 127.0.0.1 taken, listens on ::1 alone and grants the forward; clients of 127.0.0.1 reach a stranger.
        stranger = self.service(handler=lambda connection: connection.recv() and connection.recv())
        daemon = self.daemon(self.tunnel(self.sshd(), self.remote(self.service(), listen=stranger.port)))
        lost = daemon.wait_transition("reconnecting", "probe_failed")
        self.assertIn("did not come back", lost["detail"])
        self.assertEqual([line["to"] for line in daemon.transitions() if line["to"] == "connected"], [])
        self.assertEqual(daemon.tunnel()["proof"], "none")

    def test_a_stranger_that_echoes_the_probe_is_not_called_proven(self):
        if not has_ipv6_loopback():
            self.skipTest("this machine has no IPv6 loopback")
        stranger = self.service()  # sends the nonce back, but not through the line
        daemon = self.daemon(self.tunnel(self.sshd(), self.remote(self.service(), listen=stranger.port)))
        daemon.wait_transition("reconnecting", "probe_failed")
        self.assertNotIn("connected", [line["to"] for line in daemon.transitions()])

    def test_a_client_end_of_stream_passes_each_way_alone(self):
        def answer_after_end(connection):
            while connection.recv():
                pass
            connection.sock.sendall(b"%d bytes came" % connection.received)

        service = self.service(answer_after_end)
        forward = self.remote(service)
        daemon = self.daemon(self.tunnel(self.sshd(), forward))
        daemon.wait_for("connected")
        client = self.connect(forward["remote"])
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(client, 17), b"100000 bytes came")
        self.assertEqual(client.recv(1), b"")

    def test_a_dead_target_closes_its_client_and_not_the_line(self):
        forward = self.remote(free_port())
        daemon = self.daemon(self.tunnel(self.sshd(), forward))
        daemon.wait_for("connected", proof="probe")
        client = self.connect(forward["remote"])
        self.assertEqual(client.recv(1), b"")
        # A probe that came very late is a client too, and refused as well.
        self.wait_for_counters(daemon, lambda now: now["refused"] == now["connections"] >= 1)
        self.assertEqual(daemon.tunnel()["state"], "connected")


if __name__ == "__main__":
    unittest.main()
