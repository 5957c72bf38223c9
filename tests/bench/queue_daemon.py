"""fairlead as it is run: one daemon is control and worker; tasks come over the HTTP API of its control socket."""
import bisect
import datetime
import hashlib
import http.client
import itertools
import json
import pathlib
import select
import random
import socket
import time

import processes
import scene as scenes
from queue_peers import BATCH, Queue
from queue_scene import PATIENCE

CONCURRENCY = 256  # of its worker: the most that it takes
TRUE = "/bin/true"
NOOP = {"version": 1, "kind": "noop"}


class Line:
    """One kept connection to a control socket."""

    def __init__(self, path):
        self.path, self.connection = path, None

    def once(self, method, target, body=None):
        # The daemon closes what is idle; a question on such a connection was not read.
        if self.connection is not None and select.select([self.connection.sock], [], [], 0)[0]:
            self.close()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
            self.connection.sock = socket.socket(socket.AF_UNIX)
            self.connection.sock.connect(str(self.path))
        self.connection.request(method, target, body, {"Content-Type": "application/json"} if body else {})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ask(self, method, target, body=None):
        status, text = self.once(method, target, body)
        if status >= 300:
            raise scenes.Trouble(f"{method} {target}: {status} {text[:1000]}")
        return json.loads(text)

    def answers(self):
        try:
            return self.once("GET", "/v1/tasks?limit=1")[0] == 200
        except (OSError, http.client.HTTPException):
            self.close()
            return False

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class TaskEvents:
    """GET /v1/tasks/ID/events on a connection that is open already, so that asking costs one write."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))

    def when_claimed(self, submitted):
        """CLOCK_MONOTONIC when the news came that a worker has it."""
        target = f"/v1/tasks/{submitted['id']}/events?last_event_id={submitted['last_event_id']}"
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        seen = b""
        while b'"claimed"' not in seen:
            data = self.socket.recv(1 << 16)
            if not data:
                raise scenes.Trouble(f"the events of a task ended: {seen[-1000:]}")
            seen += data
        return time.monotonic()

    def close(self):
        self.socket.close()


class Daemon(Queue):
    numbers = itertools.count(1)

    def __init__(self, scene, server, database):
        self.scene, self.server, self.database = scene, server, database if server else None
        self.name = "fairlead" if server else "fairlead, SQLite"
        self.home = self.process = self.line = None
        self.ready = []  # ids of what the worker may take, in order, not known to be done
        self.idle_cpu = 0.0  # of a start without any work

    # -- the process

    def fresh(self):
        self.close()
        if self.server:
            self.server.create(self.database)
        self.home = self.scene.folder / f"fairlead-{next(self.numbers)}"
        self.home.mkdir()
        self.ready = []
        self.start({"noop": {}})
        self.idle_cpu = self.cpu_seconds()
        self.start()

    def write_config(self, executors):
        config = {"version": 1, "state_dir": str(self.home / "state"), "runtime_dir": str(self.home / "run"), "tunnels": {}}
        if self.server:
            config["store"] = self.server.url(self.database)
        if executors:
            config |= {"executors": executors, "worker": {"name": "bench", "concurrency": CONCURRENCY}}
        path = self.home / "fairlead.yaml"
        path.write_text(json.dumps(config))
        return path

    def start(self, executors=None):
        """Without executors it only accepts tasks."""
        self.stop()
        self.process = self.scene.start(self.home.name, [scenes.FAIRLEAD, "daemon", "--config", self.write_config(executors)])
        self.line = Line(self.home / "run" / "control.sock")
        self.wait_for(self.line.answers, "it to come up")
        if executors:
            self.wait_for(self.registered_at, "its worker")

    def wait_for(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise scenes.Trouble(f"{self.name}: waited for {what}\n{self.process.log.read_text()[-3000:]}")
            time.sleep(0.01)

    def stop(self):
        if self.line:
            self.line.close()
        if self.process:
            self.scene.stop([self.process], patience=60)
        self.process = self.line = None

    def close(self):
        self.stop()

    def pids(self):
        return processes.tree([self.process.pid])

    def cpu_seconds(self):
        return processes.cpu_seconds(self.pids())

    # -- adding

    def add_single(self, count):
        body = json.dumps(NOOP)
        began = time.monotonic()
        self.ready += [self.line.ask("POST", "/v1/tasks", body)["id"] for _ in range(count)]
        return count / (time.monotonic() - began)

    def add_batched(self, count, kind="noop", delay_s=0, first=False):
        task = NOOP | {"capability": kind, "priority": 10 if first else 100}
        if delay_s:
            task["run_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + delay_s))
        ids, rate = self.post(task, count)
        if kind == "noop" and not delay_s:
            self.ready += ids
        return rate

    def post(self, task, count):
        bodies = [json.dumps([task] * min(BATCH, count - done)) for done in range(0, count, BATCH)]
        began = time.monotonic()
        answers = [self.line.once("POST", "/v1/tasks", body) for body in bodies]
        took = time.monotonic() - began
        ids = []
        for status, text in answers:
            if status != 200 or json.loads(text)["refused"]:
                raise scenes.Trouble(f"{self.name}: POST /v1/tasks: {status} {text[:1000]}")
            ids += [task["id"] for task in json.loads(text)["tasks"]]
        return ids, count / took

    # -- working

    def drain(self, count):
        return self.work({"noop": {}}, count)

    def work(self, executors, count):
        """Starts a daemon that works, until `count` tasks are done. From the registration of its worker to the end of the last
        task, both by the store's clock."""
        last = self.ready[count - 1]
        self.start(executors)
        self.wait_for(lambda: self.is_final(last), f"task {last}")
        used = self.cpu_seconds() - self.idle_cpu
        began, ended = self.registered_at(), self.ended_at(last)
        self.start()
        self.ready = self.ready[bisect.bisect_left(self.ready, True, key=lambda task: not self.is_final(task)):]
        return count / (ended - began), used

    def is_final(self, task):
        found = self.line.ask("GET", f"/v1/tasks/{task}")
        return found.get("task", found)["state"] in ("done", "failed", "cancelled")

    def registered_at(self):
        workers = self.line.ask("GET", "/v1/workers")["workers"]
        return next((moment(worker["registered_at"]) for worker in workers if worker["name"] == "bench"), None)

    def ended_at(self, last):
        """Of the last to end: some of the tasks before `last` may have ended after it."""
        answer = self.line.ask("GET", f"/v1/tasks?state=done,failed&limit=1000&before={last + 1}")
        if bad := [task for task in answer["tasks"] if task["state"] != "done"]:
            raise scenes.Trouble(f"{self.name}: a task has failed: {bad[0]}")
        return max(moment(task["finished_at"]) for task in answer["tasks"])

    def latencies(self, count, gap_ms):
        """To the news of the claim on the task's stream of events: two requests over HTTP are in it."""
        self.start({"noop": {}})
        found, body = [], json.dumps(NOOP)
        for _ in range(count):
            events = TaskEvents(self.home / "run" / "control.sock")
            time.sleep(gap_ms / 1000 * random.uniform(0.5, 1.5))
            began = time.monotonic()
            submitted = self.line.ask("POST", "/v1/tasks", body)
            found.append((events.when_claimed(submitted) - began) * 1000)
            events.close()
        self.start()
        return found

    def true_rate(self, count):
        """Tasks a second that run /bin/true."""
        digest = hashlib.sha256(pathlib.Path(TRUE).read_bytes()).hexdigest()
        self.ready, _ = self.post({"version": 1, "kind": "script", "payload": {"program": "true"}}, count)
        program = {"path": str(pathlib.Path(TRUE).resolve()), "sha256": digest}
        return self.work({"script": {"programs": {"true": program}}}, count)[0]

    def start_idle(self):
        self.start({"noop": {}})
        return self.pids()

    def stop_idle(self):
        self.start()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
