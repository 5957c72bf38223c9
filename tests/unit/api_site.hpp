// A daemon made of maps, behind the real routes, server and client: what the tests of the API share.
#pragma once
#include "api/routes.hpp"

#include <map>

#include "http_house.hpp"

namespace house {

using base::Code;
using core::Role;

class FakeControl : public core::ControlPort {
 public:
  std::map<std::string, core::TunnelState, std::less<>> states{{"attic", core::TunnelState::stopped},
                                                               {"cellar", core::TunnelState::connected}};
  std::vector<std::string> done;  // "up attic by uid:0"
  base::Level level = base::Level::info;
  std::function<void(base::Result<core::ReloadReport>)> reload_done;
  std::function<void()> on_reload = [] {};

  core::DaemonStatus daemon_status() const override {
    core::DaemonStatus status;
    status.version = "0.1.0";
    status.pid = 42;
    status.log_level = level;
    return status;
  }
  std::vector<core::TunnelStatus> tunnels() const override {
    std::vector<core::TunnelStatus> out;
    for (const auto& [name, state] : states) out.push_back(*tunnel(name));
    return out;
  }
  base::Result<core::TunnelStatus> tunnel(std::string_view name) const override {
    const auto found = states.find(name);
    if (found == states.end()) return base::Error{Code::not_found, "no tunnel " + std::string(name), {}};
    core::TunnelStatus status;
    status.name = found->first;
    status.state = found->second;
    return status;
  }
  base::Result<> up(std::string_view name, const core::Caller& caller) override {
    return enter("up", name, core::TunnelState::starting, caller);
  }
  base::Result<> down(std::string_view name, const core::Caller& caller) override {
    return enter("down", name, core::TunnelState::stopped, caller);
  }
  base::Result<> restart(std::string_view name, const core::Caller& caller) override {
    return enter("restart", name, core::TunnelState::starting, caller);
  }
  base::Result<> reconnect(std::string_view name, const core::Caller& caller) override {
    return enter("reconnect", name, core::TunnelState::reconnecting, caller);
  }
  void reload(const core::Caller& caller,
              std::function<void(base::Result<core::ReloadReport>)> finished) override {
    done.push_back("reload by " + caller.name);
    reload_done = std::move(finished);
    on_reload();
  }
  void set_log_level(base::Level next, const core::Caller& caller) override {
    done.push_back("log-level by " + caller.name);
    level = next;
  }
  core::PolicyStatus policy_status() const override { return {}; }
  core::NotifyStatus notify_status() const override { return {}; }
  void test_sender(std::string_view name, const core::Caller& caller,
                   std::function<void(base::Result<>)> finished) override {
    done.push_back("test " + std::string(name) + " by " + caller.name);
    if (name == "phone") return finished(base::success());
    finished(base::Error{Code::unavailable, "the receiver answered with HTTP status 500", {}});
  }

 private:
  base::Result<> enter(std::string_view verb, std::string_view name, core::TunnelState next,
                       const core::Caller& caller) {
    if (auto known = tunnel(name); !known) return known.error();
    auto& state = states.find(name)->second;
    if (state == next) return base::Error{Code::already, "is so already", {}};
    state = next;
    done.push_back(std::string(verb) + " " + std::string(name) + " by " + caller.name);
    return base::success();
  }
};

// A queue made of a map; its answers come later, as a store's do. What is asked of it is written down.
class FakeTasks : public core::TaskPort {
 public:
  std::map<std::int64_t, core::TaskDetail> tasks;
  std::vector<core::WorkerRecord> known_workers;
  std::vector<core::Pause> paused;
  std::vector<std::string> done;  // "cancel 7 by anna"
  core::QueueStatus status;
  core::QueueStats counts;
  core::TaskFilter filter;     // of the last list()
  std::string submitted, key;  // of the last submit()
  std::vector<base::Result<core::Submitted>> outcomes;
  std::optional<base::Error> trouble;  // what everything answers
  std::map<std::int64_t, std::vector<core::OutputPart>> outputs;
  std::function<void(std::function<void()>)> later;

  core::QueueStatus queue_status() const override { return status; }
  void submit(base::JsonView envelopes, std::string_view with_key, const core::Caller& caller,
              core::Answer<std::vector<base::Result<core::Submitted>>> answer) override {
    submitted = envelopes.dump();
    key = with_key;
    done.push_back("submit by " + caller.name);
    reply(std::move(answer), outcomes);
  }
  void find(core::TaskId id, core::Answer<core::TaskDetail> answer) override {
    const auto found = tasks.find(core::number(id));
    if (found != tasks.end()) return reply(std::move(answer), found->second);
    fail<core::TaskDetail>(std::move(answer), {Code::not_found, "there is no such task", {}});
  }
  void list(core::TaskFilter wanted, core::Answer<std::vector<core::TaskRecord>> answer) override {
    filter = std::move(wanted);
    std::vector<core::TaskRecord> records;
    for (auto task = tasks.rbegin(); task != tasks.rend() && records.size() < filter.most; ++task)
      records.push_back(task->second.task);
    reply(std::move(answer), records);
  }
  void order(core::TaskId id, core::TaskOrder order, const core::Caller& caller,
             core::Answer<core::OrderOutcome> answer) override {
    constexpr const char* kNames[] = {"cancel", "requeue", "retry"};
    done.push_back(kNames[static_cast<int>(order)] + (" " + std::to_string(core::number(id))) + " by " +
                   caller.name);
    const auto found = tasks.find(core::number(id));
    if (found == tasks.end())
      return fail<core::OrderOutcome>(std::move(answer), {Code::not_found, "there is no such task", {}});
    const auto state = found->second.task.state;
    if (order == core::TaskOrder::retry && core::is_final(state))
      return reply(
          std::move(answer),
          core::OrderOutcome{core::TaskId{core::number(id) + 100}, core::TaskState::queued, false, {}});
    if (core::is_final(state))
      return fail<core::OrderOutcome>(std::move(answer), {Code::conflict, "the task is over", {}});
    reply(std::move(answer), core::OrderOutcome{id, state, core::is_owned(state), {}});
  }
  void pause(core::Pause pause, const core::Caller& caller, core::Answer<base::Unit> answer) override {
    done.push_back("pause by " + caller.name);
    paused.push_back(std::move(pause));
    reply(std::move(answer), base::Unit{});
  }
  void resume(core::Pause::Scope scope, std::string name, const core::Caller& caller,
              core::Answer<base::Unit> answer) override {
    done.push_back("resume " + std::string(core::to_string(scope)) + " " + name + " by " + caller.name);
    if (paused.empty()) return fail<base::Unit>(std::move(answer), {Code::not_found, "is not paused", {}});
    paused.clear();
    reply(std::move(answer), base::Unit{});
  }
  void pauses(core::Answer<std::vector<core::Pause>> answer) override { reply(std::move(answer), paused); }
  void stats(core::Answer<core::QueueStats> answer) override { reply(std::move(answer), counts); }
  void workers(core::Answer<std::vector<core::WorkerRecord>> answer) override {
    reply(std::move(answer), known_workers);
  }
  void drain(std::string worker, bool draining, const core::Caller& caller,
             core::Answer<base::Unit> answer) override {
    done.push_back((draining ? "drain " : "undrain ") + worker + " by " + caller.name);
    if (known_workers.empty())
      return fail<base::Unit>(std::move(answer), {Code::not_found, "there is no such worker", {}});
    reply(std::move(answer), base::Unit{});
  }
  std::vector<core::OutputPart> output(core::TaskId id) const override {
    const auto found = outputs.find(core::number(id));
    return found == outputs.end() ? std::vector<core::OutputPart>() : found->second;
  }
  std::string metrics() override { return "# TYPE fairlead_up gauge\nfairlead_up 1\n"; }

 private:
  template <typename T>
  void reply(core::Answer<T> answer, T value) {
    if (trouble) return fail<T>(std::move(answer), *trouble);
    later([answer = std::move(answer), value = std::move(value)] { answer(value); });
  }
  template <typename T>
  void fail(core::Answer<T> answer, base::Error error) {
    later([answer = std::move(answer), error = std::move(error)] { answer(error); });
  }
};

struct Site {
  FakeControl control;
  FakeTasks tasks;
  core::EventRing events{1000, {}};
  core::EventRing logs{5000, {}};
  core::EventRing task_events{8000, {}};
  base::Log log;
  Role role = Role::operator_;
  api::Api api{control, tasks, events, logs, task_events};
  House house{
      api, {}, [this](std::uint32_t uid, std::uint32_t gid) { return core::Caller{uid, gid, "anna", role}; }};
  std::vector<std::function<void()>> due;
  loop::Deferred answers{house.loop, "answers of the fake queue", [this] {
                           for (const auto& answer : std::exchange(due, {})) answer();
                         }};
  Site() {
    log.add_sink(core::ring_sink(logs));
    tasks.later = [this](std::function<void()> answer) {
      due.push_back(std::move(answer));
      answers.schedule();
    };
  }

  core::HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    return House::answer(house.ask(house.request(method, path, body)));
  }
  base::Json json(const std::string& method, const std::string& path, const std::string& body = {}) {
    const auto response = ask(method, path, body);
    if (response.status != 200) fail_msg("%d: %s", response.status, response.body.c_str());
    return std::move(*base::Json::parse(response.body));
  }
  // A problem of that status; returns its code.
  std::string refused(int status, const std::string& method, const std::string& path,
                      const std::string& body = {}) {
    const auto response = ask(method, path, body);
    if (response.status != status)
      fail_msg("%s %s: %d %s", method.c_str(), path.c_str(), response.status, response.body.c_str());
    const auto problem = base::Json::parse(response.body);
    assert_true(problem.ok());
    assert_text_equal((*problem)["type"].text(), "about:blank");
    assert_int_equal((*problem)["status"].integer(), status);
    assert_false((*problem)["title"].text().empty());
    assert_false((*problem)["detail"].text().empty());
    return std::string((*problem)["code"].text());
  }
};

}  // namespace house
