// What the queue tells of itself: to events and hooks of its workers, to people of what is stuck.
#include "app/queue_watch.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::TaskState;
using core::WaitsFor;
using core::WorkerState;

namespace {

struct Events : core::EventPort {
  void publish(std::string_view type, const base::Json& body) override {
    heard.push_back(std::string(type) + " " + body.dump());
  }
  std::vector<std::string> heard;
};

struct Hooks : core::PolicyPort {
  bool asks(core::HookEvent event) const override { return event == wanted; }
  std::unique_ptr<core::PolicyCall> decide(core::HookEvent, base::Json, OnAnswer) override { return nullptr; }
  std::unique_ptr<core::PolicyCall> transform(core::HookEvent, base::Json, base::Json, OnAnswer) override {
    return nullptr;
  }
  void observe(core::HookEvent event, base::Json context) override {
    assert_true(event == wanted);
    heard.push_back(context.dump());
  }
  void refused(core::HookEvent, const core::PolicyAnswer&, const std::string&) override {}
  std::optional<core::HookEvent> wanted;
  std::vector<std::string> heard;
};

struct People : core::NotifyPort {
  void notify(core::Notice notice) override { told.push_back(std::move(notice)); }
  std::vector<core::Notice> told;
};

struct Scene {
  base::Log log;
  Events events;
  Hooks hooks;
  People people;
  app::QueueWatch watch{{log, events, hooks, people}};

  void see(const std::string& name, WorkerState state) {
    core::WorkerRecord worker;
    worker.info.name = name;
    worker.state = state;
    watch.see_workers({worker});
  }
  void see(TaskState state, WaitsFor waits_for, base::Millis oldest) {
    core::QueueStats stats;
    stats.rows.push_back({"backup", state, waits_for, 3, oldest});
    watch.see_counts(stats, 1h, "here");
  }
  void see_snapshot(base::Millis age) {
    core::QueueStats stats;
    stats.oldest_snapshot = age;
    watch.see_counts(stats, 1h, "db.example/queue");
  }
};

std::string change(const std::string& from, const std::string& to) {
  return R"({"worker":"anna","from":")" + from + R"(","to":")" + to + R"("})";
}

}  // namespace

static void every_change_of_a_workers_state_is_told_once(void**) {
  Scene scene;
  scene.hooks.wanted = core::HookEvent::worker_state;
  for (const auto state : {WorkerState::online, WorkerState::online, WorkerState::late, WorkerState::late,
                           WorkerState::offline, WorkerState::offline, WorkerState::online})
    scene.see("anna", state);
  const std::vector<std::string> expected = {change("", "online"), change("online", "late"),
                                             change("late", "offline"), change("offline", "online")};
  assert_true(scene.hooks.heard == expected);
  assert_int_equal(scene.events.heard.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    assert_text_equal(scene.events.heard[i], "worker_state " + expected[i]);
  assert_true(scene.people.told.empty());
}

static void workers_are_told_apart_and_hooks_that_are_not_there_are_not_called(void**) {
  Scene scene;
  scene.see("anna", WorkerState::online);
  scene.see("ben", WorkerState::offline);
  scene.see("anna", WorkerState::offline);
  assert_int_equal(scene.events.heard.size(), 3);
  assert_true(scene.hooks.heard.empty());
}

static void tasks_that_are_stuck_are_told_once_with_the_way_to_them(void**) {
  Scene scene;
  scene.see(TaskState::queued, WaitsFor::nothing, 59min);
  assert_true(scene.people.told.empty());
  scene.see(TaskState::queued, WaitsFor::nothing, 2h);
  scene.see(TaskState::queued, WaitsFor::nothing, 3h);
  assert_int_equal(scene.people.told.size(), 1);
  const auto& notice = scene.people.told[0];
  assert_text_equal(notice.event, "task_stuck");
  assert_text_equal(notice.subject, "backup");
  assert_true(notice.severity == core::Severity::high);
  assert_text_equal(notice.text,
                    "3 are queued, the oldest for 2h\nhint: fairlead task list --kind backup --state queued");
}

static void a_task_can_be_stuck_in_any_state_but_not_while_it_rests(void**) {
  for (const auto state :
       {TaskState::queued, TaskState::claimed, TaskState::running, TaskState::awaiting_approval}) {
    Scene scene;
    scene.see(state, WaitsFor::nothing, 2h);
    assert_int_equal(scene.people.told.size(), 1);
  }
  for (const auto waits : {WaitsFor::time, WaitsFor::pause, WaitsFor::lock, WaitsFor::dependency}) {
    Scene scene;
    scene.see(TaskState::queued, waits, 2h);
    const bool rests = waits == WaitsFor::time || waits == WaitsFor::pause;
    assert_int_equal(scene.people.told.size(), rests ? 0 : 1);
  }
}

static void an_old_transaction_in_the_store_is_told_once(void**) {
  Scene scene;
  scene.see_snapshot(10min);
  assert_true(scene.people.told.empty());
  scene.see_snapshot(11min);
  scene.see_snapshot(12min);
  assert_int_equal(scene.people.told.size(), 1);
  assert_text_equal(scene.people.told[0].event, "store_snapshot");
  assert_text_equal(scene.people.told[0].subject, "db.example/queue");
  assert_non_null(strstr(scene.people.told[0].text.c_str(), "11m"));
}

static void a_lost_worker_is_told_once_for_each(void**) {
  Scene scene;
  for (const char* name : {"anna", "anna", "ben"}) scene.watch.see_lost_worker(name);
  assert_int_equal(scene.people.told.size(), 2);
  assert_text_equal(scene.people.told[0].event, "worker_lost");
  assert_text_equal(scene.people.told[1].subject, "ben");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_change_of_a_workers_state_is_told_once),
      cmocka_unit_test(workers_are_told_apart_and_hooks_that_are_not_there_are_not_called),
      cmocka_unit_test(tasks_that_are_stuck_are_told_once_with_the_way_to_them),
      cmocka_unit_test(a_task_can_be_stuck_in_any_state_but_not_while_it_rests),
      cmocka_unit_test(an_old_transaction_in_the_store_is_told_once),
      cmocka_unit_test(a_lost_worker_is_told_once_for_each),
  };
  return cmocka_run_group_tests_name("app_queue_watch", tests, nullptr, nullptr);
}
