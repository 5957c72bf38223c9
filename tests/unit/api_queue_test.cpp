// The routes of workers, queue and metrics, over a queue that is a fake.
#include "api_site.hpp"

using namespace house;

namespace {

core::WorkerRecord worker_named(const char* name) {
  core::WorkerRecord worker;
  worker.info = {name, "home", "nas", {"noop", "script"}, "0.1.0", 4, {{"script", 2}}};
  worker.incarnation = 3;
  worker.state = core::WorkerState::late;
  worker.beat_age = 31'900ms;
  worker.owned = 2;
  return worker;
}

}  // namespace

static void workers_are_listed(void**) {
  Site site;
  assert_text_equal(site.json("GET", "/v1/workers").dump(), R"({"workers":[]})");
  site.tasks.known_workers.push_back(worker_named("attic"));
  assert_text_equal(
      site.json("GET", "/v1/workers").dump(),
      R"({"workers":[{"name":"attic","state":"late","draining":false,"site":"home","node":"nas",)"
      R"("capabilities":["noop","script"],"version":"0.1.0","concurrency":4,"limits":{"script":2},)"
      R"("owned":2,"beat_age_seconds":31,)"
      R"("registered_at":"1970-01-01T00:00:00.000Z","incarnation":3}]})");
}

static void a_worker_is_drained_and_taken_back(void**) {
  Site site;
  assert_text_equal(site.refused(404, "POST", "/v1/workers/attic/drain"), "not_found");
  site.tasks.known_workers.push_back(worker_named("attic"));
  assert_text_equal(site.json("POST", "/v1/workers/attic/drain").dump(),
                    R"({"worker":"attic","draining":true})");
  assert_text_equal(site.json("POST", "/v1/workers/attic/drain", R"({"drain":false})").dump(),
                    R"({"worker":"attic","draining":false})");
  assert_text_equal(site.tasks.done.at(1), "drain attic by anna");
  assert_text_equal(site.tasks.done.at(2), "undrain attic by anna");
  for (const char* body : {R"({"drain":"yes"})", R"({"drian":true})", "[]", "{"})
    assert_text_equal(site.refused(400, "POST", "/v1/workers/attic/drain", body), "bad_request");
}

static void the_queue_tells_store_worker_counts_and_pauses(void**) {
  Site site;
  site.tasks.status.store.state = core::StoreStatus::State::open;
  site.tasks.status.store.backend = "sqlite";
  site.tasks.status.store.place = "/var/lib/fairlead/queue.sqlite";
  site.tasks.status.worker = "attic";
  site.tasks.status.concurrency = 4;
  site.tasks.counts.rows.push_back({"script", core::TaskState::queued, core::WaitsFor::lock, 12, 90'500ms});
  site.tasks.counts.history = 40;
  site.tasks.paused.push_back({core::Pause::Scope::kind, "script", std::nullopt, "anna", "disk", {}});
  const auto queue = site.json("GET", "/v1/queue");
  assert_text_equal(queue["store"]["state"].text(), "open");
  assert_text_equal(queue["store"]["place"].text(), "/var/lib/fairlead/queue.sqlite");
  assert_true(queue["store"]["schema"].is_null());
  assert_int_equal(queue["worker"]["concurrency"].integer(), 4);
  assert_text_equal(
      queue["stats"]["rows"].dump(),
      R"([{"kind":"script","state":"queued","waits_for":"lock","count":12,"oldest_seconds":90}])");
  assert_int_equal(queue["stats"]["history"].integer(), 40);
  assert_text_equal(queue["pauses"].dump(),
                    R"([{"scope":"kind","name":"script","until":null,"why":"disk","actor":"anna",)"
                    R"("since":"1970-01-01T00:00:00.000Z"}])");
  assert_true(queue["error"].is_null());
  const auto status = site.json("GET", "/v1/status");
  assert_text_equal(status["queue"]["store"]["backend"].text(), "sqlite");
}

// A store that is away is what the answer is about, not a failure of it.
static void a_store_that_is_away_is_told(void**) {
  Site site;
  assert_false(site.json("GET", "/v1/status")["queue"].exists());
  site.tasks.status.store.state = core::StoreStatus::State::away;
  site.tasks.status.store.backend = "postgresql";
  site.tasks.status.store.error = "connection refused";
  site.tasks.trouble = base::Error{Code::unavailable, "the store is away", {}};
  const auto queue = site.json("GET", "/v1/queue");
  assert_text_equal(queue["store"]["error"].text(), "connection refused");
  assert_true(queue["stats"].is_null() && queue["pauses"].is_null() && queue["worker"].is_null());
  assert_text_equal(queue["error"].text(), "the store is away");
  assert_text_equal(site.refused(503, "GET", "/v1/workers"), "unavailable");
}

static void pauses_have_a_scope_and_an_end(void**) {
  Site site;
  const auto before = base::wall_now();
  const auto pause = site.json("POST", "/v1/queue/pause",
                               R"({"scope":"site","name":"attic","for":"2h","why":"snow on the\nline"})");
  assert_text_equal(pause["scope"].text(), "site");
  assert_text_equal(pause["name"].text(), "attic");
  assert_text_equal(pause["why"].text(), "snow on the\\x0aline");
  assert_text_equal(pause["actor"].text(), "anna");
  const auto until = base::parse_iso8601(pause["until"].text());
  assert_true(until && *until >= before + 2h - 1ms && *until <= base::wall_now() + 2h);
  assert_true(site.tasks.paused.at(0).scope == core::Pause::Scope::site);

  assert_true(site.json("POST", "/v1/queue/pause")["until"].is_null());
  assert_true(site.tasks.paused.at(1).scope == core::Pause::Scope::everything);
  assert_text_equal(site.json("POST", "/v1/queue/pause",
                              R"({"scope":"kind","name":"x","until":"2199-01-01T00:00:00Z"})")["until"]
                        .text(),
                    "2199-01-01T00:00:00.000Z");
}

static void pauses_that_mean_nothing_are_refused(void**) {
  Site site;
  for (const char* body : {R"({"scope":"node","name":"x"})", R"({"scope":"kind"})",
                           R"({"scope":"all","name":"x"})", R"({"for":"2h","until":"2199-01-01T00:00:00Z"})",
                           R"({"for":"soon"})", R"({"for":2})", R"({"for":"0s"})", R"({"until":"tomorrow"})",
                           R"({"until":"2001-01-01T00:00:00Z"})", R"({"scop":"all"})", "[]", "nothing"})
    assert_text_equal(site.refused(400, "POST", "/v1/queue/pause", body), "bad_request");
  const auto typo = site.ask("POST", "/v1/queue/pause", R"({"scop":"all"})");
  assert_true(typo.body.find("did you mean \\\"scope\\\"?") != std::string::npos);
  assert_true(site.tasks.paused.empty());
}

static void what_is_paused_is_resumed(void**) {
  Site site;
  assert_text_equal(site.refused(404, "POST", "/v1/queue/resume"), "not_found");
  site.tasks.paused.push_back({});
  assert_text_equal(site.json("POST", "/v1/queue/resume", R"({"scope":"kind","name":"script"})").dump(),
                    R"({"scope":"kind","name":"script","resumed":true})");
  assert_text_equal(site.tasks.done.at(1), "resume kind script by anna");
  assert_text_equal(site.refused(400, "POST", "/v1/queue/resume", R"({"for":"2h"})"), "bad_request");
}

static void metrics_are_text(void**) {
  Site site;
  const auto response = site.ask("GET", "/metrics");
  assert_int_equal(response.status, 200);
  assert_text_equal(response.body, "# TYPE fairlead_up gauge\nfairlead_up 1\n");
  assert_text_equal(response.header("content-type").value_or(""), "text/plain; version=0.0.4; charset=utf-8");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(workers_are_listed),
      cmocka_unit_test(a_worker_is_drained_and_taken_back),
      cmocka_unit_test(the_queue_tells_store_worker_counts_and_pauses),
      cmocka_unit_test(a_store_that_is_away_is_told),
      cmocka_unit_test(pauses_have_a_scope_and_an_end),
      cmocka_unit_test(pauses_that_mean_nothing_are_refused),
      cmocka_unit_test(what_is_paused_is_resumed),
      cmocka_unit_test(metrics_are_text),
  };
  return cmocka_run_group_tests_name("api_queue", tests, nullptr, nullptr);
}
