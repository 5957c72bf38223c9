// The routes of tasks as a client sees them, over a queue that is a fake.
#include "api_site.hpp"

using namespace house;
using core::TaskState;

namespace {

constexpr char kNoop[] = R"({"version":1,"kind":"noop"})";

core::TaskDetail task_in(TaskState state, std::int64_t id = 7) {
  core::TaskDetail detail;
  detail.task.id = core::TaskId{id};
  detail.task.envelope.kind = "script";
  detail.task.state = state;
  detail.task.worker = "attic";
  core::TimelineEntry entry;
  entry.event = state == TaskState::done ? core::TaskEvent::succeeded : core::TaskEvent::started;
  entry.from = TaskState::running;
  entry.to = state;
  entry.worker = "attic";
  entry.detail = "exit 0";
  detail.timeline.push_back(entry);
  return detail;
}

core::Submitted submitted(std::int64_t id, bool existed) {
  return {core::TaskId{id}, existed, TaskState::queued, core::WaitsFor::lock};
}

core::HttpResponse submit(Site& site, const std::string& body, const char* key = nullptr) {
  auto request = site.house.request("POST", "/v1/tasks", body);
  if (key != nullptr) request.headers.emplace_back("Idempotency-Key", key);
  return House::answer(site.house.ask(std::move(request)));
}

std::string state_body(int id, const char* to) {
  return R"({"task":{"id":)" + std::to_string(id) + R"(,"kind":"script"},"to":")" + to + "\"}";
}
void change(Site& site, int id, const char* to) {
  core::RingPublisher(site.task_events).publish("task_state", *base::Json::parse(state_body(id, to)));
}
void write(Site& site, int id, const char* text) {
  base::Json task = base::Json::object(), body = base::Json::object();
  task.set("id", id);
  body.set("task", std::move(task)).set("stream", "stdout").set("text", text);
  core::RingPublisher(site.task_events).publish("task_output", body);
}

}  // namespace

static void a_new_task_is_created_and_a_known_one_is_found(void**) {
  Site site;
  site.tasks.outcomes = {submitted(9, false)};
  const auto created = submit(site, kNoop, "nightly-3");
  assert_int_equal(created.status, 201);
  assert_text_equal(created.header("location").value_or(""), "/v1/tasks/9");
  assert_text_equal(created.body,
                    R"({"id":9,"existed":false,"state":"queued","waits_for":"lock","last_event_id":7999})");
  assert_text_equal(site.tasks.submitted, kNoop);
  assert_text_equal(site.tasks.key, "nightly-3");
  site.tasks.outcomes = {submitted(9, true)};
  const auto found = submit(site, kNoop);
  assert_int_equal(found.status, 200);
  assert_text_equal(found.header("location").value_or(""), "/v1/tasks/9");
  assert_text_equal(site.tasks.key, "");
}

static void a_refused_envelope_tells_every_fault(void**) {
  Site site;
  site.tasks.outcomes = {base::Error{Code::bad_request, "kind: is missing\nlocks: has \"x\x1b\"", {}}};
  const auto refused = submit(site, "{}");
  assert_int_equal(refused.status, 400);
  const auto problem = base::Json::parse(refused.body);
  assert_text_equal((*problem)["errors"].dump(), R"(["kind: is missing","locks: has \"x\\x1b\""])");
  assert_text_equal((*problem)["detail"].text(), "kind: is missing\nlocks: has \"x\\x1b\"");
}

static void refusals_have_their_status(void**) {
  Site site;
  const struct {
    Code code;
    int status;
  } cases[] = {
      {Code::conflict, 409}, {Code::forbidden, 403}, {Code::too_large, 413}, {Code::unavailable, 503}};
  for (const auto& [code, status] : cases) {
    site.tasks.outcomes = {base::Error{code, "not this one", {}}};
    const auto problem = base::Json::parse(submit(site, kNoop).body);
    assert_int_equal((*problem)["status"].integer(), status);
    assert_text_equal((*problem)["code"].text(), base::to_string(code));
    assert_text_equal((*problem)["detail"].text(), "not this one");
  }
}

static void an_array_has_an_answer_for_each(void**) {
  Site site;
  site.tasks.outcomes = {submitted(1, false), submitted(2, true), base::Error{Code::conflict, "another", {}}};
  const auto answer = submit(site, std::string("[") + kNoop + "," + kNoop + "," + kNoop + "]");
  assert_int_equal(answer.status, 200);
  const auto body = base::Json::parse(answer.body);
  assert_int_equal((*body)["created"].integer(), 1);
  assert_int_equal((*body)["existed"].integer(), 1);
  assert_int_equal((*body)["refused"].integer(), 1);
  assert_int_equal((*body)["tasks"].at(0)["status"].integer(), 201);
  assert_int_equal((*body)["tasks"].at(1)["id"].integer(), 2);
  assert_text_equal((*body)["tasks"].at(2).dump(),
                    R"({"status":409,"error":{"code":"conflict","message":"another","errors":["another"]}})");
}

static void bodies_that_are_no_envelopes_do_not_reach_the_queue(void**) {
  Site site;
  for (const char* body :
       {"", "null", "7", "[]", "\"noop\"", "{\"kind\"", "{\"a\":1,\"a\":2}", "{\"kind\":\"\xff\"}"})
    assert_text_equal(site.refused(400, "POST", "/v1/tasks", body), "bad_request");
  std::string many = "[{}";
  for (int i = 0; i < 1000; ++i) many += ",{}";
  assert_text_equal(site.refused(413, "POST", "/v1/tasks", many + "]"), "too_large");
  assert_int_equal(submit(site, "[{}]", "k").status, 400);
  assert_int_equal(submit(site, "{}", "").status, 400);
  assert_text_equal(site.refused(413, "POST", "/v1/tasks", std::string((1u << 20) + 1, ' ')), "too_large");
  assert_true(site.tasks.done.empty());
}

static void the_largest_payload_gets_through(void**) {
  Site site;
  site.tasks.outcomes = {submitted(9, false)};
  const std::string payload(core::kMaxPayload - 2, 'x');
  assert_int_equal(submit(site, R"({"version":1,"kind":"noop","payload":")" + payload + "\"}").status, 201);
  assert_true(site.tasks.submitted.find(payload) != std::string::npos);
}

static void a_store_that_is_away_refuses_tasks(void**) {
  Site site;
  site.tasks.trouble = base::Error{Code::unavailable, "the store is away", {}};
  assert_text_equal(site.refused(503, "POST", "/v1/tasks", kNoop), "unavailable");
  assert_text_equal(site.refused(503, "GET", "/v1/tasks"), "unavailable");
}

static void lists_are_filtered_and_go_on(void**) {
  Site site;
  for (int id = 1; id <= 5; ++id) site.tasks.tasks[id] = task_in(TaskState::running, id);
  const auto all = site.json("GET", "/v1/tasks");
  assert_int_equal(all["tasks"].size(), 5);
  assert_true(all["next_before"].is_null());
  assert_int_equal(site.tasks.filter.most, 100);
  assert_true(site.tasks.filter.states.empty() && !site.tasks.filter.waits_for);
  const auto some = site.json(
      "GET", "/v1/tasks?state=queued,failed&kind=script&worker=attic&waits_for=lock&before=90&limit=2");
  assert_int_equal(some["tasks"].size(), 2);
  assert_int_equal(some["next_before"].integer(), 4);
  const auto& filter = site.tasks.filter;
  assert_true(filter.states == (std::vector{TaskState::queued, TaskState::failed}));
  assert_text_equal(filter.kind, "script");
  assert_text_equal(filter.worker, "attic");
  assert_true(filter.waits_for == core::WaitsFor::lock && core::number(filter.before) == 90);
  site.json("GET", "/v1/tasks?state=all");
  assert_int_equal(site.tasks.filter.states.size(), 7);
  for (const char* path :
       {"/v1/tasks?state=runnning", "/v1/tasks?state=", "/v1/tasks?waits_for=tea", "/v1/tasks?before=x",
        "/v1/tasks?limit=0", "/v1/tasks?limit=1001", "/v1/tasks?site=x"})
    assert_text_equal(site.refused(400, "GET", path), "bad_request");
}

static void one_task_is_shown(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::running);
  assert_int_equal(site.json("GET", "/v1/tasks/7")["id"].integer(), 7);
  for (const char* path : {"/v1/tasks/8", "/v1/tasks/0", "/v1/tasks/-7", "/v1/tasks/seven",
                           "/v1/tasks/8/logs", "/v1/tasks/8/events", "/v1/tasks/99999999999999999999"})
    assert_text_equal(site.refused(404, "GET", path), "not_found");
  assert_text_equal(site.refused(400, "GET", "/v1/tasks/7/events?last_event_id=x"), "bad_request");
}

static void orders_reach_the_queue(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::running);
  site.tasks.tasks[8] = task_in(TaskState::failed, 8);
  assert_text_equal(site.json("POST", "/v1/tasks/7/cancel").dump(),
                    R"({"id":7,"state":"running","requested":true,"retry_of":null})");
  site.json("POST", "/v1/tasks/7/requeue");
  const auto again = site.ask("POST", "/v1/tasks/8/retry");
  assert_int_equal(again.status, 201);
  assert_text_equal(again.body, R"({"id":108,"state":"queued","requested":false,"retry_of":8})");
  assert_text_equal(again.header("location").value_or(""), "/v1/tasks/108");
  assert_text_equal(site.refused(409, "POST", "/v1/tasks/8/cancel"), "conflict");
  assert_text_equal(site.refused(404, "POST", "/v1/tasks/9/cancel"), "not_found");
  assert_text_equal(site.tasks.done.at(0), "cancel 7 by anna");
  assert_text_equal(site.tasks.done.at(1), "requeue 7 by anna");
  assert_text_equal(site.tasks.done.at(2), "retry 8 by anna");
}

static void output_is_live_while_the_task_is_at_work(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::running);
  site.tasks.outputs[7] = {{core::TaskId{7}, false, "one\n"}, {core::TaskId{7}, true, "two\n"}};
  assert_text_equal(site.json("GET", "/v1/tasks/7/logs").dump(),
                    R"({"task":7,"state":"running","live":true,"last_event_id":7999,)"
                    R"("parts":[{"stream":"stdout","text":"one\n"},{"stream":"stderr","text":"two\n"}]})");
  site.tasks.tasks[7] = task_in(TaskState::done);
  site.tasks.tasks[7].task.result =
      R"({"status":"done","exit_class":"success","stdout":{"head":"one\n","tail":"end\n","total":100,"truncated":true}})";
  assert_text_equal(
      site.json("GET", "/v1/tasks/7/logs")["parts"].dump(),
      R"([{"stream":"stdout","text":"one\n"},{"stream":"stdout","missing_bytes":92},{"stream":"stdout","text":"end\n"}])");
}

static void a_stream_shows_one_task_and_ends_with_it(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::running);
  Peer peer(site.house.path());
  peer.send("GET /v1/tasks/7/events HTTP/1.1\r\nHost: x\r\n\r\n");
  site.house.until([&] { return site.house.server->streams() == 1; }, "the stream");
  write(site, 7, "mine");
  write(site, 8, "other");
  change(site, 8, "done");
  change(site, 7, "queued");
  site.house.until([&] { return peer.has("\"to\":\"queued\""); }, "the change");
  assert_int_equal(site.house.server->streams(), 1);
  change(site, 7, "done");
  site.house.until([&] { return site.house.server->streams() == 0; }, "the end");
  assert_true(
      peer.has("event: task_output\ndata: {\"task\":{\"id\":7},\"stream\":\"stdout\",\"text\":\"mine\"}"));
  assert_true(peer.has("\"to\":\"done\""));
  assert_false(peer.has("other") || peer.has("\"id\":8"));
}

static void a_finished_task_tells_its_last_change_and_ends(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::done);
  const auto response = site.ask("GET", "/v1/tasks/7/events");
  assert_text_equal(response.body,
                    "retry: 1000\n\nid: 7999\nevent: task_state\ndata: "
                    R"({"task":{"id":7,"kind":"script"},"from":"running","to":"done","event":"succeeded",)"
                    R"("worker":"attic","detail":"exit 0"})"
                    "\n\n");
}

static void who_comes_back_gets_what_was_missed(void**) {
  Site site;
  change(site, 7, "running");  // 8000
  write(site, 7, "missed");    // 8001
  change(site, 7, "done");     // 8002
  site.tasks.tasks[7] = task_in(TaskState::done);
  const auto missed = site.ask("GET", "/v1/tasks/7/events?last_event_id=8000").body;
  assert_true(missed.find("id: 8001\nevent: task_output") != std::string::npos);
  assert_true(missed.find("id: 8002\nevent: task_state") != std::string::npos);
  // Nothing was missed, or too much: the last change all the same.
  for (const char* path : {"/v1/tasks/7/events?last_event_id=8002", "/v1/tasks/7/events?last_event_id=5"}) {
    const auto body = site.ask("GET", path).body;
    assert_true(body.find("id: 8002\nevent: task_state") != std::string::npos);
    assert_true(body.find("missed") == std::string::npos && body.find("resync") == std::string::npos);
  }
}

// What stands for lost events may stand for the last of them: the client looks the task up again.
static void a_gap_ends_the_stream_of_a_task(void**) {
  Site site;
  site.tasks.tasks[7] = task_in(TaskState::running);
  const auto body = site.ask("GET", "/v1/tasks/7/events?last_event_id=5").body;
  assert_text_equal(body, "retry: 1000\n\nid: 7999\nevent: resync\ndata: {\"id\":7999}\n\n");
}

static void the_stream_of_all_leaves_output_out(void**) {
  Site site;
  Peer peer(site.house.path());
  peer.send("GET /v1/queue/events HTTP/1.1\r\nHost: x\r\n\r\n");
  site.house.until([&] { return site.house.server->streams() == 1; }, "the stream");
  write(site, 7, "noise");
  change(site, 7, "done");
  site.house.until([&] { return peer.has("task_state"); }, "the change");
  assert_false(peer.has("noise"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_new_task_is_created_and_a_known_one_is_found),
      cmocka_unit_test(a_refused_envelope_tells_every_fault),
      cmocka_unit_test(refusals_have_their_status),
      cmocka_unit_test(an_array_has_an_answer_for_each),
      cmocka_unit_test(bodies_that_are_no_envelopes_do_not_reach_the_queue),
      cmocka_unit_test(the_largest_payload_gets_through),
      cmocka_unit_test(a_store_that_is_away_refuses_tasks),
      cmocka_unit_test(lists_are_filtered_and_go_on),
      cmocka_unit_test(one_task_is_shown),
      cmocka_unit_test(orders_reach_the_queue),
      cmocka_unit_test(output_is_live_while_the_task_is_at_work),
      cmocka_unit_test(a_stream_shows_one_task_and_ends_with_it),
      cmocka_unit_test(a_finished_task_tells_its_last_change_and_ends),
      cmocka_unit_test(who_comes_back_gets_what_was_missed),
      cmocka_unit_test(a_gap_ends_the_stream_of_a_task),
      cmocka_unit_test(the_stream_of_all_leaves_output_out),
  };
  return cmocka_run_group_tests_name("api_tasks", tests, nullptr, nullptr);
}
