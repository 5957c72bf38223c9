-- What a worker says and gets, and workers themselves. Each task that a worker names is to be looked up by its id,
-- whatever the planner believes of owners: at the last ANALYZE there may have been none, or a million. So it is told
-- nothing of them (a case has no statistics), and has no other way to join.

-- Whether this incarnation may write; its row cannot change before the transaction ends.
create function lease_is_live(of_worker text, of_incarnation bigint, at bigint) returns boolean
language plpgsql as $$
declare
  w workers;
begin
  select * into w from workers where name = of_worker and incarnation = of_incarnation for share;
  if not found or not w.live then return false; end if;
  return w.lease_until > at or is_calm(at);
end $$;

create function is_his(t tasks, by_worker text, by_incarnation bigint, live boolean, at bigint) returns boolean
language sql immutable as $$
  select case when t.owner = by_worker and t.incarnation = by_incarnation then live or t.own_end > at else false end
$$;

create function say_started(by_worker text, by_incarnation bigint, ids bigint[], epochs bigint[])
returns setof said language plpgsql as $$
declare
  at bigint := now_ms();
  live boolean := lease_is_live(by_worker, by_incarnation, at);
begin
  return query
    update tasks t set
      state = 'running', since = at, started_at = at,
      timeline = timeline || entry(at, 'started', 'claimed', 'running', 'worker:' || by_worker, by_worker, t.epoch, '')
    from unnest(ids, epochs) s (id, epoch)
    where t.id = s.id and t.epoch = s.epoch
      and case when t.state = 'claimed' then is_his(t, by_worker, by_incarnation, live, at) else false end
    returning 'change', 0, t.id, t.kind, 'claimed', 'started', 'running', true, false, by_worker, '';
end $$;

-- A report that changes nothing: said again, or late.
create function refuse_report(n integer, of_task bigint, of_epoch bigint, outcome text, by_worker text, result text,
                              at bigint) returns said language plpgsql as $$
declare
  found_state text;
  found_epoch bigint;
  found_worker text;
  again boolean;
  line text := note('late_report', at, 'worker:' || by_worker, by_worker, of_epoch, result);
begin
  select state, epoch, worker into found_state, found_epoch, found_worker from tasks where id = of_task for update;
  if found then
    -- Its first answer was lost on the way.
    again := found_state = 'queued' and outcome in ('again', 'handed_back') and found_epoch = of_epoch + 1
             and found_worker = by_worker;
    if not again then update tasks set timeline = timeline || line where id = of_task; end if;
  else
    select state, epoch, worker into found_state, found_epoch, found_worker from history where id = of_task;
    again := coalesce(found_worker = by_worker and case outcome
      when 'done' then found_state = 'done' and found_epoch = of_epoch
      when 'cancelled' then found_state = 'cancelled' and found_epoch = of_epoch + 1
      else found_state = 'failed' and found_epoch = of_epoch and outcome in ('failed', 'again') end, false);
    if not again then update history set timeline = timeline || line where id = of_task; end if;
  end if;
  return ('report', n, of_task, null, null, null, coalesce(found_state, 'queued'), again, false, by_worker, '')::said;
end $$;

-- The event that ends a worker's task in this state.
create function event_of_end(of_state text) returns text language sql immutable as
$$ select case of_state when 'done' then 'succeeded' when 'failed' then 'gave_up' else 'cancelled' end $$;

create function report(by_worker text, by_incarnation bigint, ids bigint[], epochs bigint[], outcomes text[],
                       begun boolean[], delays bigint[], results text[], codes text[], details text[])
returns setof said language plpgsql as $$
#variable_conflict use_column
declare
  at bigint := now_ms();
  live boolean;
  numbers bigint[];  -- of the reports that ended a task; the next five go with it
  ended bigint[];
  kinds text[];
  states text[];
  ends text[];
  starts boolean[];
  with_key bigint[];
  with_locks bigint[];
  -- A task that is at work holds all its locks.
  keys text[] := keys_freed((select array_agg(key) from locks where task = any (ids)), ids);
  back record;
  freed integer := 0;
  -- As in claim().
  line_start text := '["started",' || at || ',"claimed","running",';
  line_by text := ',' || to_json('worker:' || by_worker) || ',' || to_json(by_worker) || ',';
begin
  perform take_keys(keys);
  live := lease_is_live(by_worker, by_incarnation, at);
  -- What comes back into the queue ends instead where its cancel was asked for, which may be happening now.
  if 'again' = any (outcomes) or 'handed_back' = any (outcomes) then
    perform from tasks where id = any (ids) order by id for update;
  end if;
  -- All that end, in one statement. A row is wide and the steps are many: none but the first copies it.
  with gone as (
    delete from tasks t using unnest(ids, epochs, outcomes, begun, results, codes, details) with ordinality
      s (s_id, s_epoch, outcome, begun, s_result, s_code, s_detail, n)
    where t.id = s_id and t.epoch = s_epoch and is_his(t, by_worker, by_incarnation, live, at)
      and (outcome in ('done', 'failed', 'cancelled') or t.stop = 'cancel'
           or (outcome = 'again' and t.attempt >= t.max_attempts))
    returning t.*, s.*
  ), judged as not materialized (
    select *, case
        when outcome = 'done' then 'done'
        when outcome = 'cancelled' or (stop = 'cancel' and outcome <> 'failed') then 'cancelled'
        else 'failed' end as ends,
      state = 'claimed' and (begun or outcome = 'done') as starts
    from gone
  ), kept as (
    insert into history
    select id, kind, route, priority, ends, null, '', null, at, epoch + (ends = 'cancelled')::integer, attempt,
           lost_workers, null, null, null, null, worker, site, locks, depends_on, capability, target, run_at, timeout,
           max_attempts, on_lease_loss, idempotency_key, actor, actor_class, trace_id, retry_of, submitted_at,
           claimed_at, coalesce(started_at, case when starts then at end), at,
           case when ends = 'cancelled' then 'cancelled' when ends = 'failed' and s_code = '' then 'runtime'
                else s_code end,
           payload, s_result,
           timeline
           || case when starts then line_start || epoch || line_by || e'""]\n' else '' end
           || '["' || event_of_end(ends) || '",' || at || ',"' || case when starts then 'running' else state end
           || '","' || ends || '",' || epoch + (ends = 'cancelled')::integer || line_by || to_json(s_detail) || e']\n'
    from judged
  )
  select array_agg(n), array_agg(id), array_agg(kind), array_agg(state), array_agg(judged.ends),
         array_agg(judged.starts), array_agg(id) filter (where idempotency_key <> ''),
         array_agg(id) filter (where locks <> '')
  into numbers, ended, kinds, states, ends, starts, with_key, with_locks from judged;
  return query
    select 'report', n::integer, s_id, kind, from_state, event_of_end(to_state), to_state, true, did_start, by_worker,
           details[n]
    from unnest(numbers, ended, kinds, states, ends, starts) made (n, s_id, kind, from_state, to_state, did_start);

  -- The rest, where there is any: those that come back into the queue, and those that change nothing.
  if coalesce(cardinality(numbers), 0) < cardinality(ids) then
    for back in
      select k.id, k.kind, k.state, k.epoch, s.* from tasks k
      join unnest(ids, epochs, outcomes, begun, delays, results, codes, details) with ordinality
        s (s_id, s_epoch, outcome, begun, delay, s_result, s_code, s_detail, n) on k.id = s_id and k.epoch = s_epoch
      where is_his(k, by_worker, by_incarnation, live, at)
      order by n for update of k
    loop
      perform come_back(back.id, back.outcome, back.begun, back.delay, back.s_result, back.s_code, back.s_detail,
                        by_worker, at);
      numbers := numbers || back.n;
      return next ('report', back.n, back.id, back.kind, back.state,
                   case back.outcome when 'again' then 'retry' else 'handed_back' end, 'queued', true,
                   back.begun and back.state = 'claimed', by_worker, back.s_detail)::said;
    end loop;

    return query
      select r.* from unnest(ids, epochs, outcomes, results) with ordinality s (s_id, s_epoch, outcome, s_result, n)
      cross join lateral refuse_report(s.n::integer, s_id, s_epoch, outcome, by_worker, s_result, at) r
      where s.n <> all (coalesce(numbers, '{}'));
  end if;

  if ended is not null then
    freed := forget_task(coalesce(with_locks, '{}'), coalesce(with_key, '{}'),
                         case when with_locks is null then '{}' else keys end, at);
    if exists (select from dependencies where on_task = any (ended)) then
      return query select * from release_dependents(ended, at);
      freed := 1;
    end if;
  end if;
  -- Others may have something to do now.
  if freed > 0 then
    return next ('summary', 0, 0, '', null, null, 'queued', true, false, '', '')::said;
  end if;
  if has_leftovers() then
    return next ('summary', 0, 0, '', null, 'leftovers', 'queued', true, false, '', '')::said;
  end if;
end $$;

create function come_back(of_task bigint, outcome text, begun boolean, delay bigint, new_result text, code text,
                          why text, by_worker text, at bigint) returns void language plpgsql as $$
begin
  update tasks t set
    timeline = timeline
      || case when begun and t.state = 'claimed'
              then entry(at, 'started', 'claimed', 'running', 'worker:' || by_worker, by_worker, t.epoch, '')
              else '' end
      || entry(at, case outcome when 'again' then 'retry' else 'handed_back' end,
               case when begun then 'running' else t.state end, 'queued', 'worker:' || by_worker, by_worker,
               t.epoch + 1, why),
    state = 'queued', waits_for = 'nothing', waits_detail = '', since = at, epoch = t.epoch + 1,
    attempt = t.attempt - (outcome = 'handed_back')::integer,
    owner = null, incarnation = null, own_end = null, stop = null,
    due_at = case when outcome = 'again' and delay > 0 then at + delay end,
    result = case when outcome = 'again' then new_result else t.result end,
    error_code = case when outcome = 'again' then code else t.error_code end
  where id = of_task;
  perform settle(of_task, at);
end $$;

-- slots: which of `mosts` a route counts against, from 1.
create function claim(by_worker text, by_incarnation bigint, routes text[], slots integer[], mosts integer[],
                      total integer) returns setof tasks language plpgsql as $$
declare
  at bigint := now_ms();
  kinds text[];
  sites text[];
  chosen tid[];  -- where they stand: their rows are locked, so nobody moves them
  -- A line of the timeline but for the epoch: entry() for each would cost more than the rest.
  line text := '["claimed",' || at || ',"queued","claimed",';
  line_end text := ',' || to_json('worker:' || by_worker) || ',' || to_json(by_worker) || e',""]\n';
begin
  if total <= 0 or not lease_is_live(by_worker, by_incarnation, at) then return; end if;
  select coalesce(array_agg(name) filter (where scope = 'kind'), '{}'),
         coalesce(array_agg(name) filter (where scope = 'site'), '{}')
  into kinds, sites from pauses where until is null or until > at;
  if exists (select from pauses where scope = 'all' and (until is null or until > at))
     or exists (select from workers where name = by_worker and (draining or site = any (sites))) then
    return;
  end if;
  -- The head of each route: nothing before it has to be passed over, but for what others claim right now.
  select array_agg(place) into chosen from (
    select place from (
      select c.*, mosts[slot] as most, row_number() over (partition by slot order by c.priority, c.id) as rank
      from unnest(routes, slots) r (route, slot)
      cross join lateral (
        select t.ctid as place, t.id, t.priority from tasks t
        where t.waits_for = 'nothing' and t.route = r.route and t.kind <> all (kinds) and t.site <> all (sites)
        order by t.priority, t.id limit least(mosts[slot], total) for update skip locked
      ) c
    ) heads
    where rank <= most order by priority, id limit total
  ) best;
  if chosen is null then return; end if;
  return query
    update tasks set
      state = 'claimed', waits_for = null, waits_detail = '', since = at, epoch = epoch + 1, attempt = attempt + 1,
      owner = by_worker, incarnation = by_incarnation, worker = by_worker, stop = null, claimed_at = at,
      started_at = null,
      own_end = case when on_lease_loss = 'continue' then at + timeout + 60000 end,
      timeline = timeline || line || (epoch + 1) || line_end
    where ctid = any (chosen)
    returning tasks.*;
end $$;

create function register_worker(of_name text, of_site text, of_node text, of_capabilities text, of_version text,
                                of_concurrency integer, of_lease bigint, keep_ids bigint[], keep_epochs bigint[])
returns bigint language plpgsql as $$
declare
  at bigint := now_ms();
  older workers;
  newer bigint;
  was_live boolean;
begin
  perform take_keys(keys_of_end(coalesce((select array_agg(id) from tasks where owner = of_name), '{}')));
  select * into older from workers where name = of_name for update;
  was_live := coalesce(older.live and older.lease_until > at, false);
  newer := nextval('incarnations');
  insert into workers values (of_name, newer, true, at + of_lease, of_lease, at, false, of_site, of_node,
                              of_capabilities, of_version, of_concurrency, at)
  on conflict (name) do update set
    incarnation = newer, live = true, lease_until = at + of_lease, lease = of_lease, beat_at = at, site = of_site,
    node = of_node, capabilities = of_capabilities, version = of_version, concurrency = of_concurrency,
    registered_at = at;
  update tasks t set incarnation = newer from unnest(keep_ids, keep_epochs) k (id, epoch)
  where t.id = k.id and t.epoch = k.epoch and t.owner = of_name and (was_live or t.own_end > at);
  insert into untold (task, kind, from_state, event, to_state, worker, detail)
  select task, kind, from_state, event, to_state, worker, detail from lose_tasks(
    coalesce((select array_agg(id) from tasks where owner = of_name and incarnation <> newer), '{}'), at);
  return newer;
end $$;

create function beat(of_name text, of_incarnation bigint, of_lease bigint)
returns table (live boolean, is_draining boolean, at bigint) language plpgsql as $$
begin
  at := now_ms();
  update workers w set lease_until = beat.at + of_lease, lease = of_lease, beat_at = beat.at
  where w.name = of_name and w.incarnation = of_incarnation and w.live
    and (w.lease_until > beat.at or is_calm(beat.at))
  returning w.draining into is_draining;
  live := found;
  is_draining := coalesce(is_draining, false);
  return next;
end $$;

-- What a worker must stop.
create function stops_of(of_worker text, of_incarnation bigint)
returns table (task bigint, task_epoch bigint, cancel boolean) language sql stable as $$
  select id, epoch, stop = 'cancel' from tasks
  where owner = of_worker and incarnation = of_incarnation and stop is not null order by id
$$;
