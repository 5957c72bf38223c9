"""Key re-exchanges under load, in both directions at once (trap 2): every byte arrives, once and in order."""
import hashlib
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.platform import PATIENCE
from fairlead_e2e.services import pattern

STREAMS, SIZE = 2, 28 << 20  # each way: 112 MB in all


class Rekey(TunnelCase):
    def check_bulk(self, relay=False, size=SIZE):
        server = self.sshd("RekeyLimit=1M", "LogLevel=DEBUG1")
        payload = pattern(size, "bulk")
        expected = hashlib.sha256(payload).hexdigest()

        def both_ways(connection):
            sender = threading.Thread(target=self.send, args=(connection.sock, payload))
            sender.start()
            while connection.recv(1 << 18):
                pass
            sender.join()

        targets = self.service(both_ways), self.service(both_ways)
        forward, local = self.remote(targets[0]), self.local(targets[1])
        relay = self.relay(server) if relay else None
        # 1.10 loses 51 bytes at each new key.
        daemon = self.daemon(self.tunnel(server, forward, local, relay=relay), library_leaks=True)
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
        clients = [connection for target in targets for connection in target.connections if connection.received]
        until(lambda: all(connection.ended for connection in clients), "the targets to see the end")
        self.assertEqual([connection.digest.hexdigest() for connection in clients], [expected] * STREAMS)
        self.assertEqual(daemon.tunnel()["reconnects"], 0)
        return server.log().count("SSH2_MSG_NEWKEYS received")

    def send(self, sock, payload):
        try:
            self.send_all(sock, payload)
        except OSError:
            pass  # a probe of the local forward, or the receiver will tell what is missing

    def client(self, port, payload):
        digest = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
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
