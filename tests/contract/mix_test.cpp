// A seeded mix of everything at once on two daemons. After each step the rules that must always hold are
// looked up in the store; at the end everything is worked off.
#include <map>
#include <set>

#include "base/random.hpp"
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

namespace {

const std::vector<std::string> kHotKeys = {"x:a", "x:b", "x:c", "x:d", "x:e"};

class Mix {
 public:
  explicit Mix(std::uint64_t seed) : random_(seed) {
    workers_ = {scene_.worker("anna", &scene_.first()), scene_.worker("berta", &scene_.second())};
  }

  void step() {
    switch (random_.between(0, 11)) {
      case 0:
      case 1:
      case 2:
        return submit();
      case 3:
      case 4:
        return claim(any_worker());
      case 5:
      case 6:
      case 7:
        return report();
      case 8:
        return order();
      case 9:
        return lose();
      case 10:
        scene_.pass_time(1s);
        scene_.tend_all({}, any_worker().store);
        return;
      default:
        scene_.beat(any_worker());
    }
  }

  void check() {
    core::TaskFilter all;
    all.most = 1'000;
    std::map<std::string, TaskId> holders;
    for (const auto& task : scene_.list(all)) {
      const bool holds = is_owned(task.state) || task.waits_for == WaitsFor::nothing;
      if (is_owned(task.state)) assert_false(task.worker.empty());
      for (const auto& key : task.envelope.locks)
        if (holds && !holders.emplace(key, task.id).second) fail_msg("%s has two holders", key.c_str());
    }
    std::map<std::string, TaskId> stored;
    for (const auto& held : fixture().held_locks()) stored[held.key] = held.task;
    assert_true(stored == holders);
    all.states = {TaskState::done, TaskState::failed, TaskState::cancelled};
    std::size_t seen = 0;
    for (const auto& task : scene_.list(all))
      if (const auto known = finals_.find(task.id); known != finals_.end() && ++seen > 0)
        assert_state(task, known->second);
    assert_int_equal(seen, finals_.size());
  }

  // Until everything is final, within a number of rounds that only a lost task exceeds.
  void work_off() {
    at_work_.clear();
    for (int round = 0; round < 2'000; ++round) {
      scene_.pass_time(2s);
      for (auto& worker : workers_) {
        if (!scene_.beat(worker).lease_live) worker = scene_.worker(worker.key.name, worker.store);
        scene_.tend_all({}, worker.store);
        core::Exchange said;
        for (const auto& one : scene_.claim(worker, 3)) said.reports.push_back(report_of(one));
        scene_.exchange(worker, std::move(said));
      }
      if (round == 3)  // what the mix left with them is lost here
        for (auto& worker : workers_) worker = scene_.worker(worker.key.name, worker.store);
      if (scene_.ids().empty()) return check();
    }
    fail_msg("%zu tasks were never worked off", scene_.ids().size());
  }

 private:
  struct AtWork {
    std::size_t worker;
    core::Claimed claimed;
  };
  std::size_t any() { return static_cast<std::size_t>(random_.between(0, 1)); }
  TestWorker& any_worker() { return workers_[any()]; }

  void submit() {
    Wish wish;
    for (const auto& key : kHotKeys)
      if (random_.between(0, 3) == 0) wish.locks.push_back(key);
    wish.priority = static_cast<int>(random_.between(1, 3));
    wish.max_attempts = static_cast<int>(random_.between(1, 4));
    if (random_.between(0, 4) == 0) wish.run_at = base::wall_now() + 3s;
    if (random_.between(0, 4) == 0) wish.on_lease_loss = core::OnLeaseLoss::carry_on;
    wish.timeout = 5s;
    if (!ids_.empty() && random_.between(0, 5) == 0) wish.depends_on = {any_id()};
    const auto submitted = scene_.submit(wish, any_worker().store);
    ids_.push_back(submitted.id);
    if (is_final(submitted.state)) finals_[submitted.id] = submitted.state;
  }

  void claim(TestWorker& worker) {
    for (auto& one : scene_.claim(worker, static_cast<int>(random_.between(1, 3)))) {
      if (!claims_.insert({one.task.id, one.task.epoch}).second) fail_msg("claimed twice");
      at_work_.push_back({static_cast<std::size_t>(&worker - workers_.data()), std::move(one)});
    }
  }

  void report() {
    if (at_work_.empty()) return;
    const auto at =
        static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(at_work_.size()) - 1));
    const auto one = at_work_[at];
    at_work_.erase(at_work_.begin() + static_cast<std::ptrdiff_t>(at));
    auto said = report_of(one.claimed, static_cast<Outcome>(random_.between(0, 3)));
    said.delay = base::Millis(random_.between(0, 2'000));
    said.started = random_.between(0, 1) == 0;
    if (said.outcome == Outcome::done) said.started = true;
    remember(scene_.report(workers_[one.worker], said).changes);
  }

  void order() {
    if (ids_.empty()) return;
    const auto order = static_cast<core::TaskOrder>(random_.between(0, 2));
    const auto outcome = scene_.try_order(any_id(), order);
    if (!outcome) {
      assert_true(outcome.error().code == base::Code::conflict);
      return;
    }
    remember(outcome->changes);
    if (order == core::TaskOrder::retry) ids_.push_back(outcome->id);
  }

  void lose() {
    auto& worker = any_worker();
    if (random_.between(0, 1) == 0) {
      worker = scene_.worker(worker.key.name, worker.store);  // a restart
    } else {
      scene_.pass_time(31s);
      remember(scene_.tend_all({}, any_worker().store).changes);
      for (auto& one : workers_) one = scene_.worker(one.key.name, one.store);
    }
  }

  void remember(const std::vector<core::TaskChange>& changes) {
    for (const auto& change : changes) {
      assert_non_null(core::find_transition(change.from, change.event));
      // Known already: a task that failed when it was submitted is told by the next tend(), too.
      if (is_final(change.to) && finals_.emplace(change.id, change.to).first->second != change.to)
        fail_msg("a final state changed");
    }
  }

  TaskId any_id() {
    return ids_[static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(ids_.size()) - 1))];
  }

  Scene scene_;
  base::Random random_;
  std::vector<TestWorker> workers_;
  std::vector<AtWork> at_work_;
  std::vector<TaskId> ids_;
  std::set<std::pair<TaskId, Epoch>> claims_;
  std::map<TaskId, TaskState> finals_;
};

}  // namespace

static void run_mix(std::uint64_t seed) {
  print_message("seed %llu\n", static_cast<unsigned long long>(seed));
  Mix mix(seed);
  for (int i = 0; i < 250; ++i) {
    mix.step();
    mix.check();
  }
  mix.work_off();
}

static void locks_stay_exclusive_and_nothing_is_lost_in_any_mix(void**) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) run_mix(seed);
}

Tests mix_tests() {
  return {cmocka_unit_test(locks_stay_exclusive_and_nothing_is_lost_in_any_mix)};
}

}  // namespace fairlead::contract
