"""Where the server forbids the channel that a probe needs, the tunnel says so instead of claiming a proof."""
import unittest

from fairlead_e2e import TunnelCase, until


class ProofWhereForbidden(TunnelCase):
    def check_unproven_until_traffic(self, server, service, forward):
        daemon = self.daemon(self.tunnel(server, forward))
        line = daemon.wait_for("connected")
        self.assertEqual((line["proof"], line["forwards"][0]["proof"]), ("none", "none"))
        self.assertEqual(len(service.connections), 0)
        self.exchange(forward["remote"], b"a real client")
        until(lambda: daemon.tunnel()["proof"] == "traffic", "the proof by traffic")
        self.assertEqual([connection.head for connection in service.connections], [b"a real client"])
        self.assertEqual(len([t for t in daemon.transitions() if t["to"] == "reconnecting"]), 0)
        return daemon

    def test_allow_tcp_forwarding_remote_is_connected_and_unproven(self):
        service = self.service()
        self.check_unproven_until_traffic(self.sshd("AllowTcpForwarding=remote"), service, self.remote(service))

    def test_permitopen_in_authorized_keys_is_connected_and_unproven(self):
        service, server = self.service(), self.sshd()
        server.authorize('permitopen="127.0.0.1:9" ' + server.public_key())
        self.check_unproven_until_traffic(server, service, self.remote(service))

    def test_permitopen_that_allows_the_probe_is_proven(self):
        service, server = self.service(), self.sshd()
        forward = self.remote(service)
        server.authorize(f'restrict,port-forwarding,permitopen="127.0.0.1:{forward["remote"]}" ' + server.public_key())
        self.daemon(self.tunnel(server, forward)).wait_for("connected", proof="probe")

    def test_a_new_connection_begins_unproven_again(self):
        service, server = self.service(), self.sshd("AllowTcpForwarding=remote")
        forward = self.remote(service)
        daemon = self.check_unproven_until_traffic(server, service, forward)
        server.kill_sessions()
        line = daemon.wait_for("connected", reconnects=1)
        self.assertEqual(line["proof"], "none")

    def test_one_way_traffic_is_no_proof(self):
        service = self.service(lambda connection: connection.recv())
        forward = self.remote(service)
        daemon = self.daemon(self.tunnel(self.sshd("AllowTcpForwarding=remote"), forward))
        daemon.wait_for("connected")
        client = self.connect(forward["remote"])
        client.sendall(b"nobody answers")
        self.assertEqual(client.recv(1), b"")
        until(lambda: daemon.tunnel()["forwards"][0]["bytes_to_target"] == 14, "the bytes to be counted")
        self.assertEqual(daemon.tunnel()["proof"], "none")

    def test_a_forbidden_listener_is_its_own_reason(self):
        daemon = self.daemon(self.tunnel(self.sshd("AllowTcpForwarding=local"), self.remote(self.service())))
        daemon.wait_transition("reconnecting", "listener_refused")
        self.assertIn("AllowTcpForwarding", daemon.tunnel()["hint"] or daemon.wait_for("reconnecting")["hint"])

    def test_a_local_forward_whose_target_is_forbidden_is_unproven(self):
        daemon = self.daemon(self.tunnel(self.sshd("AllowTcpForwarding=remote"), self.local(self.service())))
        self.assertEqual(daemon.wait_for("connected")["proof"], "none")


if __name__ == "__main__":
    unittest.main()
