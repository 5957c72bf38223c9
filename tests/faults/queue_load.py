"""The load of scripts/faults queue: enqueuers that note what they sent and what they heard."""
import http.client
import json
import random
import threading
import time

from fairlead_e2e.daemon import Control

LOCKS = ("site:attic", "site:cellar", "node:nas", "node:pi", "job:sync")
PATIENCE = 8  # seconds for an answer; then it counts as lost


def ask(path, method, where, body=None):
    """(status, answer); None: no answer came."""
    line = Control(path, PATIENCE)
    try:
        line.request(method, where, json.dumps(body) if body is not None else None)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        line.close()


class Load:
    """`sockets`: of the daemons that take tasks. Runs from start() to stop()."""

    def __init__(self, sockets, seed, per_second, threads=3):
        self.sockets, self.records = sockets, []
        self._lock, self._calls = threading.Lock(), 0
        self._ids, self._ending = [], threading.Event()
        self.pause = threads / per_second
        self._threads = [threading.Thread(target=self._enqueue, args=(random.Random(seed * 1000 + one),), daemon=True)
                         for one in range(threads)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ending.set()
        for thread in self._threads:
            thread.join(60)

    def acknowledged(self):
        return len(self._ids)

    def _note(self, what, n=None, **values):
        with self._lock:
            if n is None:
                self._calls += 1
                n = self._calls
            self.records.append({"what": what, "n": n, "time": time.clock_gettime(time.CLOCK_BOOTTIME)} | values)
            return n

    def _enqueue(self, dice):
        while not self._ending.wait(self.pause * dice.uniform(0.5, 1.5)):
            what = dice.random()
            if what < 0.06 and self._ids:
                self._order(dice, "cancel", self._recent(dice))
            elif what < 0.08 and self._ids:
                self._order(dice, dice.choice(("requeue", "retry")), self._recent(dice))
            else:
                self._submit(dice)

    def _recent(self, dice):
        return dice.choice(self._ids[-30:])

    def _envelope(self, dice, token):
        work = {"token": token, "work": dice.choice((0, 0, 0.05, 0.2, 1.0)), "good_from": dice.choice((1, 1, 1, 1, 2, 9))}
        envelope = {"version": 1, "kind": "script", "priority": dice.choice((50, 100, 100, 200)), "timeout": "20s",
                    "max_attempts": dice.randint(2, 5), "payload": {"program": "effect", "input": work},
                    "locks": sorted(dice.sample(LOCKS, dice.choice((0, 0, 0, 1, 1, 2, 3))))}
        if self._ids and dice.random() < 0.1:
            envelope["depends_on"] = sorted({self._recent(dice) for _ in range(dice.randint(1, 2))})
        if dice.random() < 0.05:
            envelope["on_lease_loss"] = "continue"
        if dice.random() < 0.6:
            envelope["idempotency_key"] = f"key-{token}"
        return envelope

    def _submit(self, dice):
        with self._lock:
            self._calls += 1
            token = f"t{self._calls}"
        envelope = self._envelope(dice, token)
        if dice.random() < 0.02:
            envelope["prioritaet"] = 1  # refused
        while True:
            n = self._note("sent", token=token, envelope=envelope)
            answer = ask(dice.choice(self.sockets), "POST", "/v1/tasks", envelope)
            if answer is None or answer[0] >= 500:
                self._note("answered", n, answer="unknown", status=answer and answer[0])
            elif answer[0] in (200, 201):
                self._note("answered", n, answer="acknowledged", id=answer[1]["id"], existed=answer[0] == 200)
                self._ids.append(answer[1]["id"])
            else:
                self._note("answered", n, answer="refused", code=answer[1].get("code"), status=answer[0])
            lost = answer is None or answer[0] >= 500
            again = "idempotency_key" in envelope and (lost or dice.random() < 0.05)
            if not again or self._ending.wait(self.pause if not lost else 0.3):
                return

    def _order(self, dice, order, number):
        n = self._note("ordered", id=number, order=order)
        answer = ask(dice.choice(self.sockets), "POST", f"/v1/tasks/{number}/{order}")
        if answer is None or answer[0] >= 500:
            self._note("order_answered", n, answer="unknown")
        elif answer[0] in (200, 201):
            self._note("order_answered", n, answer="acknowledged", id=answer[1]["id"], state=answer[1]["state"],
                       requested=answer[1]["requested"])
        else:
            self._note("order_answered", n, answer="refused", code=answer[1].get("code"))
