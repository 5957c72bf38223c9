// The task store on PostgreSQL beyond the contract (tests/contract): several daemons truly at the same time,
// and a server that goes away. What one daemon sees alone is tested there.
#include <libpq-fe.h>

#include <map>
#include <set>

#include "base/random.hpp"
#include "cmocka.hpp"
#include "core/task_store.hpp"
#include "postgres_server.hpp"
#include "run_loop.hpp"
#include "store/postgres/postgres_task_store.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::TaskId;

namespace {

struct Daemon {
  Daemon(loop::Loop& loop, base::Log& log) {
    store::postgres::ConnectionSettings settings;
    settings.url = (*server)["url"];
    settings.password_file = (*server)["password_file"];
    settings.backoff_initial = 20ms;
    settings.backoff_max = 100ms;
    store = std::make_unique<store::postgres::PostgresTaskStore>(loop, log, settings);
    store->begin([] {}, [this] { ++hints; });
    run_until(loop, [this] { return open(); }, "an open store");
  }
  bool open() const { return store->status().state == core::StoreStatus::State::open; }

  std::unique_ptr<core::TaskStore> store;
  int hints = 0;
};

core::Submission task(std::vector<std::string> locks, std::string key = {}) {
  core::Submission made;
  made.envelope.kind = made.envelope.capability = "job";
  made.envelope.locks = std::move(locks);
  made.envelope.idempotency_key = std::move(key);
  made.envelope.actor = "ada";
  made.route = "job@";
  return made;
}

// Claims, holds what it got for a turn or more, reports; all of it without waiting for the others.
class BusyWorker {
 public:
  BusyWorker(loop::Loop& loop, Daemon& daemon, std::string name, std::uint64_t seed,
             std::map<std::string, TaskId>& held)
      : daemon_(daemon), held_(held), random_(seed), next_(loop, "test worker", [this] { turn(); }) {
    core::WorkerInfo info;
    info.name = std::move(name);
    daemon_.store->register_worker(info, 10min, {}, [this](base::Result<core::WorkerKey> key) {
      assert_true(key.ok());
      key_ = *key;
      turn();
    });
  }

  void stop() { stopping_ = true; }
  bool idle() const { return stopping_ && !busy_ && owned_.empty(); }
  std::size_t finished = 0;

 private:
  void turn() {
    core::Exchange exchange;
    exchange.worker = key_;
    for (auto one = owned_.begin(); one != owned_.end();) {
      if (!stopping_ && random_.between(0, 2) == 0) {
        ++one;
        continue;
      }
      for (const auto& key : one->task.envelope.locks) held_.erase(key);  // before the store knows
      core::Report report;
      report.id = one->task.id;
      report.epoch = one->task.epoch;
      report.outcome =
          random_.between(0, 9) == 0 ? core::Report::Outcome::handed_back : core::Report::Outcome::done;
      exchange.reports.push_back(report);
      one = owned_.erase(one);
    }
    exchange.slots = {{{"job@"}, 5}};
    exchange.most = stopping_ ? 0 : 5;
    if (stopping_ && exchange.reports.empty()) return;
    busy_ = true;
    daemon_.store->exchange(std::move(exchange), [this](base::Result<core::ExchangeOutcome> outcome) {
      busy_ = false;
      if (!outcome) fail_msg("%s", outcome.error().text().c_str());
      assert_true(outcome->lease_live);
      for (const auto& one : outcome->reports) {
        assert_true(one.accepted);
        finished += one.state == core::TaskState::done;
      }
      for (auto& one : outcome->claimed) take(std::move(one));
      next_.start(base::Millis(random_.between(0, 3)));
    });
  }

  void take(core::Claimed claimed) {
    for (const auto& key : claimed.task.envelope.locks)
      if (!held_.emplace(key, claimed.task.id).second) fail_msg("%s has two holders", key.c_str());
    owned_.push_back(std::move(claimed));
  }

  Daemon& daemon_;
  std::map<std::string, TaskId>& held_;
  base::Random random_;
  loop::Timer next_;
  core::WorkerKey key_;
  std::vector<core::Claimed> owned_;
  bool busy_ = false, stopping_ = false;
};

}  // namespace

// Three locks each over a few hot keys, submitted and worked off by four daemons at once.
static void locks_are_exclusive_and_nothing_is_stranded_under_contention(void**) {
  loop::Loop loop;
  base::Log log;
  constexpr std::size_t kTasks = 300;
  {
    std::vector<std::unique_ptr<Daemon>> daemons;
    for (int i = 0; i < 4; ++i) daemons.push_back(std::make_unique<Daemon>(loop, log));
    std::map<std::string, TaskId> held;
    std::vector<std::unique_ptr<BusyWorker>> workers;
    for (std::size_t i = 0; i < 4; ++i)
      workers.push_back(
          std::make_unique<BusyWorker>(loop, *daemons[i], "w" + std::to_string(i), i + 1, held));
    base::Random random(7);
    std::size_t stored = 0;
    for (std::size_t i = 0; i < kTasks; ++i) {
      std::set<std::string> locks;
      while (locks.size() < 3) locks.insert("x:" + std::to_string(random.between(0, 8)));
      daemons[i % 4]->store->submit({task({locks.begin(), locks.end()})},
                                    [&](base::Result<std::vector<base::Result<core::Submitted>>> all) {
                                      if (!all) fail_msg("%s", all.error().text().c_str());
                                      assert_true((*all)[0].ok());
                                      ++stored;
                                    });
    }
    // What nobody else looks at again is tend()'s.
    bool tending = false;
    loop::Timer tend(loop, "test tend", [&] {
      if (tending) return;
      tending = true;
      daemons[0]->store->tend({}, [&](base::Result<core::Tending> done) {
        assert_true(done.ok());
        tending = false;
      });
    });
    tend.start_repeating(500ms);
    const auto finished = [&] {
      std::size_t sum = 0;
      for (const auto& worker : workers) sum += worker->finished;
      return sum;
    };
    run_until(loop, [&] { return finished() == kTasks; }, "all tasks done", 120s);
    assert_int_equal(stored, kTasks);
    for (const auto& worker : workers) worker->stop();
    run_until(
        loop,
        [&] {
          return !tending &&
                 std::all_of(workers.begin(), workers.end(), [](auto& one) { return one->idle(); });
        },
        "idle workers");
  }
  drain(loop);
}

// One key from four daemons at once is one task.
static void an_idempotency_key_is_one_task_however_many_submit_it(void**) {
  loop::Loop loop;
  base::Log log;
  {
    std::vector<std::unique_ptr<Daemon>> daemons;
    for (int i = 0; i < 4; ++i) daemons.push_back(std::make_unique<Daemon>(loop, log));
    std::set<TaskId> ids;
    int made = 0, answers = 0;
    for (int round = 0; round < 20; ++round)
      for (auto& daemon : daemons)
        daemon->store->submit({task({"y:a"}, "key" + std::to_string(round))}, [&](auto all) {
          assert_true(all.ok());
          const auto& one = *(*all)[0];
          made += !one.existed;
          ids.insert(one.id);
          ++answers;
        });
    run_until(loop, [&] { return answers == 80; }, "all answers");
    assert_int_equal(made, 20);
    assert_int_equal(ids.size(), 20);
  }
  drain(loop);
}

static void a_crash_of_the_server_is_told_and_survived(void**) {
  loop::Loop loop;
  base::Log log;
  {
    Daemon daemon(loop, log);
    std::optional<base::Code> code;
    server->crash();
    run_until(loop, [&] { return !daemon.open(); }, "the loss");
    assert_true(daemon.store->status().state == core::StoreStatus::State::away);
    daemon.store->stats([&](base::Result<core::QueueStats> stats) { code = stats.error().code; });
    assert_false(code.has_value());
    run_until(loop, [&] { return code.has_value(); }, "an answer");
    assert_true(*code == base::Code::unavailable);
    const int hints = daemon.hints;
    server->start();
    run_until(loop, [&] { return daemon.open(); }, "the return");
    run_until(loop, [&] { return daemon.hints > hints; }, "a hint to look again");
    std::optional<bool> stored;
    daemon.store->submit({task({})}, [&](auto all) { stored = all.ok(); });
    run_until(loop, [&] { return stored.has_value(); }, "an answer");
    assert_true(*stored);
  }
  drain(loop);
}

static void another_daemons_submission_is_a_hint(void**) {
  loop::Loop loop;
  base::Log log;
  {
    Daemon hears(loop, log), says(loop, log);
    run_for(loop, 100ms);
    const int before = hears.hints;
    says.store->submit({task({})}, [](auto) {});
    run_until(loop, [&] { return hears.hints > before; }, "a hint");
  }
  drain(loop);
}

// The report began while the cancel was not committed yet, and saw a task that nobody wants to cancel.
static void a_cancel_that_is_asked_for_during_a_report_is_kept(void**) {
  loop::Loop loop;
  base::Log log;
  {
    Daemon daemon(loop, log);
    auto wanted = task({});
    wanted.route = "race@";
    daemon.store->submit({wanted}, [](auto all) { assert_true(all.ok()); });
    core::WorkerInfo info;
    info.name = "racer";
    std::optional<core::WorkerKey> key;
    daemon.store->register_worker(info, 10min, {},
                                  [&](base::Result<core::WorkerKey> given) { key = *given; });
    run_until(loop, [&] { return key.has_value(); }, "a worker");
    std::optional<core::ExchangeOutcome> outcome;
    const auto exchange = [&](core::Exchange asked) {
      outcome.reset();
      asked.worker = *key;
      daemon.store->exchange(std::move(asked), [&](base::Result<core::ExchangeOutcome> said) {
        assert_true(said.ok());
        outcome = *said;
      });
    };
    core::Exchange claims;
    claims.slots = {{{"race@"}, 1}};
    claims.most = 1;
    exchange(claims);
    run_until(loop, [&] { return outcome.has_value(); }, "the claim");
    assert_int_equal(outcome->claimed.size(), 1);
    core::Report report;
    report.id = outcome->claimed[0].task.id;
    report.epoch = outcome->claimed[0].task.epoch;
    report.outcome = core::Report::Outcome::again;
    PGconn* const somebody = PQconnectdb((*server)["socket_url"].c_str());
    PQclear(PQexec(somebody, "begin; update fairlead.tasks set stop = 'cancel' where route = 'race@'"));
    core::Exchange reports;
    reports.reports = {report};
    exchange(reports);
    run_for(loop, 300ms);  // it waits for the row
    assert_false(outcome.has_value());
    PQclear(PQexec(somebody, "commit"));
    PQfinish(somebody);
    run_until(loop, [&] { return outcome.has_value(); }, "the answer");
    assert_true(outcome->reports[0].state == core::TaskState::cancelled);
  }
  drain(loop);
}

// Until it ends nothing that dies in the tables can be cleaned away; the alarm store_snapshot is about it.
static void somebodys_old_transaction_is_seen_and_its_end_too(void**) {
  loop::Loop loop;
  base::Log log;
  {
    Daemon daemon(loop, log);
    const auto age = [&] {
      std::optional<base::Millis> seen;
      daemon.store->stats([&](base::Result<core::QueueStats> stats) {
        assert_true(stats.ok());
        seen = stats->oldest_snapshot;
      });
      run_until(loop, [&] { return seen.has_value(); }, "the counts");
      return *seen;
    };
    PGconn* const somebody = PQconnectdb((*server)["socket_url"].c_str());
    PQclear(PQexec(somebody, "begin isolation level repeatable read"));
    PGresult* const row = PQexec(somebody, "select 1");
    assert_int_equal(PQresultStatus(row), PGRES_TUPLES_OK);
    PQclear(row);
    run_for(loop, 300ms);
    const auto held = age();
    assert_true(held >= 300ms);
    run_for(loop, 100ms);
    assert_true(age() >= held + 100ms);
    PQfinish(somebody);
    const auto end = base::steady_now() + 60s;
    while (age() >= held && base::steady_now() < end)
      run_for(loop, 20ms);  // the server ends it in its own time
    assert_true(age() < held);
  }
  drain(loop);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(locks_are_exclusive_and_nothing_is_stranded_under_contention),
      cmocka_unit_test(an_idempotency_key_is_one_task_however_many_submit_it),
      cmocka_unit_test(another_daemons_submission_is_a_hint),
      cmocka_unit_test(a_cancel_that_is_asked_for_during_a_report_is_kept),
      cmocka_unit_test(somebodys_old_transaction_is_seen_and_its_end_too),
      cmocka_unit_test(a_crash_of_the_server_is_told_and_survived),
  };
  return cmocka_run_group_tests_name("store_postgres_tasks", tests, start_server, stop_server);
}
