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

-- Who waits for `one` and could have all its keys once `freed` are free, first in line first. However long the line is:
-- who waits for something else too blocks nobody behind it.
create function could_go(one text, freed text[]) returns table (task bigint, rank bigint) language sql stable as $$
  select w.task, w.rank
  from (select * from lock_waits where key = one order by rank, priority, lock_waits.task limit 2000) w
  where not exists (
      select from lock_waits own join locks l on l.key = own.key where own.task = w.task and l.key <> all (freed))
    and not exists (
      select from lock_waits own
      cross join lateral (
        select rank, lock_waits.task from lock_waits where key = own.key order by rank, priority, lock_waits.task limit 1) first
      where own.task = w.task and first.task <> w.task and first.rank < w.rank)
  order by w.rank, w.priority, w.task limit 4
$$;

-- Null: the task has them now. Else the key that it cannot have: another task holds it, or a task that has waited
-- for long reserves it. The advisory locks of `keys` are held.
create function take_locks(of_task bigint, own_priority integer, keys text[], own_rank bigint) returns text
language plpgsql as $$
declare
  blocked text;
  passed record;
begin
  select key into blocked from (
    select l.key from locks l where l.key = any (keys) and l.task <> of_task
    union all
    select w.key from lock_waits w where w.key = any (keys) and w.rank < own_rank and w.task <> of_task
  ) busy order by key limit 1;
  if blocked is not null then return blocked; end if;
  insert into locks select key, of_task from unnest(keys) key on conflict do nothing;
  -- Who stood first in a line and sees the key go to somebody behind him so often gets his keys kept free.
  for passed in
    with first as (
      select f.* from unnest(keys) k
      cross join lateral (select * from lock_waits where key = k order by rank, priority, task limit 1) f
      where f.rank = 1::bigint << 62 and (f.priority, f.task) < (own_priority, of_task)
    )
    update lock_waits w set passed_over = w.passed_over + 1 from first f
    where (w.key, w.rank, w.priority, w.task) = (f.key, f.rank, f.priority, f.task)
    returning w.task, w.passed_over as times
  loop
    if passed.times >= 16 and try_keys(keys_of(passed.task)) then
      update lock_waits set rank = task where task = passed.task;
    end if;
  end loop;
  return null;
end $$;

create function wait_for_locks(of_task bigint, own_priority integer, keys text[]) returns void language sql as $$
  insert into lock_waits select key, 1::bigint << 62, own_priority, of_task, 0 from unnest(keys) key
  on conflict do nothing
$$;

-- One task that waits for locks. The advisory locks of its keys are held.
create function try_waiting(of_task bigint, at bigint) returns boolean language plpgsql as $$
declare
  t tasks;
  own_rank bigint;
  blocked text;
begin
  select min(rank) into own_rank from lock_waits where task = of_task;
  if own_rank is null then return false; end if;
  select * into t from tasks where id = of_task and waits_for = 'lock' for update;
  if not found then
    delete from lock_waits where task = of_task;
    return false;
  end if;
  blocked := take_locks(of_task, t.priority, words(t.locks), own_rank);
  if blocked is null then
    delete from lock_waits where task = of_task;
    update tasks set waits_for = 'nothing', waits_detail = '', since = at where id = of_task;
    return true;
  end if;
  update tasks set waits_detail = blocked where id = of_task and waits_detail <> blocked;
  return false;
end $$;

create function keys_of(of_task bigint) returns text[] language sql stable as
$$ select coalesce((select words(locks) from tasks where id = of_task), '{}') $$;

-- Looks at those who wait for keys that became free: each goes to one at most. The advisory locks of `freed` are held.
create function promote_waiting(freed text[], at bigint) returns integer language plpgsql as $$
declare
  one text;
  waiting bigint;
  promoted integer := 0;
begin
  if cardinality(freed) = 0 then return 0; end if;
  foreach one in array freed loop
    continue when exists (select from locks where key = one);  -- it went with another one
    for waiting in select task from could_go(one, '{}') loop
      if not try_keys(keys_of(waiting)) then
        insert into lock_rechecks values (waiting) on conflict do nothing;
      elsif try_waiting(waiting, at) then
        promoted := promoted + 1;
        exit;
      end if;
    end loop;
  end loop;
  return promoted;
end $$;

-- The keys that a transaction will need that frees `freed`: those, and those of who may get them.
create function keys_around(freed text[]) returns text[] language sql stable as $$
  with waiting as (
    select task from unnest(freed) one cross join lateral could_go(one, freed)
  )
  select coalesce(array_agg(distinct key), '{}') from (
    select unnest(freed) key
    union all
    select unnest(keys_of(task)) from waiting
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
  promoted integer := 0;
begin
  select array_agg(task) into waiting from (select task from lock_rechecks order by task limit 64) few;
  if waiting is null then return 0; end if;
  perform take_keys(
    coalesce((select array_agg(key) from tasks, unnest(words(locks)) key where id = any (waiting)), '{}'));
  foreach of_task in array waiting loop
    delete from lock_rechecks where task = of_task;
    if try_waiting(of_task, at) then promoted := promoted + 1; end if;
  end loop;
  return promoted;
end $$;
