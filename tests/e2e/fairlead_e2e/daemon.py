"""The daemon under test: its configuration, its control socket, its log, and the check at its end."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from .platform import FAIRLEAD, PATIENCE, children_of, until


class Control(http.client.HTTPConnection):
    """HTTP over the daemon's UNIX socket."""

    def __init__(self, path, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


MUCH = 2  # seconds that a stop, which takes a fraction of one, did not get; its deadline is at seven


class Starved:
    """How long a process, its threads and its children wait for a processor, and how late who looks comes himself."""

    PAUSE = 0.05  # seconds between two looks

    def __init__(self, pid):
        self.pids, self.waited, self.late = [pid, *children_of(pid)], {}, 0.0
        self.looked = time.monotonic()
        self.look()
        self.before = dict(self.waited)

    def look(self):
        now = time.monotonic()
        self.late += max(0, now - self.looked - self.PAUSE)
        self.looked = now
        for pid in self.pids:
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    path = f"/proc/{pid}/task/{thread}/schedstat"
                    self.waited[path] = int(pathlib.Path(path).read_text().split()[1]) / 1e9
            except (OSError, IndexError):
                pass  # it has ended, or this kernel does not tell

    def seconds(self):
        return max(self.late, sum(waited - self.before.get(path, 0) for path, waited in self.waited.items()))


class Daemon:
    """Starts at once and waits until its API answers. `tunnels` and `more` are the configuration, as Python values.

    `library_leaks`: the test goes where libssh2 itself loses memory, which is then not held against us; "deep" where
    it loses what another library allocated for it.
    """

    def __init__(self, folder, tunnels, more=None, binary=FAIRLEAD, library_leaks=False):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.log_file = self.folder / "log"
        self.library_leaks = library_leaks
        self.process = None
        self.settle(binary)
        self.write_config(tunnels, more)
        self.start()

    def settle(self, binary):
        """Where its files lie, what stands in its configuration of that, and how it is started."""
        self.config_file = self.folder / "fairlead.yaml"
        self.socket_path = str(self.folder / "run" / "control.sock")
        self.folders = {"state_dir": str(self.folder / "state"), "runtime_dir": str(self.folder / "run")}
        self.command = [binary, "daemon", "--config", str(self.config_file)]

    def write_config(self, tunnels, more=None):
        config = {"version": 1, "log": {"level": "debug", "format": "json"}, "tunnels": tunnels} | self.folders
        self.config_file.write_text(json.dumps(config | (more or {}), indent=1))  # JSON is YAML

    def start(self):
        environment = os.environ | {"HOME": str(self.folder)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):  # reports land in our folder, see check_end()
            environment[name] = environment.get(name, "") + f":log_path={self.folder}/sanitizer"
        if self.library_leaks:
            suppressions = self.folder / "leaks-of-libraries"
            suppressions.write_text("leak:libssh2.so\n")
            environment["LSAN_OPTIONS"] = f"suppressions={suppressions}:print_suppressions=0"
        if self.library_leaks == "deep":
            environment["ASAN_OPTIONS"] += ":fast_unwind_on_malloc=0"  # slow, but only so libssh2's frame is seen
        self.process = self.launch(self.command, environment)
        try:
            until(self._answers, lambda: "the daemon's API\n" + self.tail())
        except BaseException:
            self.kill()  # nobody has it yet who would
            raise

    def launch(self, command, environment):
        """A daemon with other limits, or another stderr, is one whose class launches it differently."""
        with open(self.log_file, "ab") as log:
            return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}\n{self.tail()}")
        try:
            return self.get("/v1/version")
        except OSError:
            return None

    @property
    def pid(self):
        return self.process.pid

    # --- API ---
    def request(self, method, path, body=None):
        """(status, decoded answer)"""
        control = Control(self.socket_path)
        try:
            control.request(method, path, json.dumps(body) if body is not None else None)
            answer = control.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            control.close()

    def get(self, path):
        status, answer = self.request("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {answer}")
        return answer

    def tunnel(self, name="line"):
        return self.get(f"/v1/tunnels/{name}")

    def post(self, action, name="line"):
        status, answer = self.request("POST", f"/v1/tunnels/{name}/{action}")
        if status != 200:
            raise AssertionError(f"{action} {name}: {status} {answer}")
        return answer

    def wait_for(self, state=None, name="line", seconds=PATIENCE, **fields):
        """Waits until the tunnel has this state and these top-level fields; returns it."""
        wanted = fields | ({"state": state} if state else {})
        seen = {}

        def met():  # the API answers before the hooks are loaded, and the tunnels begin after that
            status, answer = self.request("GET", f"/v1/tunnels/{name}")
            seen.update(answer)
            return status == 200 and all(seen[key] == value for key, value in wanted.items()) and seen

        return until(met, lambda: f"{wanted}; it is {json.dumps(seen)}\n{self.tail()}", seconds)

    # --- log: one line per thing that happened, so that no short-lived state is missed ---
    def lines(self, after=0):
        found = []
        for text in self.log_file.read_text(errors="replace").splitlines()[after:]:
            try:
                found.append(json.loads(text))
            except ValueError:
                found.append({"event": None, "text": text})
        return found

    def mark(self):
        """A place in the log, for `after`."""
        return len(self.log_file.read_text(errors="replace").splitlines())

    def transitions(self, after=0, name="line"):
        return [line for line in self.lines(after) if "from" in line and "to" in line and "reason" in line
                and line.get("tunnel") == name]

    def wait_transition(self, to, reason=None, after=0, name="line", seconds=PATIENCE):
        def met():
            for line in self.transitions(after, name):
                if line["to"] == to and reason in (None, line["reason"]):
                    return line
            return None

        return until(met, lambda: f"a transition to {to} by {reason}\n{self.tail()}", seconds)

    def wait_event(self, event, after=0, seconds=PATIENCE):
        return until(lambda: next((line for line in self.lines(after) if line.get("event") == event), None),
                     lambda: f"the log line {event}\n{self.tail()}", seconds)

    def tail(self, lines=30):
        """The end of the log without the questions that waiting asks."""
        told = [line for line in self.log_file.read_text(errors="replace").splitlines() if '"http_request"' not in line]
        return "".join(f"    | {line}\n" for line in told[-lines:])

    # --- resources ---
    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self):
        """Resident bytes."""
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def is_plain(self):
        """Built without sanitizers."""
        return "libasan" not in pathlib.Path(f"/proc/{self.pid}/maps").read_text()

    # --- end ---
    def stop(self):
        """SIGTERM, and everything that must hold at the end of any daemon."""
        if self.process is None:
            return
        process, self.process = self.process, None
        early = process.poll()
        if early is not None:
            raise AssertionError(f"the daemon ended by itself with {early}\n{self.reports()}{self.tail()}")
        starved = Starved(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            until(lambda: starved.look() or process.poll() is not None, "the daemon's end", pause=Starved.PAUSE)
        except AssertionError:
            process.kill()
            process.wait()
            raise AssertionError("the daemon did not end on SIGTERM\n" + self.tail()) from None
        self.check_end(process.returncode, starved.seconds())

    def reports(self):
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("sanitizer*")))

    def check_end(self, code, starved=0):
        """`starved`: for how long the machine gave the end no time; its deadline says nothing of the daemon then."""
        lines = self.lines()
        if starved >= MUCH and code == 1 and any(line.get("event") == "stop_deadline_passed" for line in lines):
            code, lines = 0, [line for line in lines if line.get("event") != "stop_deadline_passed"]
        problems = [] if code == 0 else [f"exit code {code}"]
        for line in lines:
            if line.get("event") in ("handles_left", "illegal_transition", "stop_deadline_passed"):
                problems.append(json.dumps(line))
            if "runtime error" in str(line.get("text", "")):
                problems.append(line["text"])
        if problems or self.reports():
            raise AssertionError("at its end the daemon had: " + "; ".join(problems) + f"\n{self.reports()}{self.tail()}")

    def kill(self):
        """For a test that has failed already."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
