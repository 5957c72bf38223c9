"""Judges what a queue has done, by what was recorded outside the daemon: python3 history.py RECORD… [--json]

A record is a file of JSON lines, in any order; several are read as one. Each line is an object, and `what` says of which kind:

  run             backend; settled: everything had time to end; one_clock: nobody stepped a clock, so the wall clocks of
                  effects and rows can be compared; forgets: the history may drop finished tasks
  sent            an enqueuer submits: n (of the call), token (of the piece of work: a call that repeats another because its
                  answer was lost has its token), envelope
  answered        n, answer: acknowledged (id, existed), refused (code), or unknown: it was lost
  ordered         n, id, order: cancel, retry, requeue
  order_answered  n, answer; of an acknowledged one: id, state, requested
  row             a database trigger, inside the transaction: seq, op (insert, update, delete), table (tasks, history), id, new
                  (the row as an object; null after a delete), lease ({live, left} of the incarnation that owned the task
                  before the change, or claims it; null: not known)
  effect          the task's own program: id, epoch, attempt, token, step (begin, alive, end), time (seconds of
                  CLOCK_BOOTTIME), wall (seconds since 1970)
  fault, over     somebody begins to break something, and has ended; for who reads the record

Exit code 0: no rule is broken; 1: one is; 2: the record cannot be read. The rules are in history_rules.py.
"""
import argparse
import dataclasses
import functools
import json
import pathlib
import re
import sys
import typing

STATES_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "states" / "task.md"
FINAL, OWNED = ("done", "failed", "cancelled"), ("claimed", "running")
FOR_READERS = ("fault", "over")
NOTES = ("late_report", "cancel_requested", "requeue_requested")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of a timeline: a transition, or a note (then only the first four fields)."""

    event: str
    actor: str
    worker: str
    epoch: int
    time: int = 0
    before: str = ""
    after: str = ""


@functools.lru_cache(maxsize=1 << 16)
def parse_entry(line):
    """A line of a timeline, whichever backend wrote it: the first number is the time and the second the epoch; the texts are
    event, from, to, actor, worker, detail, or of a note kind, actor, worker, detail."""
    values = json.loads(line)
    time, epoch = [value for value in values if isinstance(value, int)]
    texts = [value or "" for value in values if value is None or isinstance(value, str)]
    if texts[0] in NOTES:
        return Entry(texts[0], texts[1], texts[2], epoch, time)
    return Entry(texts[0], texts[3], texts[4], epoch, time, texts[1], texts[2])


def parse_timeline(text):
    return [parse_entry(line) for line in (text or "").splitlines()]


class Row:
    """A task's row as it stood after one change."""

    def __init__(self, values, table):
        self.values, self.table = values, table
        self.timeline = parse_timeline(values.get("timeline"))

    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def is_final(self):
        return self.state in FINAL

    @property
    def is_owned(self):
        return self.state in OWNED

    def words(self, column):
        value = self.values.get(column) or []
        return value.split() if isinstance(value, str) else [str(one) for one in value]

    @property
    def token(self):
        payload = self.values.get("payload")
        payload = json.loads(payload) if isinstance(payload, str) else payload or {}
        return (payload.get("input") or {}).get("token")


@dataclasses.dataclass
class Change:
    """One write of a task's row. Nothing in `old`: it was not there; nothing in `new`: it is gone."""

    seq: int
    old: typing.Optional[Row]
    new: typing.Optional[Row]
    lease: typing.Optional[dict]

    def added(self):
        """What this write has put at the end of the timeline; None: it changed what was there before."""
        before = self.old.timeline if self.old else []
        if self.new.timeline[:len(before)] != before:
            return None
        return self.new.timeline[len(before):]

    def transitions(self):
        return [entry for entry in self.added() or [] if entry.event not in NOTES]

    def notes(self):
        return [entry for entry in self.added() or [] if entry.event in NOTES]


@dataclasses.dataclass
class Effect:
    """What the program of one (task, epoch) left behind."""

    epoch: int
    attempt: int
    token: int
    begins: list = dataclasses.field(default_factory=list)  # CLOCK_BOOTTIME
    ends: list = dataclasses.field(default_factory=list)
    last: float = 0.0  # when it was last seen at work: it may have been killed right after
    wall_begin: float = 0.0
    wall_end: float = 0.0


class Task:
    def __init__(self, number):
        self.id, self.changes, self.effects = number, [], {}

    @property
    def last(self):
        return self.changes[-1].new if self.changes else None


class History:
    """Everything that was recorded, in order, by task."""

    def __init__(self, records):
        self.run, self.sent, self.answers, self.orders, self.order_answers = {}, {}, {}, {}, {}
        self.tasks, rows, effects = {}, [], []
        places = {"sent": self.sent, "answered": self.answers, "ordered": self.orders, "order_answered": self.order_answers}
        for record in records:
            kind = record["what"]
            if kind == "run":
                self.run |= record
            elif kind == "row":
                rows.append(record)
            elif kind == "effect":
                effects.append(record)
            elif kind in places:
                places[kind][record["n"]] = record
            elif kind not in FOR_READERS:
                raise ValueError(f"no kind of record: {kind}")
        self.changes = []
        for number, own in _by_task(rows):
            self.task(number).changes = list(_changes(own))
            self.changes += [(change, self.task(number)) for change in self.task(number).changes]
        self.changes.sort(key=lambda pair: pair[0].seq)
        for record in sorted(effects, key=lambda one: one["time"]):
            self._note_effect(record)

    def task(self, number):
        return self.tasks.setdefault(number, Task(number))

    def _note_effect(self, record):
        epochs = self.task(record["id"]).effects
        effect = epochs.setdefault(record["epoch"], Effect(record["epoch"], record["attempt"], record.get("token")))
        effect.last = max(effect.last, record["time"])
        if record["step"] == "begin":
            effect.begins.append(record["time"])
            effect.wall_begin = record.get("wall", 0.0)
        elif record["step"] == "end":
            effect.ends.append(record["time"])
            effect.wall_end = record.get("wall", 0.0)

    def acknowledged(self):
        """(what was sent, its answer) of each submission that was taken."""
        return [(self.sent[n], answer) for n, answer in self.answers.items() if answer["answer"] == "acknowledged"]


def _by_task(rows):
    found = {}
    for row in sorted(rows, key=lambda one: one["seq"]):
        found.setdefault(row["id"], []).append(row)
    return found.items()


def _changes(rows):
    """A task that ends leaves `tasks` and comes into `history` in two rows that follow each other, in either order."""
    standing, at = {}, 0
    while at < len(rows):
        row, after = rows[at], rows[at + 1] if at + 1 < len(rows) else None
        new = Row(row["new"], row["table"]) if row["new"] is not None else None
        old = standing.get(row["table"])
        if after and row["table"] != after["table"] and {row["op"], after["op"]} == {"insert", "delete"}:
            leaves, comes = (row, after) if row["op"] == "delete" else (after, row)
            old, new = standing.pop(leaves["table"], None), Row(comes["new"], comes["table"])
            standing[comes["table"]] = new
            yield Change(after["seq"], old, new, leaves.get("lease") or comes.get("lease"))
            at += 2
            continue
        standing[row["table"]] = new
        yield Change(row["seq"], old, new, row.get("lease"))
        at += 1


def legal_transitions(page=STATES_PAGE):
    """{(from, event): (to, whether the epoch grows)} of the table in docs/states/task.md."""
    table = page.read_text().split("<!-- transitions -->")[1].split("<!-- /transitions -->")[0]
    rows = re.findall(r"^\| *(\w*) *\| *(\w+) *\| *(\w+) *\| *(yes|no) *\|$", table, re.MULTILINE)
    return {(before, event): (after, grows == "yes") for before, event, after, grows in rows}


@dataclasses.dataclass(frozen=True)
class Violation:
    rule: str
    task: typing.Optional[int]
    text: str
    seq: int = 0

    def __str__(self):
        return f"{self.rule}: " + (f"task {self.task}: " if self.task else "") + self.text


def read(paths):
    records = []
    for path in paths:
        for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
            try:
                records.append(json.loads(line))
                if "what" not in records[-1]:
                    raise ValueError("no `what`")
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from None
    return records


def judge(records):
    """The findings as a JSON document; `violations` is empty when all is well."""
    import history_rules  # it needs what is above

    history = History(records)
    violations, decided = history_rules.judge(history)
    states = {}
    for task in history.tasks.values():
        state = task.last.state if task.last else "unknown"
        states[state] = states.get(state, 0) + 1
    answers = [answer["answer"] for answer in history.answers.values()]
    return {
        "schema": "fairlead.history/1", "run": history.run, "submissions": len(history.sent),
        "answers": {word: answers.count(word) for word in ("acknowledged", "refused", "unknown")},
        "tasks": len(history.tasks), "states": states, "changes": len(history.changes),
        "effects": sum(len(effect.begins) for task in history.tasks.values() for effect in task.effects.values()),
        "late_reports": sum(note.event == "late_report" for change, _ in history.changes if change.new
                            for note in change.notes()),
        "decided": decided, "violations": [dataclasses.asdict(one) | {"message": str(one)} for one in violations],
    }


def report(findings):
    """The same for people."""
    counted = ", ".join(f"{count} {word}" for word, count in sorted(findings["states"].items()))
    answers = ", ".join(f"{count} {word}" for word, count in findings["answers"].items())
    lines = [f"{findings['submissions']} submissions ({answers}); {findings['tasks']} tasks ({counted}); "
             f"{findings['changes']} changes of rows, {findings['effects']} effects, {findings['late_reports']} late reports"]
    broken = {}
    for one in findings["violations"]:
        broken.setdefault(one["rule"], []).append(one["message"])
    for rule, times in findings["decided"].items():
        lines.append(f"  {rule:16} looked at {times:7}  broken {len(broken.get(rule, []))}")
    for messages in broken.values():
        lines += [f"BROKEN {message}" for message in messages[:20]]
        if len(messages) > 20:
            lines.append(f"  … and {len(messages) - 20} more of this rule")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("records", nargs="+", help="files of JSON lines")
    parser.add_argument("--json", action="store_true", help="the JSON document instead of the text")
    options = parser.parse_args()
    try:
        findings = judge(read(options.records))
    except (OSError, ValueError, KeyError) as error:
        print(f"history: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(findings, indent=1) if options.json else report(findings))
    return 1 if findings["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
