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

KNOWN = 2000  # ms from the finding that the clock has jumped to the end of the transaction that tells of it, on a busy machine
POSTGRES = """
create schema observed;
create table observed.log (seq bigserial primary key, op text, place text, id bigint, new jsonb, lease jsonb);
-- When somebody found that the clock had jumped. Who was at work by then had looked before; and it is known to others
-- with the transaction's end.
create table observed.jump (noted bigint);
insert into observed.jump values (0);
create function observed.jumped() returns trigger language plpgsql as $$
begin
  update observed.jump set noted = (extract(epoch from clock_timestamp()) * 1000)::bigint;
  return null;
end $$;
create trigger observed after update of calm_until on {schema}.queue for each row execute function observed.jumped();
create function observed.note() returns trigger language plpgsql as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  owned jsonb := case when before->>'owner' is not null then before else after end;
  lease jsonb;
  at bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
  began bigint := (extract(epoch from statement_timestamp()) * 1000)::bigint;
begin
  if owned->>'owner' is not null then
    select jsonb_build_object('live', w.live,
                              'calm', q.calm_until > at and q.calm_until <= at + 86400000 and j.noted + {known} <= began,
                              'left', case when q.calm_until > at then null else w.lease_until - at end)
    into lease from {schema}.workers w, {schema}.queue q, observed.jump j
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
    server.sql(POSTGRES.format(schema=schema, known=KNOWN))


def rows_of_postgres(server):
    text = server.sql("select json_build_object('what', 'row', 'seq', seq, 'op', op, 'table', place, 'id', id, 'new', new, "
                      "'lease', lease)::text from observed.log order by seq")
    return [json.loads(line) for line in text.splitlines()]


def watch_sqlite(path):
    """Its leases are of CLOCK_BOOTTIME, which SQL cannot read: of those only `live` is known. The rows are copied column by
    column, as the daemon trusts no function in a schema."""
    with sqlite3.connect(path, timeout=30) as store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(tasks)")]
        store.execute("CREATE TABLE observed (seq INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT, place TEXT, live INTEGER, "
                      f"{', '.join(columns)})")
        for table in ("tasks", "history"):
            for operation, row, owner in (("INSERT", "NEW", "NEW"), ("UPDATE", "NEW", "OLD"), ("DELETE", "OLD", "OLD")):
                # Who had it before; of a claim, who has it now.
                live = _live(owner)
                if operation == "UPDATE":
                    live = f"CASE WHEN OLD.owner IS NULL THEN {_live('NEW')} ELSE {live} END"
                store.execute(f"CREATE TRIGGER observed_{table}_{operation.lower()} AFTER {operation} ON {table} BEGIN "
                              f"INSERT INTO observed (op, place, live, {', '.join(columns)}) VALUES ('{operation.lower()}', "
                              f"'{table}', {live}, {', '.join(f'{row}.{name}' for name in columns)}); END")
    store.close()


def _live(row):
    """Null: nobody has it. 0: whoever has it, that incarnation is gone."""
    return (f"(CASE WHEN {row}.owner IS NOT NULL THEN coalesce((SELECT live FROM workers WHERE name = {row}.owner AND "
            f"incarnation = {row}.incarnation), 0) END)")


def rows_of_sqlite(path):
    with sqlite3.connect(path, timeout=30) as store:
        cursor = store.execute("SELECT * FROM observed ORDER BY seq")
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row)) for row in cursor]
    store.close()
    own = ("seq", "op", "place", "live")
    return [{"what": "row", "seq": row["seq"], "op": row["op"], "table": row["place"], "id": row["id"],
             "new": None if row["op"] == "delete" else {name: value for name, value in row.items() if name not in own},
             "lease": None if row["live"] is None else {"live": bool(row["live"]), "left": None}} for row in found]


def effects_of(ledger):
    """A line that was cut by a crash of the machine cannot be: only programs are killed here, and a line is one write."""
    return [json.loads(line) for line in ledger.read_text().splitlines()]
