// Drives a task store by its port, without daemon and API:
//   bench_queue FOLDER [URL]     SQLite in FOLDER, or the PostgreSQL of URL
// Each JSON line on stdin is a command, {"do": NAME, …}, and is answered by one JSON line. For scripts/bench
// queue; the commands are those of queue_peers/peer.js, and `hot`.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "base/json.hpp"
#include "core/task_result.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "store/postgres/postgres_task_store.hpp"
#include "store/sqlite/task_store.hpp"

using namespace fairlead;
using base::Json;
using base::JsonView;

namespace {

constexpr int kClaim = 100;         // tasks of one exchange
constexpr base::Millis kPoll{250};  // where no hint comes: another process on SQLite

[[noreturn]] void give_up(const std::string& why) {
  std::printf("%s\n", Json::object().set("error", why).dump().c_str());
  std::exit(1);
}

double seconds_since(base::SteadyTime start) {
  return std::chrono::duration<double>(base::steady_now() - start).count();
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

std::int64_t monotonic_ns() {
  return std::chrono::nanoseconds(base::steady_now().time_since_epoch()).count();
}

core::Submission submission(std::string capability, std::string payload) {
  core::Submission task;
  task.envelope.kind = "noop";
  task.envelope.capability = std::move(capability);
  task.envelope.payload = std::move(payload);
  task.envelope.actor = "bench";
  task.route = core::route_of(task.envelope.capability, "");
  return task;
}

class Bench {
 public:
  Bench(const std::string& folder, const std::string& url)
      : wake_(loop_, "bench-wake", [this] { turn(); }), poll_(loop_, "bench-poll", [this] { turn(); }) {
    if (url.empty()) {
      ::mkdir(folder.c_str(), 0700);
      store_ = std::make_unique<store::SqliteTaskStore>(loop_, log_, store::QueueFileSettings{folder});
    } else {
      core::StoreSettings settings;
      settings.url = url;
      store_ = std::make_unique<store::postgres::PostgresTaskStore>(
          loop_, log_, store::postgres::connection_settings(settings));
    }
    store_->begin([this] { look_at_state(); },
                  [this] {
                    if (working_) wake_.schedule();
                  });
    while (store_->status().state != core::StoreStatus::State::open) loop_.run();
  }

  Json run(JsonView command) {
    const auto name = command["do"].text();
    if (name == "add_single") return add_single(command);
    if (name == "add_batched") return add_batched(command);
    if (name == "drain") return drain(command);
    if (name == "hot") return hot(command);
    if (name == "start_worker") return start_worker();
    if (name == "stop_worker") return stop_worker();
    if (name == "samples") return samples();
    return Json::object();  // install: the store is open
  }

  // Serves the commands; the worker works meanwhile.
  void serve() {
    std::string input;
    bool open = true;
    loop::Poll stdin_poll(loop_, "bench-stdin", STDIN_FILENO, [&](loop::Ready) {
      char bytes[4096];
      const auto count = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (count <= 0) open = false;
      if (count > 0) input.append(bytes, static_cast<std::size_t>(count));
      loop_.stop();
    });
    while (open) {
      stdin_poll.want(true, false);
      loop_.run();
      for (auto end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
        const auto command = Json::parse(input.substr(0, end));
        input.erase(0, end + 1);
        if (!command) give_up(command.error().text());
        std::printf("%s\n", run(command->view()).dump().c_str());
        std::fflush(stdout);
      }
    }
  }

  void close() {
    store_->stop(base::Millis(5'000), [this] { loop_.stop(); });
    loop_.run();
    store_.reset();
  }
  loop::Loop& loop() { return loop_; }

 private:
  void look_at_state() {
    const auto status = store_->status();
    if (status.state == core::StoreStatus::State::refused) give_up(status.error);
    loop_.stop();
  }

  // Runs the loop until what `start` began is answered.
  template <typename T, typename Start>
  T await(Start start) {
    std::optional<base::Result<T>> answer;
    start(core::Answer<T>([&](base::Result<T> result) {
      answer.emplace(std::move(result));
      loop_.stop();
    }));
    while (!answer) loop_.run();
    if (!*answer) give_up(answer->error().text());
    return std::move(**answer);
  }

  void submit(std::vector<core::Submission> tasks) {
    const auto outcomes = await<std::vector<base::Result<core::Submitted>>>(
        [&](auto done) { store_->submit(std::move(tasks), std::move(done)); });
    for (const auto& outcome : outcomes)
      if (!outcome) give_up(outcome.error().text());
  }

  void wait(base::Millis time) {
    loop::Timer over(loop_, "bench-wait", [this] { loop_.stop(); });
    over.start(time);
    while (over.active()) loop_.run();
  }

  Json add_single(JsonView command) {
    const auto count = command["count"].integer();
    const double gap = command["gap_ms"].number();
    const bool timed = command["timed"].boolean();
    std::uniform_real_distribution<double> spread(0.5, 1.5);
    const auto start = base::steady_now();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = "{\"at\":\"" + std::to_string(monotonic_ns()) + "\"}";
      submit({submission("noop", timed ? at : "{\"number\":" + std::to_string(i) + "}")});
      if (gap > 0) wait(base::Millis(static_cast<int>(gap * spread(random_))));
    }
    return std::move(Json::object().set("seconds", seconds_since(start)));
  }

  Json add_batched(JsonView command) {
    const auto count = command["count"].integer(), size = command["size"].integer();
    const auto start = base::steady_now();
    for (std::int64_t done = 0; done < count; done += size) {
      std::vector<core::Submission> tasks;
      for (std::int64_t i = 0; i < std::min(size, count - done); ++i) {
        auto task =
            submission(std::string(command["kind"].text("noop")), "{\"number\":" + std::to_string(i) + "}");
        task.envelope.priority = static_cast<int>(command["priority"].integer(100));
        if (const auto delay = command["delay_s"].integer(); delay > 0)
          task.envelope.run_at = base::wall_now() + std::chrono::seconds(delay);
        tasks.push_back(std::move(task));
      }
      submit(std::move(tasks));
    }
    return std::move(Json::object().set("seconds", seconds_since(start)));
  }

  // --- a worker that completes what it has claimed by its next exchange

  void register_worker() {
    core::WorkerInfo info;
    info.name = "bench-" + std::to_string(::getpid());
    info.node = info.name;
    info.capabilities = {"noop"};
    info.concurrency = kClaim;
    worker_ = await<core::WorkerKey>(
        [&](auto done) { store_->register_worker(info, base::Millis(600'000), {}, std::move(done)); });
  }

  void leave() {
    await<base::Unit>([&](auto done) { store_->leave(worker_, std::move(done)); });
  }

  core::Exchange next_exchange() {
    core::Exchange exchange{
        worker_, {}, std::move(reports_), {{{core::route_of("noop", "")}, kClaim}}, kClaim};
    reports_.clear();
    return exchange;
  }

  void take(const core::ExchangeOutcome& outcome) {
    if (!outcome.lease_live) give_up("the lease has ended");
    for (const auto& report : outcome.reports)
      if (!report.accepted) give_up("a report was refused");
    completed_ += static_cast<std::int64_t>(outcome.reports.size());
    for (const auto& claimed : outcome.claimed) {
      core::Report report{claimed.task.id, claimed.task.epoch};
      report.result = result_;
      report.detail = "success in 0 ms";
      reports_.push_back(std::move(report));
    }
  }

  Json drain(JsonView command) {
    const auto count = command["count"].integer();
    const double patience = command["patience_s"].number(60);
    completed_ = 0;
    const double cpu = cpu_seconds();
    const auto start = base::steady_now();
    register_worker();
    while (completed_ < count) {
      take(await<core::ExchangeOutcome>(
          [&](auto done) { store_->exchange(next_exchange(), std::move(done)); }));
      if (seconds_since(start) > patience) give_up(std::to_string(completed_) + " done in time");
    }
    Json answer = Json::object();
    answer.set("seconds", seconds_since(start)).set("cpu_seconds", cpu_seconds() - cpu);
    for (auto& report : reports_) report.outcome = core::Report::Outcome::handed_back;
    core::Exchange last{worker_, {}, std::move(reports_), {}, 0};
    reports_.clear();
    await<core::ExchangeOutcome>([&](auto done) { store_->exchange(std::move(last), std::move(done)); });
    leave();
    return std::move(answer.set("done", completed_));
  }

  // --- the same, driven by hints

  Json start_worker() {
    register_worker();
    samples_ = Json::array();
    working_ = true;
    wake_.schedule();
    return Json::object();
  }

  void turn() {
    if (!working_ || exchanging_) return;
    exchanging_ = true;
    store_->exchange(next_exchange(), [this](base::Result<core::ExchangeOutcome> outcome) {
      exchanging_ = false;
      if (!outcome) give_up(outcome.error().text());
      sample(*outcome);
      take(*outcome);
      if (!reports_.empty()) return wake_.schedule();
      if (store_->status().hints.rfind("listen", 0) != 0) poll_.start(kPoll);
    });
  }

  void sample(const core::ExchangeOutcome& outcome) {
    for (const auto& claimed : outcome.claimed) {
      const auto payload = Json::parse(claimed.task.envelope.payload);
      const auto at = payload ? (*payload)["at"].text() : std::string_view();
      if (!at.empty())
        samples_.push(static_cast<double>(monotonic_ns() - std::atoll(std::string(at).c_str())) / 1e6);
    }
  }

  Json stop_worker() {
    working_ = false;
    poll_.stop();
    while (exchanging_) wait(base::Millis(1));
    leave();
    return Json::object();
  }

  Json samples() {
    return std::move(Json::object().set("samples_ms", std::exchange(samples_, Json::array())));
  }

  // --- hot locks: `outstanding` tasks are in the queue all the time, each with three of twenty keys

  core::Submission hot_task() {
    std::set<std::string> keys;
    while (keys.size() < 3) keys.insert("key:" + std::to_string(random_() % 20));
    auto task = submission("noop", "{}");
    task.envelope.locks.assign(keys.begin(), keys.end());
    return task;
  }

  void add_hot(std::int64_t count) {
    std::vector<core::Submission> tasks;
    for (std::int64_t i = 0; i < count; ++i) tasks.push_back(hot_task());
    const auto now = base::steady_now();
    const auto outcomes = await<std::vector<base::Result<core::Submitted>>>(
        [&](auto done) { store_->submit(std::move(tasks), std::move(done)); });
    for (const auto& outcome : outcomes) added_[outcome->id] = now;
  }

  static void hold(const core::ExchangeOutcome& outcome) {
    std::set<std::string> held;
    for (const auto& claimed : outcome.claimed)
      for (const auto& key : claimed.task.envelope.locks)
        if (!held.insert(key).second) give_up("two tasks with the lock " + key);
  }

  Json hot(JsonView command) {
    const auto count = command["count"].integer();
    std::vector<double> waits;
    completed_ = 0;
    register_worker();
    add_hot(command["outstanding"].integer());
    const auto start = base::steady_now();
    while (completed_ < count) {
      auto outcome = await<core::ExchangeOutcome>(
          [&](auto done) { store_->exchange(next_exchange(), std::move(done)); });
      hold(outcome);  // what was claimed before is completed by the same exchange, before it claims
      for (const auto& claimed : outcome.claimed) {
        const auto added = added_.extract(claimed.task.id);
        if (!added.empty()) waits.push_back(seconds_since(added.mapped()) * 1000);
      }
      const auto before = completed_;
      take(outcome);
      if (completed_ > before) add_hot(completed_ - before);
    }
    const double took = seconds_since(start);
    // Who still waits has waited as long at least.
    for (const auto& [id, since] : added_) waits.push_back(seconds_since(since) * 1000);
    std::sort(waits.begin(), waits.end());
    Json answer = Json::object();
    answer.set("seconds", took).set("median_ms", waits[waits.size() / 2]).set("max_ms", waits.back());
    return answer;
  }

  loop::Loop loop_;
  base::Log log_;
  std::unique_ptr<core::TaskStore> store_;
  std::mt19937 random_{20};
  core::WorkerKey worker_;
  std::vector<core::Report> reports_;
  std::int64_t completed_ = 0;
  const std::string result_ = core::result_json(core::TaskResult{}).dump();
  bool working_ = false, exchanging_ = false;
  Json samples_ = Json::array();
  std::map<core::TaskId, base::SteadyTime> added_;
  loop::Deferred wake_;
  loop::Timer poll_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) give_up("FOLDER [URL]");
  Bench bench(argv[1], argc > 2 ? argv[2] : "");
  bench.serve();
  bench.close();
  return 0;
}
