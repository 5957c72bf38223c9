-- What has ended goes by its age, but not by a clock that has just jumped: ten years ahead for a moment, and the whole
-- history was old.
create or replace function tend(history_age bigint, history_count bigint, key_memory bigint, expected bigint, calm bigint)
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
  more boolean := false;
  pauses_more boolean;
begin
  if expected > 0 and abs(at - expected) > 5000 then
    update queue set calm_until = at + calm;
    update workers set lease_until = at + lease where lease_until > at + lease;
  end if;
  stepped := is_calm(at);
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
  promoted := promoted + recheck_locks(at);

  delete from history where id in (
    select id from history
    where finished_at <= at - history_age or place <= (select max(place) from history) - history_count
    order by place limit 1000);
  get diagnostics forgotten = row_count;
  delete from idempotency where (kind, key) in (
    select kind, key from idempotency where ended_at <= at - key_memory limit 1000);
  get diagnostics old_keys = row_count;
  more := more or pauses_more or forgotten >= 1000 or old_keys >= 1000 or exists (select from lock_rechecks);

  return query
    with gone as (delete from untold returning *)
    select 'change', 0, task, kind, from_state, event, to_state, true, false, worker, detail from gone order by gone.n;
  select least((select min(due_at) from tasks where waits_for = 'time'), (select min(until) from pauses)) into next_due;
  return next ('summary', 0, 0, '', null, null, 'queued', false, false, '', json_build_object(
    'at', at, 'lost', lost, 'promoted', promoted, 'forgotten', forgotten, 'more', more, 'stepped', stepped,
    'next_due', case when next_due is not null then greatest(next_due - at, 0) end))::said;
end $$;
