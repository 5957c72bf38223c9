-- Submitting.

-- The site that a pause means, from a route.
create function site_of(of_route text) returns text language sql stable as $$
  select case
    when target like 'site:%' then substr(target, 6)
    when target like 'node:%' then coalesce((select site from workers where node = substr(target, 6) limit 1), '')
    else '' end
  from (select substr(of_route, strpos(of_route, '@') + 1) target) t
$$;

-- One that is not plain. Null columns but `error` and `code`: it was refused.
create type submitted as (n integer, id bigint, existed boolean, state text, waits_for text, code text, error text);

create function submit_one(n integer, s json, fingerprint text, at bigint) returns submitted language plpgsql as $$
declare
  t tasks;
  known idempotency;
  key text := s->>'idempotency_key';
  before bigint[];
  missing bigint;
  failed record;
  waits text;
begin
  t.depends_on := s->>'depends_on';
  before := words(t.depends_on)::bigint[];
  if key <> '' then
    insert into idempotency values (s->>'kind', key, fingerprint, 0) on conflict do nothing;
    if not found then
      select * into known from idempotency i where i.kind = s->>'kind' and i.key = s->>'idempotency_key';
      if known.fingerprint <> fingerprint then
        return (n, null, null, null, null, 'conflict',
                'the idempotency key "' || key || '" is known with another content, of task ' || known.task)::submitted;
      end if;
      select id, tasks.state, tasks.waits_for into t.id, t.state, t.waits_for from tasks where id = known.task;
      return (n, known.task, true, coalesce(t.state, known.state), coalesce(t.waits_for, 'nothing'), null,
              null)::submitted;
    end if;
  end if;
  if cardinality(before) > 0 then
    -- None of them may end unseen before this is stored.
    perform 1 from tasks where id = any (before) order by id for key share;
    select d into missing from unnest(before) d
    where not exists (select from tasks where id = d) and not exists (select from history where id = d) limit 1;
    if found then
      if key <> '' then delete from idempotency i where i.kind = s->>'kind' and i.key = s->>'idempotency_key'; end if;
      return (n, null, null, null, null, 'not_found', 'there is no task ' || missing || ' to depend on')::submitted;
    end if;
  end if;
  t.id := nextval('task_ids');
  insert into tasks (id, kind, route, priority, state, waits_for, due_at, since, site, locks, depends_on, capability,
                     target, run_at, timeout, max_attempts, on_lease_loss, idempotency_key, actor, actor_class,
                     trace_id, retry_of, submitted_at, payload, timeline)
  values (t.id, s->>'kind', s->>'route', (s->>'priority')::integer, 'queued', 'nothing', (s->>'run_at')::bigint, at,
          site_of(s->>'route'), s->>'locks', t.depends_on, s->>'capability', s->>'target', (s->>'run_at')::bigint,
          (s->>'timeout')::bigint, (s->>'max_attempts')::integer, s->>'on_lease_loss', key, s->>'actor',
          s->>'actor_class', s->>'trace_id', (s->>'retry_of')::bigint, at, s->>'payload',
          entry(at, 'submitted', null, 'queued', s->>'actor', '', 0, s->>'detail'));
  if key <> '' then
    update idempotency i set task = t.id where i.kind = s->>'kind' and i.key = s->>'idempotency_key';
  end if;
  insert into dependencies select d, t.id from unnest(before) d where exists (select from tasks where id = d);
  select id, history.state into failed from history where id = any (before) and history.state <> 'done'
  order by id limit 1;
  if found then
    -- Its answer tells the state and not the change: the next tend() does.
    insert into untold (task, kind, from_state, event, to_state, worker, detail)
    select e.task, e.kind, e.from_state, e.event, e.to_state, e.worker, e.detail
    from end_task(t.id, 'dependency_failed', 'failed', at, 'fairlead', 'dependency',
                  'task ' || failed.id || ' ' || failed.state) e;
    return (n, t.id, false, 'failed', 'nothing', null, null)::submitted;
  end if;
  waits := settle(t.id, at);
  return (n, t.id, false, 'queued', waits, null, null)::submitted;
end $$;

create function submit(tasks_as_json json, fingerprints text[]) returns setof submitted language plpgsql as $$
declare
  at bigint := now_ms();
  s json;
  i integer := 0;
  keys text[];
begin
  select coalesce(array_agg(distinct key), '{}') into keys
  from json_array_elements(tasks_as_json) one, unnest(words(one->>'locks')) key;
  perform take_keys(keys);
  for s in select * from json_array_elements(tasks_as_json) loop
    i := i + 1;
    return next submit_one(i, s, fingerprints[i], at);
  end loop;
end $$;

-- Tasks without locks, dependencies, time and idempotency key: in one statement.
create function submit_plain(tasks_as_json json) returns setof submitted language sql as $$
  with given as (
    select row_number() over () n, one.*, case when route like '%@' then '' else site_of(route) end site
    from json_to_recordset(tasks_as_json) one (
      kind text, route text, priority integer, capability text, target text, timeout bigint, max_attempts integer,
      on_lease_loss text, actor text, actor_class text, trace_id text, retry_of bigint, payload text, detail text)
  ), placed as (
    select *, case when exists (select from pauses) then paused_by(kind, site, at) end pause
    from given, (select now_ms() at offset 0) clock
  ), made as (
    insert into tasks (id, kind, route, priority, state, waits_for, waits_detail, since, site, locks, depends_on,
                       capability, target, timeout, max_attempts, on_lease_loss, idempotency_key, actor, actor_class,
                       trace_id, retry_of, submitted_at, payload, timeline)
    select nextval('task_ids'), kind, route, priority, 'queued', case when pause is null then 'nothing' else 'pause' end,
           coalesce(pause, ''), at, site, '', '', capability, target, timeout, max_attempts, on_lease_loss, '', actor,
           actor_class, trace_id, retry_of, at, payload,
           -- As entry() has it, which would cost more than the rest.
           '["submitted",' || at || ',"","queued",0,' || to_json(actor) || ',"",' || to_json(detail) || e']\n'
    from placed order by n
    returning id, waits_for
  )
  select (row_number() over (order by id))::integer, id, false, 'queued', waits_for, null::text, null::text from made
$$;
