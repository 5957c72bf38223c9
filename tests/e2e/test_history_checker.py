"""The history checker (tests/faults/history.py) finds nothing in histories that are right, and every bug that is planted."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

FAULTS = pathlib.Path(__file__).resolve().parents[1] / "faults"
sys.path.insert(0, str(FAULTS))

import history  # noqa: E402, the path comes first
import history_maker  # noqa: E402

BUGS = {}


def bug(rule):
    """Registers a mutation of a correct history; this rule must notice it."""
    def register(function):
        BUGS[function.__name__] = (rule, function)
        return function
    return register


class Record:
    """A correct history that a mutation changes. A search that finds nothing is an error: the bug could not be planted."""

    def __init__(self, records):
        self.records = json.loads(json.dumps(records))

    def rows(self, number=None):
        return [one for one in self.records if one["what"] == "row" and number in (None, one["id"])]

    def numbers(self):
        return sorted({one["id"] for one in self.rows()})

    def effects(self, number=None, step=None):
        return [one for one in self.records
                if one["what"] == "effect" and number in (None, one["id"]) and step in (None, one["step"])]

    def writes(self, event):
        """Rows with which this event was appended to the timeline, oldest first."""
        found, seen = [], set()
        for row in self.rows():
            text = row["new"] and row["new"]["timeline"]
            if text and (row["id"], text) not in seen and json.loads(text.splitlines()[-1])[0] == event:
                found.append(row)
            seen.add((row["id"], text))
        return found

    def write(self, event, condition=lambda row: True):
        return next(one for one in self.writes(event) if condition(one))

    def former(self, row):
        """The state of the row before this write."""
        return [one["new"] for one in self.rows(row["id"]) if one["seq"] < row["seq"] and one["new"]][-1]

    def answers(self, answer="acknowledged"):
        return [one for one in self.records if one["what"] == "answered" and one["answer"] == answer]

    def remove(self, *gone):
        self.records = [one for one in self.records if not any(one is other for other in gone)]

    def append_row(self, row, **values):
        seq = max(one["seq"] for one in self.rows()) + 1
        self.records.append(row | {"seq": seq, "op": "update", "new": row["new"] | values})

    def everywhere(self, number, **values):
        for row in self.rows(number):
            if row["new"]:
                row["new"] |= values

    def owned(self, number):
        """(first, last seq) of the time in which a worker first had it; None: never."""
        found = None
        for row in self.rows(number):
            if row["new"] and row["new"]["state"] in ("claimed", "running"):
                found = (found[0] if found else row["seq"], row["seq"])
            elif found and row["new"]:
                return found[0], row["seq"]
        return found


def note(kind, epoch, worker="anna"):
    return json.dumps([kind, 1, epoch, f"worker:{worker}", worker, "", ]) + "\n"


# --- lost
@bug("lost")
def an_acknowledged_task_was_never_stored(record):
    number = record.answers()[3]["id"]
    record.remove(*record.rows(number), *record.effects(number))


@bug("lost")
def a_task_never_ends(record):
    record.remove(*[row for row in record.rows(record.write("succeeded")["id"])][-2:])


@bug("lost")
def a_finished_task_vanishes(record):
    row = record.write("succeeded")
    record.append_row(row)
    record.records[-1] |= {"op": "delete", "new": None}


# --- one terminal state
@bug("final")
def a_done_task_becomes_failed(record):
    record.append_row(record.write("succeeded"), state="failed")


@bug("final")
def the_result_of_a_finished_task_changes(record):
    record.append_row(record.write("gave_up"), result='{"another": true}')


# --- transitions
@bug("transitions")
def a_claim_leaves_no_trace(record):
    number = record.write("started")["id"]
    claimed = next(row for row in record.writes("claimed") if row["id"] == number)
    line = claimed["new"]["timeline"].splitlines(True)[-1]
    record.remove(claimed)
    for row in record.rows(number):
        if row["new"]:
            row["new"]["timeline"] = row["new"]["timeline"].replace(line, "")


@bug("transitions")
def the_past_is_rewritten(record):
    row = record.write("succeeded")
    record.append_row(row, timeline="".join(row["new"]["timeline"].splitlines(True)[1:]))


@bug("transitions")
def a_task_that_failed_for_good_is_tried_again(record):
    row = record.write("gave_up")
    line = json.dumps(["retry", 1, "failed", "queued", row["new"]["epoch"] + 1, "fairlead", "", ""]) + "\n"
    record.append_row(row, timeline=row["new"]["timeline"] + line, state="queued", epoch=row["new"]["epoch"] + 1)


# --- effects
@bug("effects")
def a_program_is_started_twice(record):
    begin = record.effects(step="begin")[5]
    record.records.append(begin | {"time": begin["time"] + 0.001})


@bug("effects")
def a_program_runs_that_nobody_claimed(record):
    begin = record.effects(record.write("succeeded")["id"], "begin")[-1]
    record.records.append(begin | {"epoch": begin["epoch"] + 7, "time": begin["time"] + 1000})


@bug("effects")
def done_is_said_of_what_never_ended(record):
    record.remove(record.effects(record.write("succeeded")["id"], "end")[-1])


@bug("effects")
def done_is_said_too_early(record):
    record.effects(record.write("succeeded")["id"], "end")[-1]["wall"] += 60


@bug("effects")
def a_lost_workers_child_works_on(record):
    number = next(row["id"] for row in record.writes("worker_lost") if len(record.effects(row["id"], "begin")) > 1)
    former, latter = record.effects(number, "begin")[:2]
    record.records.append(former | {"step": "alive", "time": latter["time"] + 0.001})


@bug("effects")
def the_work_of_another_task_is_done(record):
    record.effects(record.write("succeeded")["id"], "begin")[-1]["token"] = "another"


# --- epochs
@bug("epochs")
def a_claim_keeps_the_epoch(record):
    row = record.write("claimed")
    row["new"]["epoch"] -= 1


@bug("epochs")
def an_epoch_is_set_back(record):
    row = record.write("claimed", lambda one: one["new"]["epoch"] > 2)
    row["new"]["epoch"] = 1


@bug("epochs")
def a_task_changes_hands_in_silence(record):
    row = record.write("started")
    row["new"]["owner"] = "dora"


# --- fencing
@bug("fencing")
def a_report_is_taken_after_the_lease_was_lost(record):
    for row in record.rows(record.write("succeeded")["id"])[-2:]:
        row["lease"] = {"live": False, "left": -1}


@bug("fencing")
def a_report_is_taken_long_after_the_lease_ended(record):
    for row in record.rows(record.write("succeeded")["id"])[-2:]:
        row["lease"] = {"live": True, "left": -20_000}


@bug("fencing")
def a_report_is_taken_of_a_former_owner(record):
    last = record.write("succeeded")
    lines = last["new"]["timeline"].splitlines()
    fields = json.loads(lines[-1])
    fields[5] = "worker:dora"
    last["new"]["timeline"] = "\n".join([*lines[:-1], json.dumps(fields)]) + "\n"


@bug("fencing")
def a_lease_is_ended_early(record):
    record.write("worker_lost")["lease"] = {"live": False, "left": 3000}


@bug("fencing")
def a_lease_is_ended_by_a_jump_of_the_clock(record):
    record.write("worker_lost")["lease"] = {"live": False, "left": None, "calm": True}


# --- late reports
@bug("late_reports")
def a_late_report_requeues_a_task(record):
    row = record.write("late_report")
    row["new"] |= {"state": "queued", "epoch": row["new"]["epoch"] + 1}


@bug("late_reports")
def a_late_report_overwrites_the_result(record):
    record.write("late_report")["new"]["result"] = '{"late": true}'


# --- attempts
@bug("attempts")
def one_attempt_too_many(record):
    row = record.write("retry", lambda one: one["new"]["attempt"] >= 2)
    record.everywhere(row["id"], max_attempts=row["new"]["attempt"] - 1)


@bug("attempts")
def a_hand_back_is_counted(record):
    record.write("handed_back")["new"]["attempt"] += 1


@bug("attempts")
def a_program_is_told_another_attempt(record):
    record.effects(step="begin")[3]["attempt"] += 1


@bug("attempts")
def poison_after_the_first_lost_worker(record):
    row = record.write("worker_lost")
    fields = json.loads(row["new"]["timeline"].splitlines()[-1])
    fields[0] = "poisoned"
    row["new"]["timeline"] = "\n".join([*row["new"]["timeline"].splitlines()[:-1], json.dumps(fields)]) + "\n"


# --- locks
@bug("locks")
def a_lock_is_held_twice(record):
    spans = [(number, span) for number in record.numbers() if (span := record.owned(number))]
    one, other = next((a, b) for a, first in spans for b, second in spans if a != b and first[0] < second[0] < first[1] - 1)
    record.everywhere(one, locks="site:shed")
    record.everywhere(other, locks="site:shed")


@bug("locks")
def a_child_works_on_after_its_lock_was_given_away(record):
    begins = [one for one in record.effects(step="begin")]
    former, latter = next((a, b) for a in begins for b in begins if a["id"] != b["id"] and a["time"] < b["time"]
                          and set(record.rows(a["id"])[0]["new"]["locks"].split())
                          & set(record.rows(b["id"])[0]["new"]["locks"].split()))
    record.records.append(former | {"step": "alive", "time": latter["time"] + 0.001})


# --- idempotency
@bug("idempotency")
def a_key_makes_two_tasks(record):
    one, other = [row for row in record.writes("submitted") if row["new"]["idempotency_key"]][:2]
    record.everywhere(other["id"], idempotency_key=one["new"]["idempotency_key"])


@bug("idempotency")
def one_call_makes_two_tasks(record):
    one, other = record.writes("submitted")[:2]
    record.everywhere(other["id"], payload=one["new"]["payload"])


@bug("idempotency")
def another_content_is_taken_under_a_known_key(record):
    answered = {one["n"]: one for one in record.answers()}
    sent = next(one for one in record.records
                if one["what"] == "sent" and one["n"] in answered and one["envelope"].get("idempotency_key"))
    record.records += [sent | {"n": 9001, "token": "another"}, answered[sent["n"]] | {"n": 9001}]


# --- content
@bug("content")
def two_answers_are_swapped(record):
    one, other = record.answers()[:2]
    one["id"], other["id"] = other["id"], one["id"]


@bug("content")
def a_refused_task_is_stored(record):
    answer = next(one for one in record.answers() if not one["existed"])
    answer |= {"answer": "refused", "code": "bad_request"}


@bug("content")
def a_task_comes_from_nowhere(record):
    number = record.write("succeeded")["id"]
    record.everywhere(number, payload='{"input": {"token": "nobody"}}')


@bug("content")
def a_lock_is_forgotten(record):
    number = next(one["id"] for one in record.answers() if record.rows(one["id"])[0]["new"]["locks"])
    record.everywhere(number, locks="")


# --- dependencies
@bug("dependencies")
def a_dependent_runs_first(record):
    claimed, done = record.writes("claimed")[0], record.writes("succeeded")[-1]
    record.everywhere(claimed["id"], depends_on=str(done["id"]))


@bug("dependencies")
def a_task_before_it_is_still_at_work(record):
    row = next(one for one in record.writes("claimed") if one["new"]["depends_on"] and record.effects(one["id"], "begin"))
    before = int(row["new"]["depends_on"].split()[0])
    begun = record.effects(row["id"], "begin")[0]["time"]
    record.records.append(record.effects(before, "begin")[-1] | {"step": "alive", "time": begun + 0.001})


@bug("dependencies")
def a_dependent_fails_for_no_reason(record):
    done = record.writes("succeeded")[0]
    record.everywhere(record.write("dependency_failed")["id"], depends_on=str(done["id"]))


# --- orders
@bug("orders")
def a_cancelled_task_is_done(record):
    number = record.write("succeeded")["id"]
    record.records += [{"what": "ordered", "n": 9002, "id": number, "order": "cancel"},
                       {"what": "order_answered", "n": 9002, "answer": "acknowledged", "id": number, "state": "cancelled",
                        "requested": False}]


@bug("orders")
def a_task_that_is_to_be_cancelled_goes_back(record):
    row = record.write("retry")
    record.former(row)["stop"] = "cancel"


@bug("priorities")
def the_worst_is_claimed_first(record):
    class Wrong(history_maker.Maker):
        choose = staticmethod(max)

    record.records = Wrong(3, 60).records


class HistoryChecker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.correct = history_maker.make(7, 60)

    def broken(self, records):
        return {one["rule"] for one in history.judge(records)["violations"]}

    def test_a_correct_history_passes(self):
        findings = history.judge(self.correct)
        self.assertEqual([one["message"] for one in findings["violations"]], [])
        undecided = {rule for rule, times in findings["decided"].items() if times == 0}
        self.assertEqual(undecided, {"priorities"}, "nobody is passed over where all is right")

    def test_correct_histories_made_at_random_pass(self):
        for seed in range(40):
            with self.subTest(seed=seed):
                findings = history.judge(history_maker.make(seed))
                self.assertEqual([one["message"] for one in findings["violations"]], [])

    def test_every_planted_bug_is_caught(self):
        self.assertGreaterEqual(len(BUGS), 12)
        for name, (rule, plant) in BUGS.items():
            with self.subTest(bug=name):
                record = Record(self.correct)
                plant(record)
                self.assertIn(rule, self.broken(record.records))

    def test_every_rule_has_a_bug(self):
        self.assertEqual({rule for rule, _ in BUGS.values()}, set(history.judge(self.correct)["decided"]))

    def test_timelines_of_both_backends_read_alike(self):
        sqlite = '["claimed",5,"queued","claimed",1,"worker:anna","anna",""]\n["late_report",6,1,"worker:anna","anna","{}"]\n'
        postgres = '[5, "claimed", "queued", "claimed", "worker:anna", "anna", 1, ""]\n' \
                   '["late_report", 6, "worker:anna", "anna", 1, "{}"]\n'
        self.assertEqual(history.parse_timeline(sqlite), history.parse_timeline(postgres))
        self.assertEqual(history.parse_timeline(sqlite)[0].after, "claimed")

    def test_the_program_tells_by_its_exit_code(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "record")
            record = Record(self.correct)
            for spoil, code, told in ((None, 0, "broken 0"), (a_done_task_becomes_failed, 1, "BROKEN final: task "),
                                      (None, 2, "record:1: ")):
                if spoil:
                    spoil(record)
                path.write_text("{}\n" if code == 2 else "".join(json.dumps(one) + "\n" for one in record.records))
                answer = subprocess.run([sys.executable, "-B", str(FAULTS / "history.py"), str(path)], capture_output=True,
                                        text=True, check=False)
                self.assertEqual(answer.returncode, code, answer.stderr)
                self.assertIn(told, answer.stdout + answer.stderr)


if __name__ == "__main__":
    unittest.main()
