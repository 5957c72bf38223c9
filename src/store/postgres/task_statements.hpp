// The SQL that the task store sends. What they call stands in migrations/; session settings in
// connection_io.cpp make "fairlead" the schema.
#pragma once
#include "store/postgres/pipeline.hpp"

namespace fairlead::store::postgres::statements {

// In the order of task_of() (task_rows.hpp).
#define FAIRLEAD_TASK_COLUMNS(payload, own_end, timeline)                                                  \
  "id, kind, route, priority, state, waits_for, waits_detail, epoch, attempt, lost_workers, worker, stop," \
  " locks, depends_on, capability, target, run_at, timeout, max_attempts, on_lease_loss, idempotency_key," \
  " actor, actor_class, trace_id, retry_of, submitted_at, due_at, claimed_at, started_at, finished_at,"    \
  " error_code, " payload ", " own_end ", " timeline ", result"

inline constexpr Statement kSubmit{"fl_submit", "select * from submit($1::json, $2::text[])"};
inline constexpr Statement kSubmitPlain{"fl_submit_plain", "select * from submit_plain($1::json) order by n"};
// After the commit, in a transaction of its own that does not wait for the disk: NOTIFY in the transaction
// that inserts makes all commits queue up behind each other.
inline constexpr Statement kLazily{"fl_lazily", "select set_config('synchronous_commit', 'off', true)"};
inline constexpr Statement kNotify{
    "fl_notify",
    "select pg_notify('fairlead_tasks', case when $1 = '' then last_value::text else $1 end)"
    " from task_ids"};

inline constexpr Statement kStarted{"fl_started",
                                    "select * from say_started($1, $2::bigint, $3::bigint[], "
                                    "$4::bigint[])"};
inline constexpr Statement kReport{
    "fl_report",
    "select * from report($1, $2::bigint, $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], "
    "$7::bigint[], $8::text[], $9::text[], $10::text[])"};
inline constexpr Statement kClaim{
    "fl_claim", "select " FAIRLEAD_TASK_COLUMNS("payload", "own_end - claimed_at", "''") 
                " from claim($1, $2::bigint, $3::text[], $4::integer[], $5::integer[], $6::integer)"
                " order by priority, id"};
// Null columns: nothing is to be stopped.
inline constexpr Statement kStanding{
    "fl_standing",
    "select live, task, task_epoch, cancel from lease_is_live($1, $2::bigint, now_ms()) live"
    " left join stops_of($1, $2::bigint) on true"};

// In a transaction of its own (0006_operators.sql).
inline constexpr Statement kDoLeftovers{"fl_do_leftovers", "select do_leftovers(now_ms())"};
inline constexpr Statement kHasLeftovers{"fl_has_leftovers", "select has_leftovers()"};

inline constexpr Statement kRegister{
    "fl_register",
    "select register_worker($1, $2, $3, $4, $5, $6::integer, $7::bigint, $8::bigint[], "
    "$9::bigint[])"};
inline constexpr Statement kBeat{"fl_beat", "select * from beat($1, $2::bigint, $3::bigint)"};
inline constexpr Statement kLeave{
    "fl_leave",
    "update workers set live = false, lease_until = now_ms() where name = $1 and incarnation = $2::bigint"};
inline constexpr Statement kTend{
    "fl_tend", "select * from tend($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint)"};

inline constexpr Statement kFind{
    "fl_find", "select " FAIRLEAD_TASK_COLUMNS("payload", "null", "timeline") 
               " from tasks where id = $1::bigint union all select " FAIRLEAD_TASK_COLUMNS(
                   "payload", "null", "timeline") " from history where id = $1::bigint"};
// $1 states, $2 kind, $3 worker, $4 waits_for, $5 before, $6 most. Which of the two tables can hold any is
// decided by the states, once.
#define FAIRLEAD_LIST_FROM(table, states)                                                    \
  "(select * from " table " where $1::text[] && '" states                                    \
  "' and state = any ($1::text[])"                                                           \
  " and ($2 = '' or kind = $2) and ($3 = '' or worker = $3) and ($4 = '' or waits_for = $4)" \
  " and ($5::bigint = 0 or id < $5::bigint) order by id desc limit $6::integer) " table
inline constexpr Statement kList{
    "fl_list",
    "select " FAIRLEAD_TASK_COLUMNS("''", "null", "''") 
    " from " FAIRLEAD_LIST_FROM("tasks", "{awaiting_approval,queued,claimed,running}")
    " union all select " FAIRLEAD_TASK_COLUMNS("''", "null", "''") 
    " from " FAIRLEAD_LIST_FROM("history", "{done,failed,cancelled}") " order by id desc limit $6::integer"};
inline constexpr Statement kOrder{"fl_order", "select * from order_task($1::bigint, $2, $3, $4)"};
inline constexpr Statement kPause{"fl_pause", "select pause($1, $2, $3::bigint, $4, $5)"};
inline constexpr Statement kResume{"fl_resume", "delete from pauses where scope = $1 and name = $2"};
inline constexpr Statement kPauses{
    "fl_pauses", "select scope, name, until, actor, why, since from pauses order by since, scope, name"};
inline constexpr Statement kStats{
    "fl_stats", "select kind, state, waits_for, tasks, oldest from depth() order by 1, 2, 3"};
// A history of more than that is told from its ends: only the oldest go, so its numbers have no gaps to speak
// of.
inline constexpr Statement kTotals{
    "fl_totals",
    "select case when (select count(*) from (select from history limit 100001) few) <= 100000"
    " then (select count(*) from history)"
    " else (select max(place) - min(place) + 1 from history) end,"
    " (select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::bigint"
    "  from pg_stat_activity where backend_xmin is not null and pid <> pg_backend_pid())"};
inline constexpr Statement kWorkers{
    "fl_workers",
    "select name, site, node, capabilities, version, concurrency, incarnation, draining,"
    " greatest(now_ms() - beat_at, 0), registered_at,"
    " (select count(*) from tasks where owner = workers.name), lease, live from workers order by name"};
inline constexpr Statement kDrain{"fl_drain", "update workers set draining = $2::boolean where name = $1"};

}  // namespace fairlead::store::postgres::statements
