"""A TCP relay between fairlead and sshd that breaks things on request.

`up` is the direction to the server, `down` the one back. What is armed holds for the bytes that pass from then on,
whichever connection carries them.
"""
import ctypes
import socket
import struct
import threading
import time

from .ports import free_port

CHUNK = 65536
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # one BPF instruction: ret #0


def black_hole(sock):
    """From now on no packet reaches this socket: what its peer sends is never acknowledged; SYNs are not answered."""
    program = ctypes.create_string_buffer(_DROP_ALL)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


def reset_on_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Link:
    """One relayed connection."""

    def __init__(self, client, server, number):
        self.client, self.server = client, server
        self.number = number  # from 1, in the order they were accepted
        self.head = b""       # what the client sent first

    def close(self, reset):
        for sock in (self.client, self.server):
            try:
                if reset:
                    reset_on_close(sock)
                else:
                    sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already
            sock.close()


class Relay:
    def __init__(self, target_port, port=None):
        self.target_port, self.port = target_port, port or free_port()
        self.passed = {"up": 0, "down": 0}  # bytes, over all connections
        self.first_bytes = b""              # what the client of one connection sent first, at most 4096 bytes
        self.accepted = 0
        self.links = []
        self._flips = {"up": None, "down": None}  # [bytes still to pass, mask, first link it may hit]
        self.flipped = 0
        self._freeze_at = None
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self.delay = 0.0
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    # --- what a test asks for ---
    def flip_bit(self, direction, after, bit=0, of_next=False):
        """Flips one bit of the byte that comes `after` bytes from now; of_next: after the next connection's start."""
        with self._lock:
            self._flips[direction] = [after, 1 << bit, self.accepted + 1 if of_next else 0]

    def reset(self):
        """RST to both ends."""
        self._close_all(reset=True)

    def cut(self):
        """FIN to both ends."""
        self._close_all(reset=False)

    def freeze(self):
        """Nothing passes any more, but the kernels still acknowledge."""
        self._flowing.clear()

    def freeze_after(self, direction, count):
        """Freezes when `count` bytes in all have come this way; those still pass."""
        with self._lock:
            self._freeze_at = (direction, count)

    def frozen(self):
        return not self._flowing.is_set()

    def thaw(self):
        self._freeze_at = None
        self._flowing.set()

    def go_dark(self):
        """The link goes dead as if a cable were pulled: nothing is acknowledged, no RST, no FIN. For ever."""
        with self._lock:
            for link in self.links:
                for sock in (link.client, link.server):  # before the freeze: what it holds up would be acknowledged
                    try:
                        black_hole(sock)
                    except OSError:
                        pass  # it has ended already
            self.freeze()

    def close(self):
        self._flowing.set()
        self.listener.close()
        self._close_all(reset=True)

    # --- inside ---
    def _close_all(self, reset):
        with self._lock:
            links, self.links = self.links, []
        for link in links:
            link.close(reset)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                reset_on_close(client)
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(0.05)  # close() resets only once no thread waits inside the kernel
            link = Link(client, server, self.accepted)
            with self._lock:
                self.links.append(link)
            for source, sink, direction in ((client, server, "up"), (server, client, "down")):
                threading.Thread(target=self._pump, args=(link, source, sink, direction), daemon=True).start()

    def _pump(self, link, source, sink, direction):
        try:
            while True:
                try:
                    chunk = source.recv(CHUNK)
                except TimeoutError:
                    continue
                if not chunk:
                    break
                self._flowing.wait()
                if self.delay:
                    time.sleep(self.delay)
                self._send(sink, self._altered(chunk, direction, link))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            link.close(reset=True)

    @staticmethod
    def _send(sink, chunk):
        rest = memoryview(chunk)
        while rest:
            try:
                rest = rest[sink.send(rest):]
            except TimeoutError:
                continue

    def _altered(self, chunk, direction, link):
        with self._lock:
            if direction == "up" and len(link.head) < 4096:
                link.head += chunk
                # An attempt that ran out of time may have sent its banner alone.
                self.first_bytes = max(self.first_bytes, link.head, key=len)
            self.passed[direction] += len(chunk)
            if self._freeze_at and self._freeze_at[0] == direction and self.passed[direction] >= self._freeze_at[1]:
                self._flowing.clear()
            flip = self._flips[direction]
            if flip is None or link.number < flip[2]:
                return chunk
            if flip[0] >= len(chunk):
                flip[0] -= len(chunk)
                return chunk
            self._flips[direction] = None
            self.flipped += 1
            altered = bytearray(chunk)
            altered[flip[0]] ^= flip[1]
            return bytes(altered)
