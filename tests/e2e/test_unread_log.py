"""Whoever reads the daemon's stderr may stop reading, as a pager does: the daemon goes on."""
import fcntl
import os
import subprocess
import threading
import unittest

from fairlead_e2e import TunnelCase
from fairlead_e2e.daemon import Daemon

SMALLEST_PIPE = 4096


class PagedDaemon(Daemon):
    """Its stderr is a pipe that holds a page and is read only from read_on() on; then it lands in the log file."""

    def launch(self, command, environment):
        self.log_file.touch()
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        try:
            return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        finally:
            os.close(writer)

    def read_on(self):
        def copy():
            with os.fdopen(self.reader, "rb") as source, open(self.log_file, "ab") as log:
                while chunk := source.read1():
                    log.write(chunk)
                    log.flush()

        self.reading = threading.Thread(target=copy, daemon=True)
        self.reading.start()


class UnreadLog(TunnelCase):
    def setUp(self):
        super().setUp()
        self.forward = self.remote(self.service())
        self.line = PagedDaemon(self.path("daemon"), {"line": self.tunnel(self.sshd(), self.forward)})
        self.addCleanup(self.line.kill)

    def test_the_daemon_goes_on_and_the_lines_come_when_they_are_read(self):
        for _ in range(200):  # each leaves a line of more than a hundred bytes
            self.line.get("/v1/version")
        self.line.wait_for("connected")
        self.exchange(self.forward["remote"])
        self.line.read_on()
        self.line.stop()
        self.line.reading.join()
        events = [line["event"] for line in self.line.lines()]
        self.assertNotIn(None, events)  # whole lines
        self.assertGreaterEqual(events.count("http_request"), 200)
        self.assertEqual(events[-1], "daemon_stopped")

    def test_sigterm_ends_it_though_nobody_reads(self):
        for _ in range(200):
            self.line.get("/v1/version")
        self.line.stop()
        os.close(self.line.reader)


if __name__ == "__main__":
    unittest.main()
