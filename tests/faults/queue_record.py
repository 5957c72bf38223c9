"""What scripts/faults queue records outside of the daemon: a trigger on the store's tables, and the program of each task."""
import json
import sqlite3

# Notes its begin, that it is at work, and its end, each a line that is one write; begin and end are on the disk.
EFFECT = """#!/usr/bin/python3 -IS
import json, os, sys, time
told = json.load(sys.stdin)
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
own = {"what": "effect", "token": told["token"]}
own |= {key: int(os.environ["FAIRLEAD_" + key.upper()]) for key in ("epoch", "attempt")}
own["id"] = int(os.environ["FAIRLEAD_TASK_ID"])
def note(step):
    now = {"step": step, "time": time.clock_gettime(time.CLOCK_BOOTTIME), "wall": time.time()}
    os.write(ledger, (json.dumps(own | now) + "\\n").encode())
    if step != "alive":
        os.fsync(ledger)
note("begin")
until = time.monotonic() + told["work"]
while time.monotonic() < until:
    time.sleep(min(0.1, told["work"]))
    note("alive")
note("end")
sys.exit(0 if own["attempt"] >= told["good_from"] else 3)
"""

POSTGRES = """
create schema observed;
create table observed.log (seq bigserial primary key, op text, place text, id bigint, new jsonb, lease jsonb);
create function observed.note() returns trigger language plpgsql as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  owned jsonb := case when before->>'owner' is not null then before else after end;
  lease jsonb;
  at bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
begin
  if owned->>'owner' is not null then
    select jsonb_build_object('live', w.live, 'left', case when q.calm_until > at then null else w.lease_until - at end)
    into lease from {schema}.workers w, {schema}.queue q
    where w.name = owned->>'owner' and w.incarnation = (owned->>'incarnation')::bigint;
    lease := coalesce(lease, '{{"live": false, "left": null}}');
  end if;
  insert into observed.log (op, place, id, new, lease)
  values (lower(tg_op), tg_table_name, coalesce(after->>'id', before->>'id')::bigint, after, lease);
  return null;
end $$;
create trigger observed after insert or update or delete on {schema}.tasks for each row execute function observed.note();
create trigger observed after insert or update or delete on {schema}.history for each row execute function observed.note();
"""


def watch_postgres(server):
    schema = server.sql("select nspname from pg_class join pg_namespace n on n.oid = relnamespace where relname = 'tasks'")
    server.sql(POSTGRES.format(schema=schema))


def rows_of_postgres(server):
    text = server.sql("select json_build_object('what', 'row', 'seq', seq, 'op', op, 'table', place, 'id', id, 'new', new, "
                      "'lease', lease)::text from observed.log order by seq")
    return [json.loads(line) for line in text.splitlines()]


def watch_sqlite(path):
    """Its leases are of CLOCK_BOOTTIME, which SQL cannot read: of those only `live` is known."""
    with sqlite3.connect(path, timeout=30) as store:
        store.execute("CREATE TABLE observed (seq INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT, place TEXT, id INTEGER, "
                      "new TEXT, live INTEGER)")
        for table in ("tasks", "history"):
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
            values = "json_object(" + ", ".join(f"'{name}', NEW.{name}" for name in columns) + ")"
            for operation, row, new in (("INSERT", "NEW", values), ("UPDATE", "NEW", values), ("DELETE", "OLD", "NULL")):
                owner = "OLD" if operation == "DELETE" else "NEW"
                if operation == "UPDATE":
                    owner = "OLD.owner IS NOT NULL", "OLD", "NEW"
                store.execute(f"CREATE TRIGGER observed_{table}_{operation.lower()} AFTER {operation} ON {table} BEGIN "
                              f"INSERT INTO observed (op, place, id, new, live) VALUES ('{operation.lower()}', '{table}', "
                              f"{row}.id, {new}, {_live(owner)}); END")
    store.close()


def _live(owner):
    def of(row):
        return (f"(SELECT CASE WHEN {row}.owner IS NULL THEN NULL ELSE coalesce((SELECT live FROM workers WHERE "
                f"name = {row}.owner AND incarnation = {row}.incarnation), 0) END)")

    if isinstance(owner, tuple):
        return f"CASE WHEN {owner[0]} THEN {of(owner[1])} ELSE {of(owner[2])} END"
    return of(owner)


def rows_of_sqlite(path):
    with sqlite3.connect(path, timeout=30) as store:
        found = store.execute("SELECT seq, op, place, id, new, live FROM observed ORDER BY seq").fetchall()
    store.close()
    return [{"what": "row", "seq": seq, "op": operation, "table": table, "id": number, "new": new and json.loads(new),
             "lease": None if live is None else {"live": bool(live), "left": None}}
            for seq, operation, table, number, new, live in found]


def effects_of(ledger):
    """A line that was cut by a crash of the machine cannot be: only programs are killed here, and a line is one write."""
    return [json.loads(line) for line in ledger.read_text().splitlines()]
