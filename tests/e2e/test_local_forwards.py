"""Forwards whose listener is here: bytes both ways, ends of streams, and targets that the server cannot reach."""
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase, free_port, until
from fairlead_e2e.platform import has_ipv6_loopback
from fairlead_e2e.relay import reset_on_close
from fairlead_e2e.services import Service, pattern, sink, speaks_first


class LocalForwards(TunnelCase):
    def start(self, service, **more):
        self.server = self.sshd()
        self.forward = self.local(service)
        self.port = self.forward["local"]
        self.line = self.daemon(self.tunnel(self.server, self.forward, **more))
        self.line.wait_for("connected")

    def counters(self):
        return self.line.tunnel()["forwards"][0]

    def test_bytes_pass_both_ways_and_are_counted(self):
        self.start(self.service())
        self.exchange(self.port, pattern(3 << 20, "local"))
        counted = until(lambda: self.counters()["active"] == 0 and self.counters(), "the relay to end")
        self.assertEqual((counted["kind"], counted["connections"]), ("local", 1))
        self.assertEqual((counted["bytes_to_target"], counted["bytes_from_target"]), (3 << 20, 3 << 20))

    def test_an_open_target_proves_it_and_sees_no_bytes(self):
        service = self.service()
        self.start(service)
        self.line.wait_for("connected", proof="probe")
        self.assertEqual(service.received(), 0)

    def test_many_connections_at_once(self):
        self.start(self.service())
        failures = []

        def one(number):
            try:
                self.exchange(self.port, pattern(20_000, number))
            except BaseException as error:  # AssertionError included: it would be lost with the thread
                failures.append(error)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_a_service_that_speaks_first_is_heard(self):
        self.start(self.service(speaks_first))
        self.exchange(self.port, b"EHLO", greeting=b"220 at your service\r\n")

    def test_an_end_of_stream_passes_while_the_other_direction_goes_on(self):
        def answer_after_end(connection):
            sink(connection)
            connection.sock.sendall(b"%d bytes came" % connection.received)

        self.start(self.service(answer_after_end))
        client = self.connect(self.port)
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(client, 17), b"100000 bytes came")
        self.assertEqual(client.recv(1), b"")

    def test_the_server_side_may_end_first(self):
        def says_goodbye(connection):
            connection.sock.sendall(b"goodbye")
            connection.sock.shutdown(socket.SHUT_WR)
            sink(connection)

        service = self.service(says_goodbye)
        self.start(service)
        client = self.connect(self.port)
        self.assertEqual(self.receive(client, 7), b"goodbye")
        self.assertEqual(client.recv(1), b"")
        client.sendall(b"still talking")
        client.shutdown(socket.SHUT_WR)
        until(lambda: service.connections[-1].ended == "clean", "the end of the client's stream")
        self.assertEqual(service.connections[-1].head, b"still talking")

    def test_a_dead_target_resets_its_client_and_not_the_line(self):
        self.start(free_port())
        self.assertEqual(self.line.tunnel()["proof"], "none")
        with self.assertRaises(ConnectionResetError):
            self.connect(self.port).recv(1)  # the reset may come before connect() has looked
        self.assertEqual((self.counters()["refused"], self.line.tunnel()["state"]), (1, "connected"))

    def test_a_target_that_comes_later_is_reached(self):
        port = free_port()
        self.start(port)
        self.assertRaises(ConnectionResetError, lambda: self.connect(self.port).recv(1))
        self.service(port=port)
        self.exchange(self.port)
        self.line.wait_for("connected", proof="traffic")

    def test_clients_are_reset_at_once_while_the_line_is_down_and_served_when_it_is_back(self):
        self.start(self.service())
        mark = self.line.mark()
        self.server.stop()
        self.line.wait_transition("reconnecting", after=mark)
        with self.assertRaises(ConnectionResetError):  # which may come before connect() has returned
            self.connect(self.port).recv(1)
        self.server.start()
        self.line.wait_for("connected", reconnects=1)
        self.exchange(self.port)

    def test_down_frees_the_port(self):
        self.start(self.service())
        self.line.post("down")
        with self.assertRaises(ConnectionRefusedError):
            self.connect(self.port)
        self.line.post("up")
        self.line.wait_for("connected")
        self.exchange(self.port)

    def test_a_taken_port_is_named_and_taken_over_when_free(self):
        other = Service()
        forward = self.local(self.service(), listen=other.port)
        line = self.daemon(self.tunnel(self.sshd(), forward))
        lost = line.wait_transition("reconnecting", "local_port_taken")
        self.assertIn(str(other.port), lost["detail"])
        other.close()
        line.wait_for("connected")
        self.exchange(other.port)

    @unittest.skipUnless(has_ipv6_loopback(), "this machine has no IPv6 loopback")
    def test_localhost_is_both_loopbacks(self):
        self.start(self.service())
        for host in ("127.0.0.1", "::1"):
            client = self.connect(self.port, host)
            client.sendall(host.encode())
            self.assertEqual(self.receive(client, len(host)), host.encode())

    def test_only_loopback_unless_told(self):
        self.start(self.service())
        with self.assertRaises(ConnectionRefusedError):
            self.connect(self.port, "127.0.0.2")

    def test_a_reset_of_either_end_reaches_the_other(self):
        service = self.service()
        self.start(service)
        client = self.connect(self.port)
        client.sendall(b"x")
        self.receive(client, 1)
        reset_on_close(client)
        client.close()
        until(lambda: service.connections[-1].ended, "the target to see the end")
        until(lambda: self.counters()["active"] == 0, "the relay to end")


if __name__ == "__main__":
    unittest.main()
