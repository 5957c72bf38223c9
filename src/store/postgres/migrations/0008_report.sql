-- A cancel that was asked for while the report of a failure was under way was acknowledged and lost: what the report
-- saw of the task was from before, and the task came back into the queue.
create or replace function report(by_worker text, by_incarnation bigint, ids bigint[], epochs bigint[], outcomes text[],
                       begun boolean[], delays bigint[], results text[], codes text[], details text[])
returns setof said language plpgsql as $$
#variable_conflict use_column
declare
  at bigint := now_ms();
  live boolean;
  made said[];
  ended bigint[];
  with_key bigint[];
  with_locks bigint[];
  keys text[] := keys_of_end(ids);
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
  -- All that end, in one statement.
  with gone as (
    delete from tasks t using unnest(ids, epochs, outcomes, begun, results, codes, details) with ordinality
      s (s_id, s_epoch, outcome, begun, s_result, s_code, s_detail, n)
    where t.id = s_id and t.epoch = s_epoch and (t.owner = by_worker) is true and t.incarnation = by_incarnation
      and (live or t.own_end > at)
      and (outcome in ('done', 'failed', 'cancelled') or t.stop = 'cancel'
           or (outcome = 'again' and t.attempt >= t.max_attempts))
    returning t.*, s.*
  ), judged as (
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
           || '["' || case ends when 'done' then 'succeeded' when 'failed' then 'gave_up' else 'cancelled' end
           || '",' || at || ',"' || case when starts then 'running' else state end || '","' || ends || '",'
           || epoch + (ends = 'cancelled')::integer || line_by || to_json(s_detail) || e']\n'
    from judged
  )
  select array_agg(('report', n::integer, id, kind, state,
                    case ends when 'done' then 'succeeded' when 'failed' then 'gave_up' else 'cancelled' end, ends, true,
                    starts, by_worker, s_detail)::said order by n),
         array_agg(id), array_agg(id) filter (where idempotency_key <> ''), array_agg(id) filter (where locks <> '')
  into made, ended, with_key, with_locks from judged;
  return query select * from unnest(made);

  -- The rest, where there is any: those that come back into the queue, and those that change nothing.
  if coalesce(cardinality(made), 0) < cardinality(ids) then
    for back in
      select k.id, k.kind, k.state, k.epoch, s.* from tasks k
      join unnest(ids, epochs, outcomes, begun, delays, results, codes, details) with ordinality
        s (s_id, s_epoch, outcome, begun, delay, s_result, s_code, s_detail, n) on k.id = s_id and k.epoch = s_epoch
      where (k.owner = by_worker) is true and k.incarnation = by_incarnation and (live or k.own_end > at)
      order by n for update of k
    loop
      perform come_back(back.id, back.outcome, back.begun, back.delay, back.s_result, back.s_code, back.s_detail,
                        by_worker, at);
      made := made || ('report', back.n, back.id, back.kind, back.state,
                       case back.outcome when 'again' then 'retry' else 'handed_back' end, 'queued', true,
                       back.begun and back.state = 'claimed', by_worker, back.s_detail)::said;
      return next made[cardinality(made)];
    end loop;

    return query
      select r.* from unnest(ids, epochs, outcomes, results) with ordinality s (s_id, s_epoch, outcome, s_result, n)
      cross join lateral refuse_report(s.n::integer, s_id, s_epoch, outcome, by_worker, s_result, at) r
      where s.n <> all (coalesce((select array_agg(m.n) from unnest(made) m), '{}'));
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
  -- Contention left some to be looked at again.
  if exists (select from lock_rechecks) then
    return next ('summary', 0, 0, '', null, 'recheck', 'queued', true, false, '', '')::said;
  end if;
end $$;
