-- The queue. Times are milliseconds since 1970 by this server's clock. Every transition of a task is one write of
-- its row: its timeline is a column of it, a JSON array a line, and moves with it to the history.

create sequence task_ids;
create sequence incarnations;

create function now_ms() returns bigint language sql volatile as
$$ select (extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- One row. calm_until: nothing is reaped before, as this clock has jumped.
create table queue (
  one integer primary key check (one = 1),
  calm_until bigint not null
);
insert into queue values (1, 0);

-- After a jump of this clock nothing is reaped for a while; a mark that another jump has left in the far future says
-- nothing.
create function is_calm(at bigint) returns boolean language sql stable as
$$ select exists (select from queue where calm_until > at and calm_until <= at + 3600000) $$;

-- Tasks that are not final.
create table tasks (
  id bigint primary key,
  kind text not null,
  route text not null,
  priority integer not null,
  state text not null,
  waits_for text,                  -- of a queued one: nothing, dependency, time, pause, lock
  waits_detail text not null default '',
  due_at bigint,                   -- not before
  since bigint not null,           -- in this state, with this waits_for
  epoch bigint not null default 0,
  attempt integer not null default 0,
  lost_workers integer not null default 0,
  owner text,                      -- the worker that has it
  incarnation bigint,
  own_end bigint,                  -- on_lease_loss continue: the claim's own end
  stop text,                       -- what its owner is asked for: cancel, requeue
  worker text not null default '', -- who has it, or had it last
  site text not null,              -- that a pause of a site means; may be empty
  locks text not null,             -- separated by spaces, sorted; never changes
  depends_on text not null,        -- the same
  capability text not null,
  target text not null,
  run_at bigint,                   -- as it was submitted
  timeout bigint not null,
  max_attempts integer not null,
  on_lease_loss text not null,
  idempotency_key text not null,
  actor text not null,
  actor_class text not null,
  trace_id text not null,
  retry_of bigint not null,
  submitted_at bigint not null,
  claimed_at bigint,
  started_at bigint,
  finished_at bigint,
  error_code text not null default '',
  payload text not null,           -- text and not jsonb: nobody looks into it here
  result text not null default '',
  timeline text not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0);
-- What can start, and nothing else: the head of each route is the next task.
create index tasks_ready on tasks (route, priority, id) where waits_for = 'nothing';
create index tasks_due on tasks (due_at) where waits_for = 'time';
create index tasks_paused on tasks (waits_detail) where waits_for = 'pause';
create index tasks_owned on tasks (owner) where owner is not null;
create index tasks_stopping on tasks (owner) where stop is not null;

-- Those that are final; the same columns, and a number that grows as they end: the oldest go first, and counting
-- them is a subtraction.
create table history (like tasks including defaults);
create sequence history_ids;
alter table history add column place bigint not null default nextval('history_ids');
alter table history add primary key (id);
create unique index history_place on history (place);

-- A row while `task` waits for `on_task`.
create table dependencies (
  on_task bigint not null,
  task bigint not null,
  primary key (on_task, task)
);
create index dependencies_task on dependencies (task);

-- Finished tasks that left too many waiting for one transaction: release_dependents().
create table unreleased (
  task bigint primary key
);

-- Held locks: the primary key is what makes them exclusive. A task holds them from the moment that it is ready to
-- the moment that it ends, or waits again.
create table locks (
  key text primary key,
  task bigint not null
);
create index locks_task on locks (task);

-- A row for each key of a task that waits for locks, in the order in which they are considered when a key frees.
-- rank: the task's id once it stood first and was passed over so often that it reserves its keys; else 1 << 62.
create table lock_waits (
  key text not null,
  rank bigint not null,
  priority integer not null,
  task bigint not null,
  passed_over integer not null,
  primary key (key, rank, priority, task)
);
create index lock_waits_task on lock_waits (task);

-- Tasks that wait for locks and could not be looked at, as somebody else was busy with one of their keys.
create table lock_rechecks (
  task bigint primary key
);

-- Idempotency keys. ended_at and state: of their task, once it is final.
create table idempotency (
  kind text not null,
  key text not null,
  fingerprint text not null,
  task bigint not null,
  ended_at bigint,
  state text not null default '',
  primary key (kind, key)
);
create index idempotency_ended on idempotency (ended_at) where ended_at is not null;

-- One row a worker: its lease is renewed here and nowhere else.
create table workers (
  name text primary key,
  incarnation bigint not null,
  live boolean not null,           -- false: it left, or its end was seen
  lease_until bigint not null,
  lease bigint not null,
  beat_at bigint not null,
  draining boolean not null,
  site text not null,
  node text not null,
  capabilities text not null,      -- separated by spaces; "gpu=1": so many at a time
  version text not null,
  concurrency integer not null,
  registered_at bigint not null
) with (fillfactor = 50);

create table pauses (
  scope text not null,             -- all, kind, site
  name text not null,
  until bigint,
  actor text not null,
  why text not null,
  since bigint not null,
  swept bigint,                    -- tasks up to this id have been looked at since it began; null: all
  primary key (scope, name)
);

-- A line of a timeline (store/timeline.hpp): of a transition, and of what did not change the state.
create function entry(at bigint, event text, from_state text, to_state text, actor text, worker text, epoch bigint,
                      detail text) returns text language sql stable as
$$ select json_build_array(event, at, coalesce(from_state, ''), to_state, epoch, actor, worker, detail)::text || e'\n' $$;
create function note(kind text, at bigint, actor text, worker text, epoch bigint, detail text)
returns text language sql stable as
$$ select json_build_array(kind, at, epoch, actor, worker, detail)::text || e'\n' $$;

create function words(list text) returns text[] language sql immutable as
$$ select case when list = '' then '{}'::text[] else string_to_array(list, ' ') end $$;

-- What a function tells its caller. what: "change" (of a task's state), "report" (the answer to report number n) or
-- "summary".
create type said as (
  what text,
  n integer,
  task bigint,
  kind text,
  from_state text,
  event text,
  to_state text,
  accepted boolean,
  started boolean,                 -- with it the work began: a change of its own, before this one
  worker text,
  detail text
);

-- Changes that nobody has been told yet: of a registration, which has no answer for them.
create table untold (
  n bigserial primary key,
  task bigint not null,
  kind text not null,
  from_state text,
  event text not null,
  to_state text not null,
  worker text not null,
  detail text not null
);
