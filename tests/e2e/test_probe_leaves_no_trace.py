"""Probes share the forwarded port with clients: the target must never see one, and no client may lose a byte to one."""
import socket
import time
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.services import speaks_first

GREETING = b"220 at your service\r\n"
ROUNDS = 6


class ProbeLeavesNoTrace(TunnelCase):
    def start(self, service):
        self.forward = self.remote(service)
        self.line = self.daemon(self.tunnel(self.sshd("LogLevel=DEBUG1"), self.forward))
        self.line.wait_for("connected", proof="probe")

    def test_the_target_sees_no_probe(self):
        service = self.service()
        self.start(service)
        for _ in range(ROUNDS):
            before = self.line.tunnel()["reconnects"]
            self.line.post("reconnect")
            self.line.wait_for("connected", proof="probe", reconnects=before + 1)
        self.assertEqual(len(service.connections), 0)
        self.exchange(self.forward["remote"], b"one client")
        self.assertEqual([connection.received for connection in service.connections], [len(b"one client")])
        forward = self.line.tunnel()["forwards"][0]
        self.assertEqual((forward["connections"], forward["bytes_to_target"]), (1, len(b"one client")))

    def test_the_target_sees_no_probe_of_a_quiet_line(self):
        service, server = self.service(), self.sshd("LogLevel=DEBUG1")
        daemon = self.daemon(self.tunnel(server, self.remote(service)))
        daemon.wait_for("connected", proof="probe")
        until(lambda: server.log().count("originator 127.0.0.1 port 0, target 127.0.0.1") >= 3,
              "two probes after the first")
        self.assertEqual(len(service.connections), 0)
        self.assertEqual(daemon.tunnel()["proof"], "probe")

    # Each of these clients knocks until the server listens, so it is there before or while the first probe is.
    def first_client(self):
        self.line.post("down")
        until(lambda: not self.listens(), "the server's listener to go")
        self.line.post("up")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return socket.create_connection(("127.0.0.1", self.forward["remote"]), timeout=60)
            except ConnectionRefusedError:
                time.sleep(0.001)
        raise AssertionError("the server did not listen again\n" + self.line.tail())

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.forward["remote"]), timeout=10).close()
            return True
        except ConnectionResetError:
            return True  # it went between the connection and its acceptance
        except ConnectionRefusedError:
            return False

    def check_first_clients(self, talk):
        for number in range(ROUNDS):
            with self.first_client() as client:
                talk(client, number)
            self.line.wait_for("connected", proof="probe")

    def test_a_client_that_comes_with_the_probe_loses_nothing(self):
        self.start(self.service())

        def talk(client, number):
            payload = bytes([number]) * 4000 + b"the end"
            client.sendall(payload)
            self.assertEqual(self.receive(client, len(payload)), payload)

        self.check_first_clients(talk)

    def test_a_client_that_sends_byte_by_byte_loses_nothing(self):
        self.start(self.service())

        def talk(client, number):
            payload = bytes(range(number, number + 40))  # longer than a nonce, so every piece is compared
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in payload:
                client.sendall(bytes([byte]))
                time.sleep(0.002)
            self.assertEqual(self.receive(client, len(payload)), payload)

        self.check_first_clients(talk)

    def test_a_client_that_only_ends_its_stream_is_passed_on(self):
        self.start(self.service())

        def talk(client, _number):
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")  # the echo's own end, not a hang

        self.check_first_clients(talk)

    def test_a_service_that_speaks_first_is_heard(self):
        self.start(self.service(speaks_first))

        def talk(client, _number):
            self.assertEqual(self.receive(client, len(GREETING)), GREETING)  # the client has not sent a byte
            client.sendall(b"HELO")
            self.assertEqual(self.receive(client, 4), b"HELO")

        self.check_first_clients(talk)

    def test_many_clients_at_once_with_the_probe_lose_nothing(self):
        service = self.service(speaks_first)
        self.start(service)
        first = self.first_client()
        rest = [self.connect(self.forward["remote"]) for _ in range(60)]
        for number, client in enumerate([first] + rest):
            client.sendall(b"%04d" % number)
        for number, client in enumerate([first] + rest):
            self.assertEqual(self.receive(client, len(GREETING) + 4), GREETING + b"%04d" % number)
        first.close()


if __name__ == "__main__":
    unittest.main()
