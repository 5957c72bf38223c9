// A task store in SQLite on a real loop, with its calls as plain functions.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "file_size_limit.hpp"
#include "loop/loop.hpp"
#include "run_loop.hpp"
#include "store/sqlite/task_store.hpp"
#include "store_sql.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

class TaskScene {
 public:
  explicit TaskScene(const TempFolder& temp, bool wait = true) : TaskScene(temp.path(), wait) {}
  explicit TaskScene(std::string folder, bool wait = true) : folder_(std::move(folder)) {
    store::QueueFileSettings settings;
    settings.folder = folder_;
    settings.busy_timeout = 20ms;
    settings.retry = 20ms;
    store = std::make_unique<store::SqliteTaskStore>(loop, log, settings);
    store->begin([this] { ++states; }, [] {});
    if (wait) until_open();
  }
  ~TaskScene() { close(); }
  TaskScene(const TaskScene&) = delete;
  TaskScene& operator=(const TaskScene&) = delete;

  void close() {
    if (!store) return;
    bool gone = false;
    store->stop(10s, [&] { gone = true; });
    run_until(loop, [&] { return gone; }, "the end of the store");
    store.reset();
    drain(loop);
  }

  std::string file() const { return folder_ + "/" + store::kQueueName; }
  store::Database open_beside() {
    auto database = store::Database::open(file(), store::Database::Mode::read_write, 1s);
    assert_true(database.ok());
    return std::move(*database);
  }
  void until(const std::function<bool()>& holds) { run_until(loop, holds, "what the test waits for"); }
  void until_open() {
    until([this] { return store->status().state == core::StoreStatus::State::open; });
  }

  static core::Submission task() {
    core::Submission made;
    made.envelope.kind = made.envelope.capability = "job";
    made.envelope.actor = "ada";
    made.route = "job@";
    return made;
  }

  using Answers = std::vector<base::Result<core::Submitted>>;
  base::Result<Answers> try_submit(std::size_t count) {
    return ask<Answers>(
        [&](auto done) { store->submit(std::vector<core::Submission>(count, task()), std::move(done)); });
  }
  core::TaskId submit(std::size_t count) {  // the last one's
    const auto answers = value_of(try_submit(count));
    assert_int_equal(answers.size(), count);
    return answers.back()->id;
  }

  void register_worker(const std::string& name) {
    worker_ = value_of(ask<core::WorkerKey>([&](auto done) {
      store->register_worker({name, "", "", {"job"}, "1", 4}, 30s, {}, std::move(done));
    }));
  }
  std::vector<core::Claimed> claim_as_registered(int most) {
    core::Exchange wanted;
    wanted.slots = {{{"job@"}, most}};
    wanted.most = most;
    return exchange(std::move(wanted)).claimed;
  }
  std::vector<core::Claimed> claim(const std::string& name, int most) {
    register_worker(name);
    return claim_as_registered(most);
  }
  bool report_done(const core::Claimed& claimed) {
    core::Exchange said;
    said.reports.resize(1);
    said.reports[0].id = claimed.task.id;
    said.reports[0].epoch = claimed.task.epoch;
    return exchange(std::move(said)).reports[0].accepted;
  }
  core::Tending tend() {
    return value_of(ask<core::Tending>([&](auto done) { store->tend({}, std::move(done)); }));
  }
  std::optional<core::TaskState> state_of(core::TaskId id) {
    const auto found = ask<core::TaskDetail>([&](auto done) { store->find(id, std::move(done)); });
    return found ? std::optional(found->task.state) : std::nullopt;
  }
  std::size_t count() {  // of those that are not final
    std::size_t sum = 0;
    const auto stats = value_of(ask<core::QueueStats>([&](auto done) { store->stats(std::move(done)); }));
    for (const auto& row : stats.rows) sum += row.count;
    return sum;
  }

  loop::Loop loop;
  base::Log log;
  std::unique_ptr<store::SqliteTaskStore> store;
  int states = 0;  // how often the store said that its state changed

 private:
  template <typename T>
  base::Result<T> ask(const std::function<void(core::Answer<T>)>& call) {
    std::optional<base::Result<T>> answer;
    call([&](base::Result<T> result) { answer.emplace(std::move(result)); });
    run_until(loop, [&] { return answer.has_value(); }, "an answer of the store");
    return std::move(*answer);
  }
  template <typename T>
  static T value_of(base::Result<T> result) {
    if (!result) fail_msg("refused: %s", result.error().text().c_str());
    return std::move(*result);
  }
  core::ExchangeOutcome exchange(core::Exchange said) {
    said.worker = worker_;
    return value_of(
        ask<core::ExchangeOutcome>([&](auto done) { store->exchange(std::move(said), std::move(done)); }));
  }

  const std::string folder_;
  core::WorkerKey worker_;
};
