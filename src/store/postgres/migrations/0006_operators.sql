-- Operators: orders, pauses, draining; and what keeps the queue moving by itself.

-- The first row is the summary: task, to_state, accepted: the owner was asked. event: an error's code, detail: its
-- message.
create function order_task(of_task bigint, wish text, by_actor text, by_class text) returns setof said
language plpgsql as $$
declare
  at bigint := now_ms();
  t tasks;
  new_id bigint;
  asked boolean := false;
begin
  perform take_keys(keys_of_end(array[of_task]));
  select * into t from tasks where id = of_task for update;
  if not found then
    return query select * from order_finished(of_task, wish, by_actor, by_class, at);
    return;
  end if;
  if t.state = 'queued' and wish = 'cancel' then
    return next ('summary', 0, of_task, t.kind, null, null, 'cancelled', false, false, '', '')::said;
    return query select * from end_task(of_task, 'cancelled', 'cancelled', at, by_actor, 'cancelled', '');
    return;
  elsif t.state = 'queued' and t.waits_for = 'time' then
    update tasks set due_at = null where id = of_task;
    perform settle(of_task, at);
  elsif t.state in ('claimed', 'running') and (wish = 'cancel' or (wish = 'requeue' and t.stop is distinct from 'cancel'))
  then
    asked := true;
    if t.stop is distinct from wish then
      update tasks set stop = wish,
        timeline = timeline || note(wish || '_requested', at, by_actor, t.worker, t.epoch, '')
      where id = of_task;
    end if;
  else
    return next ('summary', 0, of_task, t.kind, null, 'conflict', t.state, false, false, '',
                 'task ' || of_task || ' is ' || t.state || case
                   when t.stop = 'cancel' then ', and its worker was asked to cancel it'
                   when wish = 'retry' and t.state = 'queued' then ' already'
                   when wish = 'retry' then ': only one that has ended, or waits for its time, can be tried again'
                   else ' already: only one that is at work, or waits for its time, can be put back' end)::said;
    return;
  end if;
  return next ('summary', 0, of_task, t.kind, null, null, t.state, asked, false, '', '')::said;
end $$;

create function order_finished(of_task bigint, wish text, by_actor text, by_class text, at bigint) returns setof said
language plpgsql as $$
declare
  h history;
  made submitted;
begin
  select * into h from history where id = of_task;
  if not found then
    return next ('summary', 0, of_task, '', null, 'not_found', 'queued', false, false, '',
                 'there is no task ' || of_task)::said;
  elsif wish <> 'retry' then
    return next ('summary', 0, of_task, h.kind, null, 'conflict', h.state, false, false, '',
                 'task ' || of_task || ' is ' || h.state || ', and that is final; task retry makes a new one')::said;
  else
    made := submit_one(1, json_build_object(
      'kind', h.kind, 'route', h.route, 'priority', h.priority, 'locks', h.locks, 'depends_on', '',
      'capability', h.capability, 'target', h.target, 'run_at', null, 'timeout', h.timeout,
      'max_attempts', h.max_attempts, 'on_lease_loss', h.on_lease_loss, 'idempotency_key', '', 'actor', by_actor,
      'actor_class', by_class, 'trace_id', h.trace_id, 'retry_of', of_task, 'payload', h.payload,
      'detail', 'task ' || of_task || ' again'), '', at);
    return next ('summary', 0, made.id, h.kind, null, null, made.state, false, false, '', '')::said;
    return next ('change', 0, made.id, h.kind, null, 'submitted', 'queued', true, false, '', '')::said;
  end if;
end $$;

-- Looks at a bounded number of tasks that pauses may mean and have not been looked at; true: there are more.
create function sweep_pauses(at bigint) returns boolean language plpgsql as $$
declare
  p pauses;
  seen bigint;
  meant bigint[];
begin
  select * into p from pauses where swept is not null order by scope, name limit 1 for update skip locked;
  if not found then return false; end if;
  select max(id), array_agg(id) filter (where state = 'queued' and waits_for in ('nothing', 'lock')
    and (p.scope = 'all' or (p.scope = 'kind' and kind = p.name) or (p.scope = 'site' and site = p.name)))
  into seen, meant from (select id, state, waits_for, kind, site from tasks where id > p.swept order by id limit 2000) few;
  update pauses set swept = seen where scope = p.scope and name = p.name;
  if meant is not null then perform settle_all(meant, at); end if;
  return true;
end $$;

-- Those without locks in one statement, the others one by one. The number of those that are ready.
create function settle_all(of_tasks bigint[], at bigint) returns integer language plpgsql as $$
declare
  one bigint;
  ready integer := 0;
begin
  perform take_keys(keys_of_end(of_tasks));
  with settled as (
    update tasks t set waits_for = case when paused_by(t.kind, t.site, at) is null then 'nothing' else 'pause' end,
                       waits_detail = coalesce(paused_by(t.kind, t.site, at), ''), since = at
    where id in (select id from tasks where id = any (of_tasks) and locks = '' and state = 'queued'
                   and waits_for <> 'dependency' and coalesce(due_at, 0) <= at order by id for update)
    returning waits_for
  )
  select count(*) filter (where waits_for = 'nothing') into ready from settled;
  for one in select id from tasks where id = any (of_tasks) and locks <> '' and state = 'queued' order by priority, id loop
    if settle(one, at) = 'nothing' then ready := ready + 1; end if;
  end loop;
  return ready;
end $$;

create function pause(of_scope text, of_name text, up_to bigint, by_actor text, reason text) returns void
language plpgsql as $$
begin
  insert into pauses values (of_scope, of_name, up_to, by_actor, reason, now_ms(), 0)
  on conflict (scope, name) do update set until = up_to, actor = by_actor, why = reason, since = now_ms(), swept = 0;
  -- Who waits for a pause that was replaced stays where it is: its name is the same.
end $$;

-- Pauses that nobody upholds any more: their tasks go on, so many at a time. `ready` counts them.
create function end_pauses(at bigint, inout ready integer, out more boolean) language plpgsql as $$
declare
  one text := '';
  resting bigint[];
begin
  more := false;
  delete from pauses where until <= at;
  loop
    select min(waits_detail) into one from tasks where waits_for = 'pause' and waits_detail > one;
    exit when one is null;
    continue when exists (select from pauses where case scope when 'all' then 'all' else scope || ':' || name end = one);
    select array_agg(id) into resting from
      (select id from tasks where waits_for = 'pause' and waits_detail = one order by priority, id limit 2000) few;
    ready := ready + settle_all(resting, at);
    more := true;
    return;
  end loop;
end $$;

-- How many there are of each kind and state, and how long the oldest has been. All have to be read: in their own order,
-- and not in that of an index with a sort behind it, which is what a session without sequential scans makes of it.
create function depth() returns table (kind text, state text, waits_for text, tasks bigint, oldest bigint)
language sql stable set enable_seqscan = on as $$
  select kind, state, waits_for, count(*), greatest(now_ms() - min(since), 0) from tasks group by 1, 2, 3
$$;

-- What was too much for the transaction that caused it, or met with contention there.
create function has_leftovers() returns boolean language sql stable as
$$ select exists (select from lock_rechecks) or exists (select from unreleased) $$;

-- A portion of it, in a transaction of its own. 0: nothing was done that could have made a task ready.
create function do_leftovers(at bigint) returns integer language plpgsql as $$
declare
  ends bigint[];
  ready integer := recheck_locks(at);
begin
  select array_agg(task) into ends
  from (select task from unreleased order by task limit 100 for update skip locked) few;
  if ends is null then return ready; end if;
  perform take_keys(keys_of_end(ends));
  delete from unreleased where task = any (ends);
  -- Whoever ended them has had his answer: the next tend() tells.
  insert into untold (task, kind, from_state, event, to_state, worker, detail)
  select task, kind, from_state, event, to_state, worker, detail from release_dependents(ends, at);
  return ready + 1;
end $$;

-- expected: this clock's time by the caller's own count since it last asked, or 0; calm: so long nothing is reaped where
-- the two disagree.
create function tend(history_age bigint, history_count bigint, key_memory bigint, expected bigint, calm bigint)
returns setof said
language plpgsql as $$
declare
  at bigint := now_ms();
  stepped boolean;
  lost text[] := '{}';
  orphans bigint[];
  due bigint[];
  promoted integer := 0;
  old_keys integer := 0;
  forgotten integer := 0;
  next_due bigint;
  next_lease_end bigint;
  more boolean := false;
  pauses_more boolean;
begin
  if expected > 0 and abs(at - expected) > 5000 then
    update queue set calm_until = at + calm;
    update workers set lease_until = at + lease where lease_until > at + lease;
  end if;
  stepped := is_calm(at);
  -- Nothing goes by its age by a clock that has just jumped: ten years ahead for a moment, and all of it was old.
  if stepped then
    history_age := 1::bigint << 62;
    key_memory := 1::bigint << 62;
  end if;
  if not stepped then
    with gone as (
      update workers set live = false
      where name in (select name from workers where live and lease_until <= at limit 100 for update skip locked)
      returning name
    ) select coalesce(array_agg(name order by name), '{}') into lost from gone;
    select array_agg(id) into orphans from (
      select t.id from workers w join tasks t on t.owner = w.name
      where (not w.live or t.incarnation <> w.incarnation) and coalesce(t.own_end, 0) <= at order by t.id limit 500) few;
  end if;
  if orphans is not null then
    perform take_keys(keys_of_end(orphans));
    return query select * from lose_tasks(orphans, at);
    more := cardinality(orphans) >= 500;
  end if;

  select array_agg(id) into due from
    (select id from tasks where waits_for = 'time' and due_at <= at order by due_at, id limit 1000) few;
  if due is not null then
    promoted := settle_all(due, at);
    more := more or cardinality(due) >= 1000;
  end if;
  more := sweep_pauses(at) or more;
  select e.ready, e.more into promoted, pauses_more from end_pauses(at, promoted) e;
  promoted := promoted + do_leftovers(at);

  -- They end in the order of their places: if the oldest thousand stay, so do all the others, and nobody looks at them.
  delete from history where id in (
    select id from (select id, finished_at, place from history order by place limit 1000) oldest
    where (finished_at <= at - history_age or place <= (select max(place) from history) - history_count)
      and not exists (select from unreleased where task = oldest.id));
  get diagnostics forgotten = row_count;
  delete from idempotency where (kind, key) in (
    select kind, key from idempotency where ended_at <= at - key_memory limit 1000);
  get diagnostics old_keys = row_count;
  delete from workers where not live and beat_at <= at - history_age and not exists (select from tasks where owner = name);
  more := more or pauses_more or forgotten >= 1000 or old_keys >= 1000 or has_leftovers();

  return query
    with gone as (delete from untold returning *)
    select 'change', 0, task, kind, from_state, event, to_state, true, false, worker, detail from gone order by gone.n;
  select least((select min(due_at) from tasks where waits_for = 'time'), (select min(until) from pauses)) into next_due;
  -- A row that somebody else is writing right now was passed over, and is looked at again soon.
  select greatest(min(lease_until) - at, 100) into next_lease_end from workers where live and not stepped;
  return next ('summary', 0, 0, '', null, null, 'queued', false, false, '', json_build_object(
    'at', at, 'lost', lost, 'promoted', promoted, 'forgotten', forgotten, 'more', more, 'stepped', stepped,
    'next_lease_end', next_lease_end, 'next_due', case when next_due is not null then greatest(next_due - at, 0) end))::said;
end $$;
