"""`fairlead` as somebody runs it at a prompt: what it has said so far, on pipes or on a terminal, and how it ended."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from .platform import FAIRLEAD, PATIENCE, until

HOME, CLEAR_REST = "\x1b[H", "\x1b[J"  # how a picture of a live view begins and ends
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


class Command:
    """Starts at once and gathers what it says."""

    def __init__(self, arguments):
        self._said, self._readers = {}, []
        # Who starts the tests in the background has SIGINT ignored; at a prompt it is not.
        self.process = self._start(["env", "--default-signal=INT", FAIRLEAD, *arguments], self._environment())

    @staticmethod
    def _environment():
        return {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}

    def _start(self, command, environment):
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self._gather("out", process.stdout.fileno())
        self._gather("err", process.stderr.fileno())
        return process

    def _gather(self, stream, descriptor):
        self._said[stream] = b""
        self._readers.append(threading.Thread(target=self._read, args=(stream, descriptor), daemon=True))
        self._readers[-1].start()

    def _read(self, stream, descriptor):
        try:
            while chunk := os.read(descriptor, 65536):
                self._said[stream] += chunk
        except OSError:
            pass  # nobody holds the terminal's other end any more

    @property
    def out(self):
        return self._said["out"].decode(errors="replace")

    @property
    def err(self):
        return self._said["err"].decode(errors="replace")

    def told(self):
        return f"exit code {self.process.poll()}, and said:\n" + self.out[-3000:] + self.err[-3000:]

    def wait_until(self, condition, what):
        """What it says while it runs; it must not end before that."""
        def met():
            ended = self.process.poll() is not None
            found = condition()
            if ended and not found:
                self.wait()  # its last words may have been on the way
                found = condition()
                if not found:
                    raise AssertionError(f"it ended before {what}: {self.told()}")
            return found
        return until(met, lambda: f"{what}: {self.told()}")

    def interrupt(self):
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        """The exit code; all that was said has been read then."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("the command did not end: " + self.told()) from None
        self._ended()
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def _ended(self):
        pass

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class AtTerminal(Command):
    """The same on a terminal of its own: stdin, stdout (which is `out`) and stderr."""

    def _start(self, command, environment):
        self._keyboard, self._screen = pty.openpty()
        self.resize(100, 24)
        self._modes = termios.tcgetattr(self._screen)
        process = subprocess.Popen(["setsid", "--ctty", *command], env=environment, stdin=self._screen,
                                   stdout=self._screen, stderr=self._screen)
        self._gather("out", self._keyboard)
        self._said["err"] = b""
        return process

    def pictures(self):
        """The whole pictures of a live view, without colours, oldest first."""
        parts = [part.split(CLEAR_REST)[0] for part in self.out.split(HOME)[1:] if CLEAR_REST in part]
        return [_COLOR.sub("", part).replace("\x1b[K", "").replace("\r\n", "\n") for part in parts]

    def wait_for_picture(self, text, after=0):
        """The first that has this text, of those drawn after the first `after` pictures."""
        return self.wait_until(lambda: next((picture for picture in self.pictures()[after:] if text in picture), None),
                               f"a picture with `{text}`")

    def resize(self, columns, rows):
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def interrupt(self):
        os.write(self._keyboard, b"\x03")
        return self.wait()

    def _ended(self):
        if self._screen is not None:
            self.modes_are_kept = termios.tcgetattr(self._screen) == self._modes
            os.close(self._screen)  # the reader comes to the end
            self._screen = None

    def close(self):
        super().close()
        os.close(self._keyboard)
