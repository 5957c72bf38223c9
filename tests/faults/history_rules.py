"""The rules of the history checker (history.py), one function each. A rule yields what breaks it, and calls `looked()` for
everything that it could decide: a rule that has looked at nothing has shown nothing.

What a record cannot decide counts as kept: an effect that never ended may have been killed at any time after it was last
seen, a lease that nobody read may have been live.
"""
from history import Violation, legal_transitions

LEASE_SLACK = 2000    # ms: the trigger fires after the lease was looked at, on a machine that may be very busy
CLOCK_SLACK = 0.25    # s, between a program's and the store's reading of one clock
PASSED_OVER = 4       # claims of worse tasks while a better one was ready, and
PASSED_LONG = 2000    # … ms from the first of them to the last
BY_WORKER = ("claimed", "started", "succeeded", "gave_up", "retry", "handed_back", "cancelled")
FROZEN = ("state", "epoch", "attempt", "lost_workers", "owner", "result", "error_code")  # a late report changes none
CONTENT = ("kind", "priority", "max_attempts")


def lost(history, looked):
    """No acknowledged task is lost; where everything had time to end, everything has ended."""
    for sent, answer in history.acknowledged():
        looked()
        task = history.tasks.get(answer["id"])
        if task is None or not task.changes:
            yield Violation("lost", answer["id"], f"was acknowledged to call {sent['n']}, and the store has never had it")
    for task in history.tasks.values():
        if not task.changes:
            yield Violation("lost", task.id, "left effects, and the store has never had it")
        elif task.last is None and not history.run.get("forgets"):
            yield Violation("lost", task.id, "is gone from the store", task.changes[-1].seq)
        elif task.last and history.run.get("settled") and not task.last.is_final:
            yield Violation("lost", task.id, f"has never ended: it is {task.last.state}, "
                                             f"waits for {task.last.values.get('waits_for')}", task.changes[-1].seq)


def final(history, looked):
    """One terminal state, that never changes."""
    for change, task in history.changes:
        if change.old is None or not change.old.is_final:
            continue
        looked()
        if change.new is None:
            continue  # that is a matter of `lost`
        for column in ("state", "epoch", "result"):
            was, now = change.old.values.get(column), change.new.values.get(column)
            if was != now:
                yield Violation("final", task.id, f"was {change.old.state}, and then its {column} went from {was} to {now}",
                                change.seq)


def transitions(history, looked):
    """Only what the table allows, and the timeline says what the row does."""
    table = legal_transitions()
    for change, task in history.changes:
        if change.new is None:
            continue
        if change.added() is None:
            yield Violation("transitions", task.id, "the past of its timeline was changed", change.seq)
            continue
        state, epoch = (change.old.state, change.old.epoch) if change.old else ("", 0)
        for entry in change.transitions():
            looked()
            after, grows = table.get((state, entry.event), (None, False))
            if (entry.before, entry.after) != (state, after):
                text = f"{state or 'nothing'} → {entry.event} → {entry.after} is not legal, or its timeline says {entry.before}"
                yield Violation("transitions", task.id, text, change.seq)
            if entry.epoch != epoch + grows:
                text = f"{entry.event} took the epoch from {epoch} to {entry.epoch}"
                yield Violation("transitions", task.id, text, change.seq)
            state, epoch = entry.after, entry.epoch
        if (change.new.state, change.new.epoch) != (state, epoch):
            text = f"is {change.new.state} under epoch {change.new.epoch}, and its timeline says {state} under {epoch}"
            yield Violation("transitions", task.id, text, change.seq)


def effects(history, looked):
    """At most one effect per (task, epoch), each by right of a claim, each done task's ended, never two at a time."""
    for task in history.tasks.values():
        claims = {change.new.epoch: change for change in task.changes if change.new and change.new.state == "claimed"}
        for effect in task.effects.values():
            looked()
            if len(effect.begins) > 1:
                yield Violation("effects", task.id, f"began {len(effect.begins)} times under epoch {effect.epoch}")
            if effect.epoch not in claims:
                yield Violation("effects", task.id, f"was at work under epoch {effect.epoch}, which nobody had claimed")
            elif effect.token != claims[effect.epoch].new.token:
                yield Violation("effects", task.id, f"did the work of token {effect.token}")
        in_time = sorted((effect for effect in task.effects.values() if effect.begins), key=lambda one: one.begins[0])
        for former, latter in zip(in_time, in_time[1:]):
            if latter.epoch <= former.epoch:
                yield Violation("effects", task.id, f"epoch {latter.epoch} began after epoch {former.epoch}")
            if latter.begins[0] < former.last:
                yield Violation("effects", task.id, f"epochs {former.epoch} and {latter.epoch} were at work at the same time")
        yield from _done_by_effect(history, task)


def _done_by_effect(history, task):
    if not task.last or task.last.state != "done" or task.last.token is None:
        return
    change = next(change for change in task.changes if change.new and change.new.state == "done")
    effect = task.effects.get(task.last.epoch)
    if effect is None or not effect.ends:
        yield Violation("effects", task.id, f"is done, and no effect under epoch {task.last.epoch} has ended", change.seq)
        return
    at = change.transitions()[-1].time / 1000 if change.transitions() else 0
    if history.run.get("one_clock") and at and at + CLOCK_SLACK < effect.wall_end:
        yield Violation("effects", task.id, f"was done {effect.wall_end - at:.3f} s before its effect had ended", change.seq)


def epochs(history, looked):
    """A task's epoch never shrinks, and grows at every change of ownership."""
    for change, task in history.changes:
        if change.old is None or change.new is None:
            continue
        looked()
        before, after = change.old, change.new
        if after.epoch < before.epoch:
            yield Violation("epochs", task.id, f"the epoch went from {before.epoch} back to {after.epoch}", change.seq)
        elif after.epoch == before.epoch and not before.is_owned and after.is_owned:
            yield Violation("epochs", task.id, f"was claimed without a new epoch: {after.epoch}", change.seq)
        elif after.epoch == before.epoch and before.is_owned and after.is_owned and before.owner != after.owner:
            text = f"went from {before.owner} to {after.owner} under epoch {after.epoch}"
            yield Violation("epochs", task.id, text, change.seq)


def fencing(history, looked):
    """A worker writes what it owns, under its incarnation's live lease or the claim's own end; nobody else does, and nobody
    takes its tasks before that lease has ended."""
    for change, task in history.changes:
        for entry in change.transitions() if change.new else []:
            if entry.event in ("worker_lost", "poisoned") and change.lease is not None:
                looked()
                yield from _taken_early(task, change)
            writer = entry.actor.removeprefix("worker:")
            if entry.event not in BY_WORKER or writer == entry.actor:
                continue
            looked()
            row = change.new if entry.event == "claimed" else change.old
            owner = row.values.get("owner") if row else None
            if owner != writer:
                text = f"{entry.event} was accepted of {writer}; its owner was {owner}"
                yield Violation("fencing", task.id, text, change.seq)
            if change.lease is None or row is None or row.values.get("own_end"):
                continue
            if not change.lease["live"]:
                yield Violation("fencing", task.id, f"{entry.event} was accepted of {writer} without a live lease", change.seq)
            elif change.lease.get("left") is not None and change.lease["left"] < -LEASE_SLACK:
                yield Violation("fencing", task.id, f"{entry.event} was accepted of {writer}, whose lease had ended "
                                                    f"{-change.lease['left']} ms before", change.seq)


def _taken_early(task, change):
    if (change.lease.get("left") or 0) > 0:
        text = f"was taken from its worker, whose lease had {change.lease['left']} ms to go"
        yield Violation("fencing", task.id, text, change.seq)
    if change.lease.get("calm"):
        yield Violation("fencing", task.id, "was taken from its worker right after the store's clock had jumped", change.seq)


def late_reports(history, looked):
    """A late report is kept, and changes nothing."""
    for change, task in history.changes:
        if change.new is None or change.old is None or not any(note.event == "late_report" for note in change.notes()):
            continue
        looked()
        changed = [column for column in FROZEN if change.old.values.get(column) != change.new.values.get(column)]
        if changed or change.transitions():
            text = f"a late report changed {', '.join(changed) or 'its timeline'}"
            yield Violation("late_reports", task.id, text, change.seq)


def attempts(history, looked):
    """A claim counts one, a hand-back takes it back, and there are never more than max_attempts; lost workers are counted."""
    for task in history.tasks.values():
        count = losses = 0
        for change in task.changes:
            if change.new is None:
                continue
            for entry in change.transitions():
                looked()
                if entry.event in ("retry", "worker_lost") and count >= change.new.max_attempts:
                    yield Violation("attempts", task.id, f"{entry.event} after {count} attempts of {change.new.max_attempts}",
                                    change.seq)
                if entry.event == "poisoned" and losses != 1:
                    yield Violation("attempts", task.id, f"poisoned after {losses + 1} lost workers", change.seq)
                if entry.event == "worker_lost" and losses >= 1:
                    yield Violation("attempts", task.id, "went back although it had lost its worker twice", change.seq)
                count += (entry.event == "claimed") - (entry.event == "handed_back")
                losses += entry.event == "worker_lost"
            if change.new.attempt != count:
                yield Violation("attempts", task.id, f"counts {change.new.attempt} attempts; there were {count}", change.seq)
            if count > change.new.max_attempts:
                yield Violation("attempts", task.id, f"attempt {count} of {change.new.max_attempts}", change.seq)
            effect = task.effects.get(change.new.epoch)
            if change.new.state == "claimed" and effect and effect.attempt != count:
                yield Violation("attempts", task.id, f"attempt {count} was told that it is {effect.attempt}", change.seq)


def locks(history, looked):
    """Two tasks with a common lock are never at work together, by the store's rows and by what the programs did."""
    holders = {}  # lock → task, by the rows
    for change, task in history.changes:
        keys = (change.new or change.old).words("locks") if change.new or change.old else []
        owned = change.new is not None and change.new.is_owned
        for key in keys:
            looked()
            holder = holders.get(key)
            if owned and holder not in (None, task.id):
                yield Violation("locks", task.id, f"was claimed with the lock {key} while task {holder} had it", change.seq)
            if owned or holder == task.id:
                holders[key] = task.id if owned else None
    intervals = {}
    for task in history.tasks.values():
        for key in task.last.words("locks") if task.last else []:
            intervals.setdefault(key, []).extend((effect.begins[0], effect.last, task.id, effect.epoch)
                                                 for effect in task.effects.values() if effect.begins)
    for key, spans in intervals.items():
        reach = None
        for span in sorted(spans):
            looked()
            if reach and span[0] < reach[1] and span[2] != reach[2]:
                text = f"worked under the lock {key}, epoch {span[3]}, while task {reach[2]}, epoch {reach[3]}, did"
                yield Violation("locks", span[2], text)
            if reach is None or span[1] > reach[1]:
                reach = span


def idempotency(history, looked):
    """One key of a kind, one task; another content under a known key is never taken; no call makes two tasks."""
    stored, tokens, answered = {}, {}, {}
    for task in history.tasks.values():
        row = task.last
        if row is None or row.values.get("retry_of"):
            continue
        looked()
        tokens.setdefault(row.token, []).append(task.id)
        if row.values.get("idempotency_key"):
            stored.setdefault((row.kind, row.idempotency_key), []).append(task.id)
    for (kind, key), ids in stored.items():
        if len(ids) > 1:
            yield Violation("idempotency", ids[1], f"has the key {key} of kind {kind}, as task {ids[0]}")
    for token, ids in tokens.items():
        if len(ids) > 1 and token is not None:
            yield Violation("idempotency", ids[1], f"was made of the same submission as task {ids[0]}: token {token}")
    for sent, answer in history.acknowledged():
        envelope = sent["envelope"]
        if not envelope.get("idempotency_key"):
            continue
        looked()
        known = answered.setdefault((envelope["kind"], envelope["idempotency_key"]), (answer["id"], sent["token"]))
        if known != (answer["id"], sent["token"]):
            text = f"was acknowledged for the key {envelope['idempotency_key']} with token {sent['token']}; "
            yield Violation("idempotency", answer["id"], text + f"it was task {known[0]} with token {known[1]}")


def content(history, looked):
    """What is stored under an acknowledged id is what was sent; what was refused, or that nobody sent, is not there."""
    for sent, answer in history.acknowledged():
        task = history.tasks.get(answer["id"])
        if task is None or not task.changes or task.changes[0].new is None:
            continue
        looked()
        row, envelope = task.changes[0].new, sent["envelope"]
        differs = [name for name in CONTENT if name in envelope and row.values.get(name) != envelope[name]]
        differs += ["token"] if row.token != sent["token"] else []
        differs += ["locks"] if sorted(envelope.get("locks", [])) != sorted(row.words("locks")) else []
        if differs:
            yield Violation("content", task.id, f"is not what call {sent['n']} sent: {', '.join(differs)} differ")
    tokens = {sent["token"] for sent in history.sent.values()}
    taken = {history.sent[n]["token"] for n, answer in history.answers.items() if answer["answer"] != "refused"}
    unanswered = {sent["token"] for n, sent in history.sent.items() if n not in history.answers}
    for task in history.tasks.values():
        if not task.changes or task.changes[0].new is None:
            continue
        looked()
        token = task.changes[0].new.token
        if token not in tokens:
            yield Violation("content", task.id, f"was never submitted: token {token}")
        elif token not in taken | unanswered:
            yield Violation("content", task.id, f"was refused, and is stored: token {token}")


def dependencies(history, looked):
    """What a task waits for is done before it is claimed, and before its work begins."""
    done, ended = set(), {}
    for change, task in history.changes:
        if change.new is None:
            continue
        before = [int(one) for one in change.new.words("depends_on")]
        for entry in change.transitions():
            if entry.event == "claimed":
                missing = sorted(set(before) - done)
                looked()
                if missing:
                    yield Violation("dependencies", task.id, f"was claimed before task {missing[0]} was done", change.seq)
            if entry.event == "dependency_failed" and not any(ended.get(one) in ("failed", "cancelled") for one in before):
                yield Violation("dependencies", task.id, "failed for a dependency, and none has failed", change.seq)
        if change.new.is_final:
            ended[task.id] = change.new.state
            done |= {task.id} if change.new.state == "done" else set()
    for task in history.tasks.values():
        begins = [effect.begins[0] for effect in task.effects.values() if effect.begins]
        for one in task.last.words("depends_on") if task.last and begins else []:
            looked()
            other = history.tasks.get(int(one))
            if other and any(effect.last > min(begins) for effect in other.effects.values()):
                yield Violation("dependencies", task.id, f"began while task {one}, before it, was still at work")


def orders(history, looked):
    """A cancel that was taken is kept: what was queued is cancelled, what a worker had is not begun anew."""
    for n, answer in history.order_answers.items():
        order = history.orders[n]
        if answer["answer"] != "acknowledged" or order["order"] != "cancel" or answer.get("requested"):
            continue
        looked()
        task = history.tasks.get(order["id"])
        if task and task.last and task.last.state != "cancelled":
            yield Violation("orders", task.id, f"was cancelled, said the answer, and is {task.last.state}")
    for change, task in history.changes:
        if change.old is None or change.new is None or change.old.values.get("stop") != "cancel":
            continue
        looked()
        if change.new.state == "queued":
            yield Violation("orders", task.id, "went back into the queue although its cancel was requested", change.seq)


def priorities(history, looked):
    """No ready task is passed over for long, again and again, for worse ones of its route. A few claims may miss it: its row
    was in use, or the write that made it ready was not committed yet. Not decided where somebody stepped a clock."""
    ready, passed, last = {}, {}, None  # task → (route, rank); task → when it was passed over
    for change, task in history.changes if history.run.get("one_clock") else []:
        row = change.new
        entry = next((one for one in change.transitions() if one.event == "claimed"), None) if row else None
        batch = entry and (entry.worker, entry.time, row.route)  # what one call has claimed counts once
        if batch and batch != last:
            last = batch
            for other, (route, better) in ready.items():
                if route != row.route or better >= (row.priority, task.id):
                    continue
                looked()
                times = passed[other]
                times.append(entry.time)
                if len(times) >= PASSED_OVER and times[-1] - times[0] >= PASSED_LONG:
                    text = f"was ready and passed over {len(times)} times, the last time for task {task.id}"
                    yield Violation("priorities", other, text, change.seq)
                    times.clear()
        if row is not None and row.state == "queued" and row.values.get("waits_for") == "nothing":
            if task.id not in ready:
                ready[task.id], passed[task.id] = (row.route, (row.priority, task.id)), []
        else:
            ready.pop(task.id, None)


RULES = (lost, final, transitions, effects, epochs, fencing, late_reports, attempts, locks, idempotency, content, dependencies,
         orders, priorities)


def judge(history):
    """(violations, rule → how often it could decide)"""
    violations, decided = [], {}
    for rule in RULES:
        decided[rule.__name__] = 0

        def looked(name=rule.__name__):
            decided[name] += 1

        violations += rule(history, looked)
    return violations, decided
