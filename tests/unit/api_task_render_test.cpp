// The shape of a task in JSON: a contract (docs/api.md).
#include "api/task_render.hpp"

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

constexpr base::WallTime kNoon{1772366400s};  // 2026-03-01T12:00:00Z

core::TaskDetail failed_task() {
  core::TaskDetail detail;
  auto& task = detail.task;
  task.id = core::TaskId{7};
  task.envelope.kind = task.envelope.capability = "script";
  task.envelope.payload = R"({"program":"backup"})";
  task.envelope.target = "site:attic";
  task.envelope.locks = {"node:nas"};
  task.envelope.actor = "anna";
  task.route = "script@site:attic";
  task.state = core::TaskState::failed;
  task.epoch = core::Epoch{2};
  task.attempt = 1;
  task.worker = "attic-1";
  task.submitted_at = task.envelope.run_at.emplace(kNoon);
  task.finished_at = kNoon + 5s;
  task.error_code = "runtime";
  task.result = R"({"status":"failed","exit_class":"failure","exit_status":3})";
  detail.timeline.push_back({kNoon, core::TaskEvent::submitted, std::nullopt, core::TaskState::queued, "anna",
                             "", core::Epoch{0}, ""});
  detail.notes.push_back({kNoon, core::NoteKind::late_report, "worker:attic-1", "attic-1", core::Epoch{1},
                          R"({"status":"done"})"});
  return detail;
}

}  // namespace

static void a_task_in_a_list(void**) {
  assert_text_equal(
      api::render(failed_task().task).dump(),
      R"({"id":7,"kind":"script","state":"failed","waits_for":null,"waits_detail":null,"worker":"attic-1",)"
      R"("epoch":2,"attempt":1,"max_attempts":4,"lost_workers":0,"cancel_requested":false,)"
      R"("capability":"script","target":"site:attic","route":"script@site:attic","priority":100,)"
      R"("locks":["node:nas"],"actor":{"name":"anna","class":"automation"},"idempotency_key":null,)"
      R"("trace_id":null,"retry_of":null,"submitted_at":"2026-03-01T12:00:00.000Z","run_at":null,)"
      R"("claimed_at":null,"started_at":null,"finished_at":"2026-03-01T12:00:05.000Z","error_code":"runtime"})");
}

static void a_task_in_detail(void**) {
  const auto json = api::render(failed_task());
  assert_text_equal(json["envelope"]["payload"]["program"].text(), "backup");
  assert_text_equal(json["envelope"]["site"].text(), "attic");
  assert_int_equal(json["result"]["exit_status"].integer(), 3);
  assert_text_equal(json["timeline"].dump(),
                    R"([{"time":"2026-03-01T12:00:00.000Z","event":"submitted","from":null,"to":"queued",)"
                    R"("actor":"anna","worker":null,"epoch":0,"detail":null}])");
  assert_text_equal(json["notes"].dump(),
                    R"([{"time":"2026-03-01T12:00:00.000Z","note":"late_report","actor":"worker:attic-1",)"
                    R"("worker":"attic-1","epoch":1,"result":{"status":"done"}}])");
}

static void what_a_task_waits_for_is_shown_while_it_waits(void**) {
  core::TaskRecord task;
  task.waits_for = core::WaitsFor::lock;
  task.waits_detail = "node:nas";
  assert_text_equal(api::render(task)["waits_for"].text(), "lock");
  assert_text_equal(api::render(task)["waits_detail"].text(), "node:nas");
  task.state = core::TaskState::running;
  assert_true(api::render(task)["waits_for"].is_null() && api::render(task)["waits_detail"].is_null());
}

static void a_task_without_a_result_has_none(void**) {
  const auto json = api::render(core::TaskDetail{});
  assert_true(json["result"].is_null());
  assert_text_equal(api::kept_output({}).dump(), "[]");
  assert_true(api::last_change({}).view().is_null());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_task_in_a_list),
      cmocka_unit_test(a_task_in_detail),
      cmocka_unit_test(what_a_task_waits_for_is_shown_while_it_waits),
      cmocka_unit_test(a_task_without_a_result_has_none),
  };
  return cmocka_run_group_tests_name("api_task_render", tests, nullptr, nullptr);
}
