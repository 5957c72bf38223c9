"""The base of tests with tasks: a daemon that is control and worker in one, and programs whose effects can be counted."""
import hashlib
import json
import os
import stat

from .case import TunnelCase
from .platform import until

# Keeps a ledger: who ran, under which epoch, from when to when.
LEDGER = """#!/bin/sh
printf '%s %s begin\\n' "$FAIRLEAD_TASK_ID" "$FAIRLEAD_EPOCH" >>{ledger}
{body}
printf '%s %s end\\n' "$FAIRLEAD_TASK_ID" "$FAIRLEAD_EPOCH" >>{ledger}
"""
FINAL = ("done", "failed", "cancelled")


class TaskCase(TunnelCase):
    def program(self, text, name="program"):
        """(path, SHA-256) of an executable with this text."""
        path = self.path(name)
        path.write_text(text)
        path.chmod(stat.S_IRWXU)
        return path, hashlib.sha256(text.encode()).hexdigest()

    def ledger_program(self, body=":"):
        """A program that notes its begin and end; `self.ledger()` reads the notes."""
        self.ledger_file = self.path("ledger")
        self.ledger_file.touch()
        return self.program(LEDGER.format(ledger=self.ledger_file, body=body))

    def ledger(self):
        return [tuple(line.split()) for line in self.ledger_file.read_text().splitlines()]

    def gated_program(self):
        """The same, and it is at work until `self.gate` is there."""
        self.gate = self.path("gate")
        return self.ledger_program(f"until [ -e {self.gate} ]; do sleep 0.1; done")

    def store(self):
        """What stands in the configuration about the store; other backends override it."""
        return {}

    def settings(self, programs=None, **worker):
        """The configuration of a daemon that works; `programs`: name to (path, hash), or to a whole entry."""
        scripts = {}
        for name, entry in (programs or {}).items():
            path, digest = entry[:2]
            scripts[name] = {"path": str(path), "sha256": digest, "writable": [str(self.folder)]}
            scripts[name] |= entry[2] if len(entry) > 2 else {}
        executors = {"noop": {}, "sleep": {}} | ({"script": {"programs": scripts}} if scripts else {})
        offer = {"name": "here", "site": "attic", "node": "nas", "concurrency": 4, "lease": "15s", "stop_deadline": "1s"}
        return self.store() | {"worker": offer | worker, "executors": executors}

    def working(self, programs=None, more=None, **worker):
        daemon = self.daemon({}, self.settings(programs, **worker) | (more or {}))
        self.wait_until_live(daemon)
        return daemon

    def wait_until_live(self, daemon):
        def met():  # the API answers before the store is open
            status, answer = daemon.request("GET", "/v1/workers")
            return status == 200 and any(worker["state"] == "online" for worker in answer["workers"])

        until(met, lambda: "the worker to be registered\n" + daemon.tail())

    def add(self, daemon, kind="noop", payload=None, status=201, **fields):
        """The id of the new task; of a refusal the answer."""
        envelope = {"version": 1, "kind": kind} | ({} if payload is None else {"payload": payload}) | fields
        got, answer = daemon.request("POST", "/v1/tasks", envelope)
        self.assertEqual(got, status, answer)
        return answer["id"] if got in (200, 201) else answer

    def script(self, daemon, program, **fields):
        payload = {"program": program} | {key: fields.pop(key) for key in ("args", "input") if key in fields}
        return self.add(daemon, "script", payload, **fields)

    def task(self, daemon, number):
        """Waits for a store that is not open yet."""
        def met():
            status, answer = daemon.request("GET", f"/v1/tasks/{number}")
            self.assertIn(status, (200, 503), answer)
            return status == 200 and answer

        return until(met, lambda: "the store\n" + daemon.tail())

    def wait_for_task(self, daemon, number, *states):
        seen = {}

        def met():
            seen.update(self.task(daemon, number))
            return seen["state"] in (states or FINAL) and seen

        return until(met, lambda: f"task {number} to be {states or FINAL}: {json.dumps(seen)}\n{daemon.tail()}")

    def order(self, daemon, number, verb, status=200):
        got, answer = daemon.request("POST", f"/v1/tasks/{number}/{verb}")
        self.assertEqual(got, status, answer)
        return answer

    def events_of(self, task):
        return [entry["event"] for entry in task["timeline"]]

    def wait_for_file(self, path):
        until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, f"something in {path}")
