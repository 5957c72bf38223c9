-- The steps of a task's life that several callers share. Whoever calls holds the advisory locks of the keys that the
-- tasks may free or get (0002_locks.sql); keys that nobody foresaw are only tried.

-- What the pauses say of a task; null: it may go on.
create function paused_by(of_kind text, of_site text, at bigint) returns text language sql stable as $$
  select case scope when 'all' then 'all' else scope || ':' || name end from pauses
  where (until is null or until > at)
    and (scope = 'all' or (scope = 'kind' and name = of_kind) or (scope = 'site' and name = of_site))
  order by scope limit 1
$$;

-- Decides what a queued task waits for, first that applies: dependency, time, pause, lock.
create function settle(of_task bigint, at bigint) returns text language plpgsql as $$
declare
  t tasks;
  waits text := 'nothing';
  why text := '';
  keys text[];
begin
  select * into t from tasks where id = of_task and state = 'queued' for update;
  if not found then return null; end if;
  keys := words(t.locks);
  select min(on_task)::text into why from dependencies where task = of_task;
  if why is not null then
    waits := 'dependency';
  elsif t.due_at > at then
    waits := 'time';
  else
    why := paused_by(t.kind, t.site, at);
    if why is not null then waits := 'pause'; end if;
  end if;
  if waits = 'nothing' and cardinality(keys) > 0 and not exists (select from locks where task = of_task) then
    if not try_keys(keys) then
      waits := 'lock';
      why := keys[1];
      insert into lock_rechecks values (of_task) on conflict do nothing;
    else
      why := take_locks(of_task, t.priority, keys, 1::bigint << 62);
      if why is not null then waits := 'lock'; end if;
    end if;
    if waits = 'lock' then perform wait_for_locks(of_task, t.priority, keys); end if;
  end if;
  update tasks set waits_for = waits, waits_detail = coalesce(why, ''), since = at
  where id = of_task and (waits_for, waits_detail) is distinct from (waits, coalesce(why, ''));
  -- It holds its locks while it is ready, and its place in the line while it waits for them.
  if waits not in ('nothing', 'lock') and cardinality(keys) > 0 then
    perform let_go(array[of_task], keys, at);
  end if;
  return waits;
end $$;

-- These tasks hold no lock and wait for none any more; whoever comes next gets what they leave. `keys`: theirs.
create function let_go(of_tasks bigint[], keys text[], at bigint) returns integer language plpgsql as $$
declare
  freed text[];
  waited text[];
begin
  -- Held already but where nobody foresaw it: a deadlock is possible then, and the call is made again.
  perform take_keys(keys);
  freed := free_locks(of_tasks);
  -- One that had waited for long kept its keys free of others.
  with gone as (delete from lock_waits where task = any (of_tasks) returning key)
  select coalesce(array_agg(distinct key), '{}') into waited from gone;
  return promote_waiting(freed || waited, at);
end $$;

-- The end of one task, whatever it did before: its row goes to the history, its locks to others. Those that wait for it
-- are left as they are: release_dependents().
create function end_alone(of_task bigint, event text, final_state text, at bigint, by_actor text, code text,
                          why text) returns setof said language plpgsql as $$
declare
  t tasks;
  new_epoch bigint;
begin
  delete from tasks where id = of_task returning * into t;
  if not found then return; end if;
  new_epoch := t.epoch + case when event in ('cancelled', 'poisoned') then 1 else 0 end;
  return next ('change', 0, t.id, t.kind, t.state, event, final_state, true, false, t.worker, why)::said;
  t.timeline := t.timeline || entry(at, event, t.state, final_state, by_actor, t.worker, new_epoch, why);
  t.state := final_state;
  t.epoch := new_epoch;
  t.waits_for := null;
  t.waits_detail := '';
  t.since := at;
  t.owner := null;
  t.incarnation := null;
  t.own_end := null;
  t.stop := null;
  t.finished_at := at;
  t.error_code := code;
  insert into history select t.*;
  perform forget_task(array[t.id], array[t.id], words(t.locks), at);
end $$;

-- What those that wait for finished tasks do now: those behind a success may go on, those behind anything else fail,
-- and with them those behind them: one rank of them after the other, as a long chain would use up the stack. A thousand
-- in one transaction; the rest is left in `unreleased` to those after it (do_leftovers), and waits until then.
create function release_dependents(of_tasks bigint[], at bigint) returns setof said language plpgsql as $$
declare
  before bigint[] := of_tasks;
  failed bigint[];
  d record;
  after_state text;
  allowed integer := 1000;
begin
  while cardinality(before) > 0 loop
    failed := '{}';
    -- The waiting rows first, in one order for everybody: two that end at a time must see each other.
    for d in
      select t.id, min(p.on_task) as on_task from dependencies p join tasks t on t.id = p.task
      where p.on_task = any (before) group by t.id order by t.id limit allowed
    loop
      allowed := allowed - 1;
      perform 1 from tasks where id = d.id and state = 'queued' for update;
      continue when not found;
      select h.state, h.id into after_state, d.on_task from dependencies p join history h on h.id = p.on_task
      where p.task = d.id and h.state <> 'done' order by h.id limit 1;
      if found then
        return query select * from end_alone(d.id, 'dependency_failed', 'failed', at, 'fairlead', 'dependency',
                                             'task ' || d.on_task || ' ' || after_state);
        failed := failed || d.id;
      else
        delete from dependencies where task = d.id and on_task = any (before);
        perform settle(d.id, at);
      end if;
    end loop;
    if allowed <= 0 then
      insert into unreleased select unnest(before || failed) on conflict do nothing;
      return;
    end if;
    delete from dependencies where on_task = any (before);
    before := failed;
  end loop;
end $$;

create function end_task(of_task bigint, event text, final_state text, at bigint, by_actor text, code text,
                         why text) returns setof said language plpgsql as $$
begin
  return query select * from end_alone(of_task, event, final_state, at, by_actor, code, why);
  return query select * from release_dependents(array[of_task], at);
end $$;

-- What finished tasks leave behind in the other tables; the number of tasks that got their locks. `with_keys`: those of
-- them that have an idempotency key.
create function forget_task(of_tasks bigint[], with_keys bigint[], keys text[], at bigint) returns integer
language plpgsql as $$
begin
  if cardinality(with_keys) > 0 then
    update idempotency i set ended_at = at, state = h.state from history h
    where h.id = any (with_keys) and h.idempotency_key <> '' and i.kind = h.kind and i.key = h.idempotency_key
      and i.task = h.id;
  end if;
  delete from dependencies where task = any (of_tasks);
  if cardinality(keys) = 0 then return 0; end if;
  return let_go(of_tasks, keys, at);
end $$;

-- The end of a worker's right to these tasks: its attempt counts.
create function lose_tasks(of_tasks bigint[], at bigint) returns setof said language plpgsql as $$
declare
  t tasks;
begin
  for t in select * from tasks where id = any (of_tasks) and state in ('claimed', 'running') order by id for update loop
    if t.stop = 'cancel' then
      return query select * from end_task(t.id, 'cancelled', 'cancelled', at, 'fairlead', 'cancelled',
                                          'cancelled before its worker was lost');
    elsif t.lost_workers >= 1 then
      return query select * from end_task(t.id, 'poisoned', 'failed', at, 'fairlead', 'poison',
                                          'lost its worker twice');
    elsif t.attempt >= t.max_attempts then
      return query select * from end_task(t.id, 'gave_up', 'failed', at, 'fairlead', 'lost_worker',
                                          'lost its worker on the last attempt');
    else
      update tasks set
        state = 'queued', waits_for = 'nothing', waits_detail = '', since = at, epoch = epoch + 1,
        lost_workers = lost_workers + 1, owner = null, incarnation = null, own_end = null, stop = null,
        due_at = null,
        timeline = timeline || entry(at, 'worker_lost', t.state, 'queued', 'fairlead', t.worker, t.epoch + 1,
                                     'its worker did not renew its lease')
      where id = t.id;
      perform settle(t.id, at);
      return next ('change', 0, t.id, t.kind, t.state, 'worker_lost', 'queued', true, false, t.worker,
                   'its worker did not renew its lease')::said;
    end if;
  end loop;
end $$;

-- The keys that the end of these tasks may need: theirs, of who waits for those, and of who waits for these tasks.
create function keys_freed(own text[], of_tasks bigint[]) returns text[] language plpgsql stable as $$
declare
  behind text[];
begin
  select array_agg(key) into behind
  from dependencies p join tasks t on t.id = p.task, unnest(words(t.locks)) key where p.on_task = any (of_tasks);
  if own is null and behind is null then return '{}'; end if;
  return keys_around(own || behind);
end $$;
create function keys_of_end(of_tasks bigint[]) returns text[] language sql stable as $$
  select keys_freed((select array_agg(key) from tasks, unnest(words(locks)) key
                     where id = any (of_tasks) and locks <> ''), of_tasks)
$$;
