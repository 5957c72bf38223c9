"""Records of a queue that does everything right, made up at random: what the history checker must find nothing wrong with,
and what its seeded bugs are planted in. Workers claim, finish, fail, hand back, get lost; submissions are repeated because
their answer was lost; tasks wait for locks and for each other, are cancelled, and reports come late."""
import json
import random

WALL = 1_700_000_000.0
WORKERS = ("anna", "bert", "carl")
LOCKS = ("site:attic", "site:cellar", "node:nas")


class Maker:
    choose = staticmethod(min)  # of what is ready: (priority, id)

    def __init__(self, seed, tasks=40):
        self.dice, self.wanted = random.Random(seed), tasks
        self.records = [{"what": "run", "backend": "made up", "settled": True, "one_clock": True}]
        self.rows, self.seq, self.calls, self.now = {}, 0, 0, 100.0
        self.begun = set()     # (task, epoch) of programs
        self.left_behind = []  # (task, epoch) of claims that were lost: a late report may come
        while len(self.rows) < tasks or any(row["state"] in ("queued", "claimed", "running") for row in self.rows.values()):
            self._step()
        for number, epoch in self.left_behind:
            self._note(number, "late_report", epoch, "worker:anna")

    # --- what is written
    def _write(self, number, *entries, **values):
        """One change of a row, with what it appends to the timeline: (event, to, actor)."""
        old = self.rows.get(number)
        row = {"timeline": ""} | (old or {}) | values
        state, epoch, texts = (old["state"] if old else ""), (old["epoch"] if old else 0), []
        for event, after, actor in entries:
            grows = event in ("claimed", "retry", "handed_back", "worker_lost", "poisoned", "cancelled")
            epoch += grows
            worker = actor.removeprefix("worker:") if actor.startswith("worker:") else ""
            texts.append(json.dumps([event, self._ms(), state, after, epoch, actor, worker, ""]) + "\n")
            state = after
        row |= {"state": state, "epoch": epoch, "timeline": row["timeline"] + "".join(texts)}
        is_final = state in ("done", "failed", "cancelled")
        ends = is_final and (old is None or old["state"] != state)
        if ends or state == "queued":
            row |= {"owner": None, "incarnation": None, "stop": None}
        lease = {"live": True, "left": 20000}
        if any(event in ("worker_lost", "poisoned") for event, _, _ in entries):
            lease = {"live": False, "left": -1}
        if ends:
            self._row("delete", "tasks", number, None, lease)
            self._row("insert", "history", number, row, lease)
        else:
            self._row("update" if old else "insert", "history" if is_final else "tasks", number, row, lease)
        self.rows[number] = row

    def _row(self, operation, table, number, row, lease):
        self.seq += 1
        self.records.append({"what": "row", "seq": self.seq, "op": operation, "table": table, "id": number,
                             "new": dict(row) if row else None, "lease": lease})

    def _note(self, number, kind, epoch, actor, **values):
        line = json.dumps([kind, self._ms(), epoch, actor, "", ""]) + "\n"
        self._write(number, timeline=self.rows[number]["timeline"] + line, **values)

    def _ms(self):
        return int((WALL + self.now) * 1000)

    def _effect(self, number, step):
        row = self.rows[number]
        self.now += 0.01
        self.records.append({"what": "effect", "id": number, "epoch": row["epoch"], "attempt": row["attempt"], "step": step,
                             "token": json.loads(row["payload"])["input"]["token"], "time": self.now, "wall": WALL + self.now})

    # --- what happens
    def _step(self):
        self.now += self.dice.uniform(0.05, 0.5)
        owned = [number for number, row in self.rows.items() if row["state"] in ("claimed", "running")]
        queued = [number for number, row in self.rows.items() if row["state"] == "queued"]
        choices = [(self._claim, 8)]
        if len(self.rows) < self.wanted:
            choices.append((self._submit, 6))
        if owned:
            choices += [(lambda: self._go_on(self.dice.choice(owned)), 10), (self._lose_worker, 0.3),
                        (lambda: self._ask_cancel(self.dice.choice(owned)), 0.3)]
        if queued:
            choices.append((lambda: self._cancel(self.dice.choice(queued)), 0.2))
        actions, weights = zip(*choices)
        self.dice.choices(actions, weights)[0]()
        for number, row in sorted(self.rows.items()):
            if row["state"] == "queued":
                self._settle(number)

    def _call(self, kind, **values):
        self.calls += 1
        self.records.append({"what": kind, "n": self.calls, "time": self.now} | values)
        return self.calls

    def _answer(self, kind, n, **values):
        self.records.append({"what": kind, "n": n, "time": self.now} | values)

    def _submit(self):
        number, token = len(self.rows) + 1, f"t{self.calls + 1}"
        envelope = {"kind": "script", "priority": self.dice.choice((50, 100, 200)), "max_attempts": self.dice.randint(2, 4),
                    "locks": sorted(self.dice.sample(LOCKS, self.dice.choice((0, 0, 1, 2)))),
                    "payload": {"program": "effect", "input": {"token": token}}}
        if self.rows and self.dice.random() < 0.2:
            envelope["depends_on"] = [self.dice.choice(sorted(self.rows))]
        if self.dice.random() < 0.4:
            envelope["idempotency_key"] = f"key-{token}"
        n = self._call("sent", token=token, envelope=envelope)
        if self.dice.random() < 0.1:
            return self._answer("answered", n, answer="refused", code="bad_request")
        before = envelope.get("depends_on", [])
        values = {name: envelope[name] for name in ("kind", "priority", "max_attempts")}
        self._write(number, ("submitted", "queued", "anna"), id=number, route="script@", waits_for="nothing", attempt=0,
                    lost_workers=0, locks=" ".join(envelope["locks"]), depends_on=" ".join(map(str, before)), retry_of=0,
                    idempotency_key=envelope.get("idempotency_key", ""), payload=json.dumps(envelope["payload"]), result="",
                    error_code="", owner=None, incarnation=None, own_end=None, stop=None, **values)
        if self.dice.random() < 0.2:
            self._answer("answered", n, answer="unknown")
            if not envelope.get("idempotency_key"):
                return None
            n = self._call("sent", token=token, envelope=envelope)
            return self._answer("answered", n, answer="acknowledged", id=number, existed=True)
        return self._answer("answered", n, answer="acknowledged", id=number, existed=False)

    def _settle(self, number):
        """What a queued task waits for now; where a task before it has failed, its end."""
        row = self.rows[number]
        states = [self.rows[int(one)]["state"] for one in row["depends_on"].split()]
        if any(state in ("failed", "cancelled") for state in states):
            return self._write(number, ("dependency_failed", "failed", "fairlead"), waits_for=None, error_code="dependency")
        owned = [other for other in self.rows.values() if other["state"] in ("claimed", "running")]
        held = {key for other in owned for key in other["locks"].split()}
        waits = "nothing"
        if any(state != "done" for state in states):
            waits = "dependency"
        elif held & set(row["locks"].split()):
            waits = "lock"
        if row["waits_for"] != waits:
            self._write(number, waits_for=waits)
        return None

    def _claim(self):
        ready = [(row["priority"], number) for number, row in self.rows.items()
                 if row["state"] == "queued" and row["waits_for"] == "nothing"]
        if not ready:
            return
        number, worker = self.choose(ready)[1], self.dice.choice(WORKERS)
        self._write(number, ("claimed", "claimed", f"worker:{worker}"), owner=worker, incarnation=1, waits_for=None, stop=None,
                    attempt=self.rows[number]["attempt"] + 1)

    def _go_on(self, number):
        row, worker = self.rows[number], "worker:" + self.rows[number]["owner"]
        if (number, row["epoch"]) not in self.begun:
            self.begun.add((number, row["epoch"]))
            self._effect(number, "begin")
            if self.dice.random() < 0.5:
                self._write(number, ("started", "running", worker))
            return
        started = [] if row["state"] == "running" else [("started", "running", worker)]
        fate = self.dice.random()
        if row["stop"] == "cancel":
            self._write(number, *started, ("cancelled", "cancelled", worker), error_code="cancelled")
        elif fate < 0.1:
            self._write(number, *started, ("handed_back", "queued", worker), attempt=row["attempt"] - 1)
        else:
            self._effect(number, "end")
            if fate < 0.7:
                self._write(number, *started, ("succeeded", "done", worker), result="{}")
            elif row["attempt"] < row["max_attempts"]:
                self._write(number, *started, ("retry", "queued", worker), error_code="runtime")
            else:
                self._write(number, *started, ("gave_up", "failed", worker), error_code="runtime", result="{}")

    def _lose_worker(self):
        worker = self.dice.choice(WORKERS)
        for number, row in sorted(self.rows.items()):
            if row["owner"] != worker:
                continue
            self.left_behind.append((number, row["epoch"]))
            if row["stop"] == "cancel":
                self._write(number, ("cancelled", "cancelled", "fairlead"), error_code="cancelled")
            elif row["lost_workers"] >= 1:
                self._write(number, ("poisoned", "failed", "fairlead"), error_code="poison")
            elif row["attempt"] >= row["max_attempts"]:
                self._write(number, ("gave_up", "failed", "fairlead"), error_code="lost_worker")
            else:
                self._write(number, ("worker_lost", "queued", "fairlead"), lost_workers=1)

    def _cancel(self, number):
        n = self._call("ordered", id=number, order="cancel")
        self._write(number, ("cancelled", "cancelled", "olga"), waits_for=None, error_code="cancelled")
        self._answer("order_answered", n, answer="acknowledged", id=number, state="cancelled", requested=False)

    def _ask_cancel(self, number):
        n = self._call("ordered", id=number, order="cancel")
        self._note(number, "cancel_requested", self.rows[number]["epoch"], "olga", stop="cancel")
        self._answer("order_answered", n, answer="acknowledged", id=number, state=self.rows[number]["state"], requested=True)


def make(seed, tasks=40):
    return Maker(seed, tasks).records
