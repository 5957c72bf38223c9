// Takes tasks from the store, has them performed, and reports: one exchange with the store at a time, which
// carries everything that has ended meanwhile and claims what can be started now. Owned by app/; loop thread
// only.
//
// A report is kept until the store has taken it. While the lease has lapsed, children are ended by the
// spawner in time; what then comes of them is reported under the old epoch, and kept by the store as a late
// report.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "core/queue_settings.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "worker/attempt.hpp"
#include "worker/lease.hpp"

namespace fairlead::worker {

class Worker {
 public:
  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    core::TaskStore& store;
    const core::ExecutorRegistry& executors;
    core::PolicyPort* policy;  // may be null
    std::function<void(core::TaskId, bool is_error, std::string_view bytes)> on_output;
    std::function<void(const std::vector<core::TaskChange>&)> on_changes;
  };
  struct Counters {
    std::uint64_t claimed = 0, late = 0;
    std::array<std::uint64_t, 5> ended{};  // attempts, by core::Report::Outcome
    base::Millis run_time{0};              // of those, in all
    std::uint64_t first_claims = 0;        // of tasks that nobody had before
    base::Millis wait_time{0};             // of those, since they were submitted or due, in all
  };
  Worker(Parts parts, const core::WorkerSettings& settings, std::string version);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void begin();
  void on_store();  // its status has changed
  void on_hint();
  // From a reload; name, site and node stay. What is under way goes on.
  void set_settings(const core::WorkerSettings& settings);
  // Stops claiming, lets tasks end until the settings' stop_deadline, hands the rest back and leaves. `done`
  // comes once, later, within that and kHandBack.
  static constexpr base::Millis kHandBack{3'000};  // for the children to end and the store to hear of it
  void stop(std::function<void()> done);

  const core::WorkerSettings& settings() const { return settings_; }
  Lease::State lease() const { return lease_.state(); }
  bool draining() const { return draining_; }
  std::size_t running() const { return attempts_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  using Attempts = std::map<core::TaskId, std::unique_ptr<Attempt>>;
  using Exchanges = std::list<core::Exchange>;  // asked, and not answered yet

  core::WorkerInfo info(const std::string& version) const;
  std::vector<core::Started> under_way() const;
  void on_live();
  void on_renewed(const core::BeatOutcome& outcome);
  void stop_what_must_not_go_on();
  void obey(const std::vector<core::StopRequest>& stops);
  void wake();
  void pump();
  bool fill(core::Exchange& exchange);
  void send(core::Exchange exchange);
  std::vector<core::ClaimSlots> free_slots(int& most) const;
  std::vector<core::Started> started_now();
  void on_exchanged(core::Exchange sent, base::Result<core::ExchangeOutcome> outcome);
  void on_exchange_failed(core::Exchange sent, const base::Error& error);
  void say_again(std::vector<core::Report> reports);
  void try_refused();
  void settle_claims();
  void settle_reports(const core::Exchange& sent, const std::vector<core::ReportOutcome>& outcomes);
  void count_claim(const core::TaskRecord& task);
  void begin_attempt(core::Claimed claimed);
  void collect();
  void await_news();
  void go_on_stopping();

  Parts parts_;
  core::WorkerSettings settings_;
  std::string version_;
  Attempt::Site site_;
  Lease lease_;
  Attempts attempts_;
  std::map<core::TaskId, base::BootTime> own_ends_;  // of claims that outlive the lease
  std::vector<core::TaskId> finished_;               // attempts whose report is to be collected
  std::vector<core::Report> reports_;                // to be sent
  std::size_t singly_ = 0;                           // so many of their first go alone
  std::vector<core::Report> refused_;                // the store cannot take them, each alone
  Exchanges exchanges_;                              // the reports in them may have to be sent again
  bool claim_lost_ = false;  // an exchange that claims was not answered: to register anew after the others
  bool hinted_ = true;       // there may be something to claim, or an order
  bool plenty_ = false;      // the last claim got all that it asked for
  bool draining_ = false;
  std::function<void()> stopped_;  // set: stopping
  bool asked_to_end_ = false;      // … and the tasks under way are to be handed back
  bool leaving_ = false;
  base::Random random_;
  Counters counters_;
  loop::Deferred pump_;
  loop::Deferred collect_;
  loop::Timer poll_;  // hints can get lost
  loop::Timer told_;  // tells the store of tasks that go on for longer than a moment
  loop::Timer refused_timer_;
  loop::Timer give_up_;  // stopping: hand back; then leave, whatever is still out
};

}  // namespace fairlead::worker
