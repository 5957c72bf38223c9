"""Key re-exchanges under load, in both directions at once (trap 2): every byte arrives, once and in order."""
import hashlib
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase
from fairlead_e2e.services import pattern

STREAMS, SIZE = 2, 28 << 20  # each way: 112 MB in all


class Rekey(TunnelCase):
    def check_bulk(self, relay=None, size=SIZE, **more):
        server = self.sshd("RekeyLimit=1M", "LogLevel=DEBUG1")
        payload = pattern(size, "bulk")
        expected = hashlib.sha256(payload).hexdigest()
        received = []

        def both_ways(connection):
            sender = threading.Thread(target=self.send, args=(connection.sock, payload))
            sender.start()
            while connection.recv(1 << 18):
                pass
            if connection.received:  # the probe of the local forward connects and says nothing
                received.append(connection.digest.hexdigest())
            sender.join()

        forward, local = self.remote(self.service(both_ways)), self.local(self.service(both_ways))
        relay = self.relay(server) if relay else None
        daemon = self.daemon(self.tunnel(server, forward, local, relay=relay, **more))
        daemon.wait_for("connected", proof="probe")
        if relay:
            relay.delay = 0.002  # packets of both ends cross while keys change
        mark = daemon.mark()
        answers = []
        threads = [threading.Thread(target=lambda port=port: answers.append(self.client(port, payload)))
                   for port in (forward["remote"], local["local"]) * (STREAMS // 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(daemon.transitions(mark), [])
        self.assertEqual(answers, [expected] * STREAMS)
        self.assertEqual(received, [expected] * STREAMS)
        self.assertEqual(daemon.tunnel()["reconnects"], 0)
        return server.log().count("SSH2_MSG_NEWKEYS received")

    @staticmethod
    def send(sock, payload):
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)

    def client(self, port, payload):
        digest = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", port), timeout=90) as sock:
            sender = threading.Thread(target=self.send, args=(sock, payload))
            sender.start()
            while chunk := sock.recv(1 << 18):
                digest.update(chunk)
            sender.join()
        return digest.hexdigest()

    def test_bulk_both_ways_survives_many_new_keys(self):
        self.assertGreater(self.check_bulk(), 20)

    def test_bulk_both_ways_survives_new_keys_on_a_slow_link(self):
        self.assertGreater(self.check_bulk(relay=True, size=6 << 20), 4)


if __name__ == "__main__":
    unittest.main()
