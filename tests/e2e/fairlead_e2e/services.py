"""Services to expose: each runs its handler in a thread per connection and remembers what every client sent."""
import hashlib
import socket
import threading
import time

from .ports import free_port
from .relay import reset_on_close


class Connection:
    """One accepted connection: the socket for the handler, and for the test what came in."""

    def __init__(self, sock):
        self.sock = sock
        self.received = 0
        self.digest = hashlib.sha256()
        self.head = b""
        self.ended = None  # "clean" (end of stream), "reset", or None while it lasts

    def recv(self, size=65536):
        """b"" at the clean end; ConnectionResetError and its kin are remembered and passed on."""
        try:
            chunk = self.sock.recv(size)
        except OSError:
            self.ended = "reset"
            raise
        if not chunk:
            self.ended = "clean"
        self.received += len(chunk)
        self.digest.update(chunk)
        if len(self.head) < 64:
            self.head += chunk[:64]
        return chunk


def echo(connection):
    while chunk := connection.recv():
        connection.sock.sendall(chunk)


def speaks_first(connection):
    connection.sock.sendall(b"220 at your service\r\n")
    echo(connection)


def sink(connection):
    while connection.recv():
        pass


def stalled(connection):
    """Never reads."""
    while connection.sock.fileno() >= 0:
        time.sleep(0.1)


class Service:
    """Listens on 127.0.0.1. `handler(connection)` runs in a thread of its own; the socket closes after it."""

    def __init__(self, handler=echo, port=None, receive_buffer=None):
        self.handler, self.port = handler, port or free_port()
        self.connections = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.listener.settimeout(0.1)  # close() frees the port only once no thread waits inside the kernel
        self._ended = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while not self._ended:
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            sock.setblocking(True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock)
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.handler(connection)
        except OSError:
            pass
        finally:
            connection.sock.close()

    def received(self):
        return sum(connection.received for connection in self.connections)

    def close(self):
        """The port is free afterwards; connections are reset."""
        self._ended = True
        self._thread.join()
        self.listener.close()
        for connection in self.connections:
            try:
                reset_on_close(connection.sock)
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.sock.close()


class HttpService(Service):
    """Answers every request with `status`; `mode` "silent" answers nothing, "drop" closes at once."""

    def __init__(self, port=None):
        self.status, self.mode, self.requests = 200, "answer", []
        super().__init__(self._answer, port)

    def _answer(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv()
            if not chunk:
                return
            head += chunk
        self.requests.append(head.decode())
        while self.mode == "silent" and not self._ended:
            time.sleep(0.05)
        if self.mode == "answer":
            connection.sock.sendall(f"HTTP/1.1 {self.status} As Told\r\nContent-Length: 3\r\n"
                                    "Connection: close\r\n\r\nok\n".encode())


def pattern(size, seed):
    """`size` bytes that differ at every place from those of another seed; quick to make."""
    block = hashlib.shake_256(str(seed).encode()).digest(min(size, 1 << 20) or 1)
    return (block * (size // len(block) + 1))[:size]
