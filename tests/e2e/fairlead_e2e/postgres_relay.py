"""A relay to PostgreSQL that knows its messages, and loses those that a test names."""
import socket
import struct

from .relay import Relay

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104  # answered with one byte, outside of all messages


class Messages:
    """Cuts what a server sends into whole messages: (type, bytes)."""

    def __init__(self):
        self.rest, self.bare = b"", 0

    def client_asked(self, chunk):
        if len(chunk) == 8 and struct.unpack("!ii", chunk)[1] in (SSL_REQUEST, GSS_REQUEST):
            self.bare += 1

    def feed(self, chunk):
        self.rest += chunk
        while self.rest:
            if self.bare:
                self.bare -= 1
                yield b"", self.rest[:1]
                self.rest = self.rest[1:]
                continue
            if len(self.rest) < 5:
                return
            size = 1 + struct.unpack("!i", self.rest[1:5])[0]
            if len(self.rest) < size:
                return
            yield self.rest[:1], self.rest[:size]
            self.rest = self.rest[size:]


class PostgresRelay(Relay):
    def __init__(self, target_port):
        self.version = None        # bytes: what the server says to be (ParameterStatus)
        self.losing_hints = False  # NotificationResponse never arrives
        self.hints_lost = 0
        self.answers_to_lose = 0   # so many connections end where the server has just said: committed
        self.answers_lost = 0
        super().__init__(target_port)

    def lose_answers(self, count):
        with self._lock:
            self.answers_to_lose = count

    def _pump(self, link, source, sink, direction):
        messages = link.__dict__.setdefault("messages", Messages())
        try:
            while True:
                try:
                    chunk = source.recv(65536)
                except TimeoutError:
                    continue
                if not chunk:
                    break
                self._flowing.wait()
                if direction == "up":
                    messages.client_asked(chunk)
                    self._send(sink, chunk)
                elif not self._pass_down(link, sink, messages, chunk):
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            link.close(reset=True)

    def _pass_down(self, link, sink, messages, chunk):
        """False: the answer was lost, and the connection with it."""
        passed = []
        for kind, message in messages.feed(chunk):
            if kind == b"S" and self.version and message[5:].startswith(b"server_version\0"):
                body = b"server_version\0" + self.version + b"\0"
                message = kind + struct.pack("!i", 4 + len(body)) + body
            if kind == b"A" and self.losing_hints:
                self.hints_lost += 1
                continue
            if kind == b"C" and self._loses(message):
                link.close(reset=True)
                return False
            passed.append(message)
        if passed:
            self._send(sink, b"".join(passed))
        return True

    def _loses(self, message):
        """Whether this CommandComplete is the answer to lose. Statements commit by themselves or by COMMIT; a statement inside
        of an explicit transaction that is cut off there was not committed, and that is a fault as well."""
        with self._lock:
            if self.answers_to_lose == 0 or not message[5:].startswith((b"SELECT", b"COMMIT", b"INSERT", b"UPDATE")):
                return False
            self.answers_to_lose -= 1
            self.answers_lost += 1
            return True
