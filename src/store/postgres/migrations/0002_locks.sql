-- Locks. Rules that keep them exact and free of deadlocks:
--  * Who looks at a key's holder or its waiters holds the key's advisory lock until its transaction ends.
--  * A transaction takes all that it knows to need at once, in sorted order, and before any row of `tasks`
--    (take_keys); what turns out to be needed later is only tried. Where that fails the waiting task is noted in
--    lock_rechecks, and looked at again by a transaction of its own (recheck_locks).
--  * A task takes all its locks or none.

create function take_keys(keys text[]) returns void language plpgsql as $$
declare
  one integer;
begin
  for one in select distinct hashtext(key) from unnest(keys) key order by 1 loop
    perform pg_advisory_xact_lock(70217, one);
  end loop;
end $$;

create function try_keys(keys text[]) returns boolean language plpgsql as $$
declare
  key text;
begin
  foreach key in array keys loop
    if not pg_try_advisory_xact_lock(70217, hashtext(key)) then return false; end if;
  end loop;
  return true;
end $$;

-- Who waits for one of `keys`, first in line first; of each key so many, so that a long line costs no more than a
-- short one.
create function first_in_line(keys text[]) returns table (task bigint, rank bigint, priority integer)
language sql stable as $$
  select w.task, min(w.rank), min(w.priority)
  from unnest(keys) k
  cross join lateral (select * from lock_waits where key = k order by rank, priority, lock_waits.task limit 16) w
  group by w.task order by 2, 3, 1
$$;

-- Null: the task has them now. Else the key that it cannot have: another task holds it, or a task that has waited
-- for long reserves it. The advisory locks of `keys` are held.
create function take_locks(of_task bigint, keys text[], own_rank bigint) returns text language plpgsql as $$
declare
  blocked text;
begin
  select key into blocked from (
    select l.key from locks l where l.key = any (keys) and l.task <> of_task
    union all
    select w.key from lock_waits w where w.key = any (keys) and w.rank < own_rank and w.task <> of_task
  ) busy order by key limit 1;
  if blocked is not null then return blocked; end if;
  insert into locks select key, of_task from unnest(keys) key on conflict do nothing;
  return null;
end $$;

create function wait_for_locks(of_task bigint, own_priority integer, keys text[]) returns void language sql as $$
  insert into lock_waits select key, 1::bigint << 62, own_priority, of_task, 0 from unnest(keys) key
  on conflict do nothing
$$;

-- One task that waits for locks. The advisory locks of its keys are held.
create function try_waiting(of_task bigint, own_rank bigint, at bigint) returns boolean language plpgsql as $$
declare
  t tasks;
  blocked text;
begin
  select * into t from tasks where id = of_task and waits_for = 'lock' for update;
  if not found then
    delete from lock_waits where task = of_task;
    return false;
  end if;
  blocked := take_locks(of_task, words(t.locks), own_rank);
  if blocked is null then
    delete from lock_waits where task = of_task;
    update tasks set waits_for = 'nothing', waits_detail = '', since = at where id = of_task;
    return true;
  end if;
  -- Passed over eight times it comes first, and its keys are kept free for it.
  update lock_waits set passed_over = passed_over + 1, rank = case when passed_over >= 7 then of_task else rank end
  where task = of_task;
  update tasks set waits_detail = blocked where id = of_task and waits_detail <> blocked;
  return false;
end $$;

-- Looks at those who wait for keys that became free. The advisory locks of `freed` are held.
create function promote_waiting(freed text[], at bigint) returns integer language plpgsql as $$
declare
  w record;
  keys text[];
  promoted integer := 0;
begin
  if cardinality(freed) = 0 then return 0; end if;
  for w in select * from first_in_line(freed) loop
    select words(locks) into keys from tasks where id = w.task;
    if try_keys(coalesce(keys, '{}')) then
      if try_waiting(w.task, w.rank, at) then promoted := promoted + 1; end if;
    else
      insert into lock_rechecks values (w.task) on conflict do nothing;
    end if;
  end loop;
  return promoted;
end $$;

-- The keys that a transaction will need that frees `freed`: those, and those of who may get them.
create function keys_around(freed text[]) returns text[] language sql stable as $$
  select coalesce(array_agg(distinct key), '{}') from (
    select unnest(freed) key
    union all
    select unnest(words(t.locks)) from first_in_line(freed) w join tasks t on t.id = w.task
  ) needed
$$;

create function free_locks(of_tasks bigint[]) returns text[] language sql as $$
  with gone as (delete from locks where task = any (of_tasks) returning key)
  select coalesce(array_agg(key), '{}') from gone
$$;

-- A transaction of its own.
create function recheck_locks(at bigint) returns integer language plpgsql as $$
declare
  waiting bigint[];
  of_task bigint;
  own_rank bigint;
  promoted integer := 0;
begin
  select array_agg(task) into waiting from (select task from lock_rechecks order by task limit 64) few;
  if waiting is null then return 0; end if;
  perform take_keys(coalesce((select array_agg(key) from tasks, unnest(words(locks)) key where id = any (waiting)), '{}'));
  foreach of_task in array waiting loop
    delete from lock_rechecks where task = of_task;
    select min(rank) into own_rank from lock_waits where task = of_task;
    if own_rank is not null and try_waiting(of_task, own_rank, at) then promoted := promoted + 1; end if;
  end loop;
  return promoted;
end $$;
