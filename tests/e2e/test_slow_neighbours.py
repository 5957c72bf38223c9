"""A consumer that stops, or a target that never answers, is its own trouble: its neighbours on the line go on."""
import socket
import threading
import time
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.relay import black_hole
from fairlead_e2e.services import pattern, stalled

MEGABYTE = 1 << 20


class SlowNeighbours(TunnelCase):
    def fill(self, sock):
        """Sends until nothing is taken any more; returns how much was."""
        sock.settimeout(2)
        sent = 0
        try:
            while True:
                sent += sock.send(b"x" * 65536)
        except TimeoutError:
            return sent

    # Traps 4 and 19: each stalled consumer costs about one window of 2 MB, and nothing else.
    def test_four_stalled_consumers_cost_a_bounded_amount_and_disturb_nobody(self):
        for kind in (self.remote, self.local):
            with self.subTest(kind.__name__):
                slow, echo = kind(self.service(stalled, receive_buffer=65536)), kind(self.service())
                line = self.daemon(self.tunnel(self.sshd(), slow, echo))
                line.wait_for("connected")
                ports = [forward.get("remote") or forward["local"] for forward in (slow, echo)]
                self.exchange(ports[1], pattern(MEGABYTE, "warm"))
                before = line.memory()
                clients = [self.connect(ports[0]) for _ in range(4)]
                pushers = [threading.Thread(target=self.fill, args=(client,)) for client in clients]
                for thread in pushers:
                    thread.start()
                for number in range(20):
                    self.exchange(ports[1], pattern(40_000, number))
                for thread in pushers:
                    thread.join()
                self.exchange(ports[1], pattern(4 * MEGABYTE, "after"))
                self.assertEqual(line.tunnel()["forwards"][0]["active"], 4)
                # 8 MB are the windows; the allocator and a sanitizer's quarantine (256 MB at most) have their own.
                allowance = 40 if line.is_plain() else 300
                self.assertLess(line.memory() - before, allowance * MEGABYTE)
                self.assertEqual([t for t in line.transitions() if t["to"] == "reconnecting"], [])

    def test_a_stalled_consumer_does_not_keep_the_daemon_busy(self):
        slow = self.remote(self.service(stalled, receive_buffer=65536))
        line = self.daemon(self.tunnel(self.sshd(), slow))
        line.wait_for("connected")
        self.fill(self.connect(slow["remote"]))
        turns, began = line.get("/v1/status")["daemon"]["loop_turns"], time.monotonic()
        time.sleep(3)
        spent = line.get("/v1/status")["daemon"]["loop_turns"] - turns
        self.assertLess(spent / (time.monotonic() - began), 200)  # a spinning loop makes many thousands

    def test_a_consumer_that_goes_on_gets_everything(self):
        go = threading.Event()

        def later(connection):
            go.wait(90)
            while connection.recv():
                pass

        service = self.service(later, receive_buffer=65536)
        forward = self.remote(service)
        line = self.daemon(self.tunnel(self.sshd(), forward))
        line.wait_for("connected")
        client = self.connect(forward["remote"])
        payload = pattern(16 * MEGABYTE, "patience")
        sender = threading.Thread(target=lambda: (client.sendall(payload), client.shutdown(socket.SHUT_WR)))
        sender.start()
        until(lambda: line.tunnel()["forwards"][0]["bytes_to_target"] > 0, "the first bytes")
        time.sleep(1)
        go.set()
        sender.join()
        until(lambda: service.connections[0].ended, "the end of the stream")
        self.assertEqual((service.connections[0].ended, service.connections[0].received), ("clean", len(payload)))

    def test_many_clients_of_a_black_holed_target_are_all_given_up(self):
        hole = self.service()
        black_hole(hole.listener)
        forward = self.remote(hole)
        line = self.daemon(self.tunnel(self.sshd(), forward, connect_timeout="5s"))
        line.wait_for("connected", proof="probe")
        clients = [self.connect(forward["remote"]) for _ in range(30)]
        for client in clients:
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(line.tunnel()["forwards"][0]["refused"], 30)

    # Trap 6: what the library holds already raises no event on the socket.
    def test_a_burst_of_connections_is_served_without_another_byte_from_the_network(self):
        service = self.service(lambda connection: connection.sock.sendall(b"hello"))
        forward = self.remote(service)
        line = self.daemon(self.tunnel(self.sshd(), forward))
        line.wait_for("connected", proof="probe")
        clients = [self.connect(forward["remote"]) for _ in range(120)]
        for client in clients:
            self.assertEqual(self.receive(client, 5), b"hello")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(line.tunnel()["forwards"][0]["connections"], 120)

    def test_a_bulk_transfer_lets_a_ping_through(self):
        service = self.service()
        forward = self.remote(service)
        line = self.daemon(self.tunnel(self.sshd(), forward))
        line.wait_for("connected")
        bulk = threading.Thread(target=self.exchange, args=(forward["remote"], pattern(24 * MEGABYTE, "bulk")))
        bulk.start()
        ping = self.connect(forward["remote"])
        for number in range(30):
            ping.sendall(b"%04d" % number)
            self.assertEqual(self.receive(ping, 4), b"%04d" % number)
        bulk.join()


if __name__ == "__main__":
    unittest.main()
