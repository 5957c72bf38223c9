-- The queue. Times are milliseconds since 1970, but for those that end a worker's right (lease_until, own_end,
-- beat_at): they are milliseconds of CLOCK_BOOTTIME in the boot that `queue.boot` names, so that no step of the
-- wall clock ends or lengthens a lease.

-- One row. `boot`: see above.
CREATE TABLE queue (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last_task INTEGER NOT NULL,      -- ids are never used again
  history INTEGER NOT NULL,        -- rows in history
  boot TEXT NOT NULL
) STRICT;
INSERT INTO queue VALUES (1, 0, 0, '');

-- Tasks that are not final. Long texts stand last, so that scans need not read them.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  route TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  waits_for TEXT,                  -- of a queued one: nothing, dependency, time, pause, lock
  waits_detail TEXT NOT NULL,
  due_at INTEGER,                  -- not before
  since INTEGER NOT NULL,          -- in this state, with this waits_for
  epoch INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  lost_workers INTEGER NOT NULL,
  owner TEXT,                      -- the worker that has it
  incarnation INTEGER,
  own_end INTEGER,                 -- on_lease_loss continue: the claim's own end
  stop TEXT,                       -- what its owner is asked for: cancel, requeue
  worker TEXT NOT NULL,            -- who has it, or had it last
  site TEXT NOT NULL,              -- that a pause of a site means; may be empty
  locks TEXT NOT NULL,             -- separated by spaces, sorted
  depends_on TEXT NOT NULL,        -- the same
  capability TEXT NOT NULL,
  target TEXT NOT NULL,
  run_at INTEGER,                  -- as it was submitted
  timeout INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  on_lease_loss TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  actor TEXT NOT NULL,
  actor_class TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  retry_of INTEGER NOT NULL,
  submitted_at INTEGER NOT NULL,
  claimed_at INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  error_code TEXT NOT NULL,
  payload TEXT NOT NULL,
  result TEXT NOT NULL,
  timeline TEXT NOT NULL           -- a JSON array a line (store/timeline.hpp)
) STRICT;
CREATE INDEX tasks_ready ON tasks (route, priority, id) WHERE waits_for = 'nothing';
CREATE INDEX tasks_due ON tasks (due_at) WHERE waits_for = 'time';
CREATE INDEX tasks_paused ON tasks (waits_detail) WHERE waits_for = 'pause';
CREATE INDEX tasks_owned ON tasks (owner) WHERE owner IS NOT NULL;
CREATE INDEX tasks_stopping ON tasks (owner) WHERE stop IS NOT NULL;

-- Those that are final; the same columns.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  route TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  waits_for TEXT,
  waits_detail TEXT NOT NULL,
  due_at INTEGER,
  since INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  lost_workers INTEGER NOT NULL,
  owner TEXT,
  incarnation INTEGER,
  own_end INTEGER,
  stop TEXT,
  worker TEXT NOT NULL,
  site TEXT NOT NULL,
  locks TEXT NOT NULL,
  depends_on TEXT NOT NULL,
  capability TEXT NOT NULL,
  target TEXT NOT NULL,
  run_at INTEGER,
  timeout INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  on_lease_loss TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  actor TEXT NOT NULL,
  actor_class TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  retry_of INTEGER NOT NULL,
  submitted_at INTEGER NOT NULL,
  claimed_at INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  error_code TEXT NOT NULL,
  payload TEXT NOT NULL,
  result TEXT NOT NULL,
  timeline TEXT NOT NULL
) STRICT;
CREATE INDEX history_finished ON history (finished_at);

-- A row while `task` waits for `on_task`.
CREATE TABLE dependencies (
  on_task INTEGER NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY (on_task, task)
) STRICT, WITHOUT ROWID;

-- Held locks: the primary key is what makes them exclusive. A task holds them from the moment that it is ready
-- to the moment that it ends, or waits again.
CREATE TABLE locks (
  key TEXT PRIMARY KEY,
  task INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A row for each key of a task that waits for locks, in the order in which they are considered when a key
-- frees. rank: the task's id once it was passed over so often that it reserves its keys; else 1 << 62.
CREATE TABLE lock_waits (
  key TEXT NOT NULL,
  rank INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  task INTEGER NOT NULL,
  passed_over INTEGER NOT NULL,
  PRIMARY KEY (key, rank, priority, task)
) STRICT, WITHOUT ROWID;

-- Idempotency keys. ended_at and state: of their task, once it is final.
CREATE TABLE idempotency (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  task INTEGER NOT NULL,
  ended_at INTEGER,
  state TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_ended ON idempotency (ended_at) WHERE ended_at IS NOT NULL;

-- One row a worker: its lease is renewed here and nowhere else.
CREATE TABLE workers (
  name TEXT PRIMARY KEY,
  incarnation INTEGER NOT NULL,
  live INTEGER NOT NULL,           -- 0: it left, or its end was seen
  lease_until INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  beat_at INTEGER NOT NULL,
  draining INTEGER NOT NULL,
  site TEXT NOT NULL,
  node TEXT NOT NULL,
  capabilities TEXT NOT NULL,      -- separated by spaces; "gpu=1": so many at a time
  version TEXT NOT NULL,
  concurrency INTEGER NOT NULL,
  registered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- swept: tasks up to this id have been looked at since the pause began; NULL when all have.
CREATE TABLE pauses (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  until INTEGER,
  actor TEXT NOT NULL,
  why TEXT NOT NULL,
  since INTEGER NOT NULL,
  swept INTEGER,
  PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
