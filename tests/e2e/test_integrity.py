"""One flipped bit on the wire: the session fails and comes back, and nobody gets a wrong or a missing byte (trap 14).

Streams say their own length and hash, so that a receiver can tell a complete one. A stream that is not complete must
end in a reset: a clean end would say "this is all".
"""
import random
import socket
import threading
import unittest

from fairlead_e2e import TunnelCase, until
from fairlead_e2e.services import pattern

SIZE = 4 << 20
POSITIONS = (0, 1, 3, 5, 16, 100, 4_097, 70_001, 500_003, 1_200_007, 2_999_999)
# Which one depends on what the bit meant and who saw it first.
# (Beside them: the session before, where sshd has not seen its end yet, may still hold the port.)
HANDSHAKE_REASONS = {"handshake_failed", "transport_corrupt", "no_common_algorithm", "connect_timeout", "auth_refused",
                     "connection_closed", "connection_reset", "host_key_unknown", "host_key_changed", "server_frozen"}


class Upload:
    """A client on the server's side that sends to the target; knows what it has sent.

    Where the flip has met a probe before, the line is lost already and nobody listens: there is no stream then.
    """

    def __init__(self, port, number):
        self.payload = pattern(SIZE, number)
        self.thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self.thread.start()

    def _run(self, port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=90) as sock:
                sock.sendall(self.payload)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)  # the target's end
        except OSError:
            pass


class Integrity(TunnelCase):
    def start(self, handler, library_leaks=False):
        self.streams = []
        self.target = self.service(handler)
        self.server = self.sshd()
        self.relay_ = self.relay(self.server)
        self.forward = self.remote(self.target)
        config = self.tunnel(self.server, self.forward, relay=self.relay_)
        self.line = self.daemon(config, library_leaks=library_leaks)
        self.line.wait_for("connected", proof="probe")

    def check_failed_and_came_back(self, mark, flips):
        until(lambda: self.relay_.flipped == flips, "the bit to be flipped")
        lost = self.line.wait_transition("reconnecting", after=mark)
        # sshd may be the first to notice, and hang up; a flip in a length may also look like a hang-up.
        self.assertIn(lost["reason"], ("transport_corrupt", "connection_closed", "connection_reset"))
        self.line.wait_for("connected", proof="probe")
        return lost["reason"]

    def losses(self, mark):
        return [t["reason"] for t in self.line.transitions(mark) if t["to"] == "reconnecting"]

    def collect(self, connection):
        """The target of an upload: keeps the bytes, and how they ended."""
        parts = []
        self.streams.append((connection, parts))
        while chunk := connection.recv():
            parts.append(chunk)

    def check_stream(self, connection, parts, payload):
        got = b"".join(parts)
        if connection.ended == "clean":
            self.assertEqual(len(got), len(payload), "a stream ended cleanly but is not complete")
        self.assertEqual(got, payload[:len(got)], "wrong bytes reached the target")

    # `down` carries what comes from the server: an upload of a client there.
    def test_a_flipped_bit_towards_us_never_reaches_a_target(self):
        self.start(self.collect)
        bits, reasons = random.Random(14), set()
        for number, position in enumerate(POSITIONS):
            mark = self.line.mark()
            self.relay_.flip_bit("down", position, bits.randrange(8))
            upload = Upload(self.forward["remote"], number)
            reasons.add(self.check_failed_and_came_back(mark, number + 1))
            upload.thread.join()
        for connection, parts in self.ended_streams():
            head = b"".join(parts)[:1000]
            number = next(n for n in range(len(POSITIONS)) if pattern(SIZE, n)[:len(head)] == head)
            self.check_stream(connection, parts, pattern(SIZE, number))
        self.assertIn("transport_corrupt", reasons)
        self.check_whole_upload()

    def ended_streams(self):
        """Those with bytes: a probe that came so late that it was let through as a client's has none, and ends cleanly."""
        until(lambda: all(connection.ended for connection, _ in self.streams), "all streams to end")
        return [(connection, parts) for connection, parts in self.streams if parts]

    def check_whole_upload(self):
        seen = len(self.ended_streams())
        Upload(self.forward["remote"], "whole").thread.join()
        connection, parts = until(lambda: self.ended_streams()[seen:], "the last stream")[0]
        self.assertEqual(connection.ended, "clean")
        self.check_stream(connection, parts, pattern(SIZE, "whole"))

    # `up` carries what goes to the server: a download of a client there. sshd is the one to notice.
    def test_a_flipped_bit_towards_the_server_never_reaches_a_client(self):
        payload = pattern(SIZE, "download")

        def send_all(connection):
            connection.sock.sendall(payload)
            connection.sock.shutdown(socket.SHUT_WR)
            connection.recv(1)

        self.start(send_all)
        bits = random.Random(41)
        for number, position in enumerate(POSITIONS):
            mark = self.line.mark()
            self.relay_.flip_bit("up", position, bits.randrange(8))
            got = self.download()
            self.check_failed_and_came_back(mark, number + 1)
            self.assertEqual(got, payload[:len(got)], "wrong bytes reached the client")
        self.assertEqual(self.download(), payload)

    def download(self):
        """What came. How it ends is sshd's affair here: it closes its sockets when its session ends."""
        parts = []
        try:
            with socket.create_connection(("127.0.0.1", self.forward["remote"]), timeout=90) as sock:
                while chunk := sock.recv(65536):
                    parts.append(chunk)
        except OSError:
            pass
        return b"".join(parts)

    # A local client is ours: an incomplete stream must end in a reset.
    def test_a_flipped_bit_never_looks_like_the_end_of_a_local_stream(self):
        payload = pattern(SIZE, "local")
        self.target = self.service(lambda connection: connection.sock.sendall(payload))
        self.server = self.sshd()
        self.relay_ = self.relay(self.server)
        forward = self.local(self.target)
        self.line = self.daemon(self.tunnel(self.server, forward, relay=self.relay_))
        self.line.wait_for("connected")
        for number, position in enumerate(POSITIONS[4:]):
            mark = self.line.mark()
            self.relay_.flip_bit("down", position, number % 8)
            parts, ended = [], None
            try:
                client = self.connect(forward["local"])
                while chunk := client.recv(65536):
                    parts.append(chunk)
                ended = "clean"
            except (ConnectionRefusedError, ConnectionResetError):
                ended = "reset"
            got = b"".join(parts)
            self.assertEqual(got, payload[:len(got)])
            self.assertTrue(ended == "reset" or got == payload, f"{len(got)} bytes and then a clean end")
            self.check_failed_and_came_back(mark, number + 1)

    # With no stream open nothing but the next packets can show it: probes, keepalives, or a client's connection.
    def test_a_flipped_bit_on_an_idle_line_is_noticed(self):
        self.start(self.collect)
        for number in range(4):
            mark = self.line.mark()
            self.relay_.flip_bit("down", 4 * number, number)
            Upload(self.forward["remote"], "whole")  # its announcement is the packet that is hit
            self.check_failed_and_came_back(mark, number + 1)
            for connection, parts in self.ended_streams():
                self.check_stream(connection, parts, pattern(SIZE, "whole"))
        self.check_whole_upload()

    def test_a_flipped_bit_in_the_handshake_fails_the_attempt(self):
        self.start(self.collect, library_leaks="deep")  # what it had made for the key exchange
        for direction in ("up", "down"):
            for position in (60, 300, 900, 1500):
                with self.subTest(f"{direction} {position}"):
                    mark, flipped = self.line.mark(), self.relay_.flipped
                    self.relay_.flip_bit(direction, position, 3, of_next=True)  # the old line's last words are left alone
                    self.line.post("reconnect")
                    until(lambda: self.relay_.flipped > flipped, "the bit to be flipped")
                    # Every byte of it is hashed or authenticated. The last position may meet the first probe instead,
                    # so that the line is up before it falls.
                    until(lambda: set(self.losses(mark)) - {"by_operator", "listener_refused"}, "the line to be lost")
                    self.line.wait_for("connected", proof="probe")
                    lost = self.losses(mark)
                    self.assertEqual(lost[0], "by_operator")
                    why = set(lost[1:]) - {"listener_refused"}
                    self.assertTrue(why and why <= HANDSHAKE_REASONS, lost)
        self.check_whole_upload()


if __name__ == "__main__":
    unittest.main()
