"""A transfer that goes on beside a test: whatever else happens, its line must carry every byte."""
import os
import socket
import threading
import time

from .platform import PATIENCE, until


class Transfer:
    """Sends rounds of bytes through a line and compares what comes back, until it is told to end."""

    def __init__(self, port):
        self.port, self.rounds, self.fault = port, 0, None
        self._last, self._longest, self._gaps = time.monotonic(), 0.0, threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as sock:
                while not self._ending.is_set():
                    payload = os.urandom(50_000)  # less than the buffers on the way: nothing reads meanwhile
                    sock.sendall(payload)
                    if self._receive(sock, len(payload)) != payload:
                        raise AssertionError("other bytes came back")
                    self._note_round()
        except Exception as error:  # noqa: BLE001, told to the test by end()
            self.fault = error

    def _note_round(self):
        with self._gaps:
            self.rounds += 1
            now = time.monotonic()
            self._longest, self._last = max(self._longest, now - self._last), now

    def longest_gap(self):
        """Seconds between the ends of two rounds at most, since this was asked last; the round under way counts too."""
        with self._gaps:
            longest = max(self._longest, time.monotonic() - self._last)
            self._longest, self._last = 0.0, time.monotonic()
            return longest

    @staticmethod
    def _receive(sock, size):
        parts = bytearray()
        while len(parts) < size:
            chunk = sock.recv(size - len(parts))
            if not chunk:
                raise AssertionError("the stream ended early")
            parts += chunk
        return bytes(parts)

    def goes_on(self):
        """Whole rounds that began from now on have crossed."""
        seen = self.rounds
        until(lambda: self.fault or self.rounds >= seen + 2, "bytes to cross the line")
        self.end_if_broken()

    def end_if_broken(self):
        if self.fault:
            raise AssertionError(f"the line broke: {self.fault}")

    def end(self):
        self._ending.set()
        self._thread.join()
        self.end_if_broken()
