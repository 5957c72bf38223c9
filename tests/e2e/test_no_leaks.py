"""Connections that end badly leave nothing behind: no descriptor, no channel, no memory (trap 1)."""
import socket
import threading
import time
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.relay import reset_on_close
from fairlead_e2e.services import sink, stalled

ROUNDS = 200


def talks_for_ever(connection):
    """Only writes: of the other end's CLOSE nothing but the line itself can tell it."""
    while True:
        connection.sock.sendall(b"tick")
        time.sleep(0.05)


class NoLeaks(TunnelCase):
    def start(self, *forwards):
        self.line = self.daemon(self.tunnel(self.sshd(), *forwards))
        self.line.wait_for("connected")
        self.mark = self.line.mark()

    def check_flat(self, port, spoil):
        idle = self.line.open_files()
        for _ in range(ROUNDS):
            spoil(port)
        self.assertGreater(self.settle(idle), ROUNDS // 2)
        self.assertEqual(self.line.tunnel()["state"], "connected")
        self.assertEqual(self.line.transitions(self.mark), [])

    def settle(self, idle):
        """Until no more connections come, none is active and their descriptors are closed. A probe may have one.

        How many come is not said: the server need not have taken one that was reset while it waited.
        """
        looks = []

        def settled():
            forward = self.line.tunnel()["forwards"][0]
            looks.append((forward["connections"], forward["active"], self.line.open_files()))
            return len(looks) > 1 and looks[-2] == looks[-1] and looks[-1][1] == 0 and looks[-1][2] <= idle + 1

        until(settled, lambda: f"{idle} descriptors; the last (connections, active, descriptors): {looks[-3:]}", pause=0.3)
        return looks[-1][0]

    @staticmethod
    def killed_mid_upload(port):
        client = socket.create_connection(("127.0.0.1", port), timeout=90)
        client.sendall(b"x" * 50_000)
        reset_on_close(client)
        client.close()

    @staticmethod
    def killed_mid_download(port):
        client = socket.create_connection(("127.0.0.1", port), timeout=90)
        client.recv(4)
        reset_on_close(client)
        client.close()

    @staticmethod
    def gone_at_once(port):
        socket.create_connection(("127.0.0.1", port), timeout=90).close()

    def test_clients_killed_mid_upload(self):
        for kind in (self.remote, self.local):
            with self.subTest(kind.__name__):
                forward = kind(self.service(sink))
                self.start(forward)
                self.check_flat(forward.get("remote") or forward["local"], self.killed_mid_upload)

    def test_clients_killed_while_the_target_only_writes(self):
        for kind in (self.remote, self.local):
            with self.subTest(kind.__name__):
                forward = kind(self.service(talks_for_ever))
                self.start(forward)
                self.check_flat(forward.get("remote") or forward["local"], self.killed_mid_download)

    def test_clients_that_are_gone_before_they_are_served(self):
        for kind in (self.remote, self.local):
            with self.subTest(kind.__name__):
                forward = kind(self.service())
                self.start(forward)
                self.check_flat(forward.get("remote") or forward["local"], self.gone_at_once)

    def test_targets_that_refuse(self):
        service = self.service()
        service.close()
        forward = self.remote(service)
        self.start(forward)

        def refused(port):
            with socket.create_connection(("127.0.0.1", port), timeout=90) as client:
                client.recv(1)

        self.check_flat(forward["remote"], refused)

    def test_clients_killed_before_a_target_that_never_reads(self):
        forward = self.remote(self.service(stalled))
        self.start(forward)
        held = [socket.create_connection(("127.0.0.1", forward["remote"]), timeout=90) for _ in range(8)]
        until(lambda: self.line.tunnel()["forwards"][0]["active"] >= len(held), "the server to have taken them all")
        self.fill(held)
        for client in held:
            reset_on_close(client)
            client.close()
        # What they sent still waits for the target, which never takes it; the line itself must stay well.
        other = self.line.tunnel()
        self.assertEqual((other["state"], other["forwards"][0]["refused"]), ("connected", 0))
        self.assertEqual(self.line.transitions(self.mark), [])

    @staticmethod
    def fill(clients):
        def push(client):
            client.settimeout(1)
            try:
                while True:
                    client.sendall(b"x" * 65536)
            except OSError:
                pass

        threads = [threading.Thread(target=push, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_reconnecting_leaks_nothing(self):
        forward = self.remote(self.service())
        self.start(forward)
        idle = self.line.open_files()
        for times in range(1, 13):
            self.line.post("reconnect")
            self.line.wait_for("connected", proof="probe", reconnects=times)
            self.exchange(forward["remote"])
            self.settle(idle)


if __name__ == "__main__":
    unittest.main()
