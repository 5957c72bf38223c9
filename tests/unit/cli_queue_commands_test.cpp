// The groups `worker` and `queue`, and the line of the status, against a scripted daemon.
#include <map>

#include "cli/queue_text.hpp"
#include "cli_scripted_daemon.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using test::Ran;
using test::ScriptedAnswer;

namespace {

constexpr base::WallTime kNoon{1772366400s};  // 2026-03-01T12:00:00Z

// Answers by method, path and body.
Ran ask(std::vector<std::string> arguments, const std::map<std::string, ScriptedAnswer>& answers) {
  return test::run(std::move(arguments),
                   [&](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
                     auto path = request.method + " " + request.url.substr(request.url.find("/v1/"));
                     if (!request.body.empty()) path += " " + request.body;
                     const auto found = answers.find(path);
                     if (found == answers.end()) fail_msg("not expected: %s", path.c_str());
                     return found->second;
                   });
}

const ScriptedAnswer kWorkers{200, R"({"workers":[
  {"name":"attic","state":"online","draining":false,"site":"home","node":"nas","capabilities":["noop","script"],
   "version":"0.1.0","concurrency":4,"limits":{"script":2},"owned":2,"beat_age_seconds":3,"registered_at":"2026-03-01T11:00:00.000Z","incarnation":2},
  {"name":"cellar","state":"late","draining":true,"site":null,"node":"pi","capabilities":["noop"],
   "version":"0.1.0","concurrency":1,"owned":0,"beat_age_seconds":70,"registered_at":"2026-03-01T11:00:00.000Z","incarnation":1}]})"};
const ScriptedAnswer kNotFound{404,
                               R"({"status":404,"code":"not_found","detail":"there is no such worker"})"};

}  // namespace

static void workers_are_shown_in_a_table(void**) {
  assert_text_equal(ask({"worker", "list"}, {{"GET /v1/workers", kWorkers}}).out,
                    "WORKER  STATE   SITE  NODE  TASKS  LAST BEAT  VERSION  CAPABILITIES\n"
                    "attic   online  home  nas     2/4  3s         0.1.0    noop script=2\n"
                    "cellar  late    -     pi      0/1  1m 10s     0.1.0    noop\n");
  const auto none = ask({"worker", "list"}, {{"GET /v1/workers", {200, R"({"workers":[]})"}}});
  assert_true(none.out.find("a daemon with a section `worker`") != std::string::npos);
}

static void one_worker_is_shown_with_its_tasks(void**) {
  const std::map<std::string, ScriptedAnswer> answers{
      {"GET /v1/workers", kWorkers},
      {"GET /v1/tasks?state=claimed,running&worker=cellar",
       {200, R"({"tasks":[{"id":4,"kind":"noop","state":"running","worker":"cellar"}]})"}}};
  const auto ran = ask({"worker", "show", "cellar"}, answers);
  assert_true(ran.out.find("worker cellar: late\n") == 0);
  assert_true(ran.out.find(" 4  noop  running") != std::string::npos);
  assert_true(ran.out.find("hint: it takes no new tasks: `fairlead worker drain --undo cellar`") !=
              std::string::npos);
  const auto json = base::Json::parse(ask({"worker", "show", "cellar", "--json"}, answers).out);
  assert_int_equal((*json)["tasks"].size(), 1);
  const auto typo = ask({"worker", "show", "celar"}, {{"GET /v1/workers", kWorkers}});
  assert_int_equal(typo.exit, 1);
  assert_text_equal(typo.err, "fairlead: no worker named `celar`; did you mean `cellar`?\n");
}

static void a_worker_is_drained(void**) {
  assert_text_equal(ask({"worker", "drain", "attic"}, {{R"(POST /v1/workers/attic/drain {"drain":true})",
                                                        {200, R"({"worker":"attic","draining":true})"}}})
                        .out,
                    "attic: takes no new tasks; those that it has go on\n");
  assert_text_equal(
      ask({"worker", "drain", "attic", "--undo"}, {{R"(POST /v1/workers/attic/drain {"drain":false})",
                                                    {200, R"({"worker":"attic","draining":false})"}}})
          .out,
      "attic: takes tasks again\n");
  const auto typo =
      ask({"worker", "drain", "attik"},
          {{R"(POST /v1/workers/attik/drain {"drain":true})", kNotFound}, {"GET /v1/workers", kWorkers}});
  assert_text_equal(typo.err, "fairlead: no worker named `attik`; did you mean `attic`?\n");
}

static void the_queue_is_paused_and_resumed(void**) {
  const auto all = ask({"queue", "pause", "--for", "2h", "--why", "new disk"},
                       {{R"(POST /v1/queue/pause {"scope":"all","for":"2h","why":"new disk"})",
                         {200, R"({"scope":"all","name":null,"until":"2026-03-01T14:00:00.000Z"})"}}});
  assert_text_equal(all.out, "everything: paused until 2026-03-01T14:00:00.000Z; what runs goes on\n");
  const auto site = ask({"queue", "pause", "--site", "attic"},
                        {{R"(POST /v1/queue/pause {"scope":"site","name":"attic"})",
                          {200, R"({"scope":"site","name":"attic","until":null})"}}});
  assert_text_equal(site.out, "site attic: paused until it is resumed; what runs goes on\n");
  const auto resumed = ask({"queue", "resume", "--kind", "script"},
                           {{R"(POST /v1/queue/resume {"scope":"kind","name":"script"})",
                             {200, R"({"scope":"kind","name":"script","resumed":true})"}}});
  assert_text_equal(resumed.out, "kind script: goes on\n");
  const auto not_paused =
      ask({"queue", "resume"}, {{R"(POST /v1/queue/resume {"scope":"all"})",
                                 {404, R"({"code":"not_found","detail":"is not paused"})"}}});
  assert_int_equal(not_paused.exit, 1);
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"--kind", "a", "--site", "b"},
                                             {"--for", "1h", "--until", "2026-03-01T14:00:00Z"},
                                             {"--for", "soon"}}) {
    std::vector<std::string> arguments{"queue", "pause"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    assert_int_equal(ask(arguments, {}).exit, 64);
  }
}

static void the_queue_is_shown(void**) {
  const auto queue = base::Json::parse(R"({
    "store":{"state":"open","backend":"postgresql","place":"db.example/fairlead","hints":"listen","error":null},
    "worker":{"name":"attic","live":true,"draining":true,"running":2,"concurrency":4},
    "stats":{"rows":[{"kind":"script","state":"queued","waits_for":"lock","count":12,"oldest_seconds":90}],
      "history":40,"oldest_snapshot_seconds":7200},
    "pauses":[{"scope":"kind","name":"script","until":null,"why":"disk","actor":"anna","since":"2026-03-01T11:50:00.000Z"}]})");
  assert_text_equal(
      cli::render_queue(queue->view(), kNoon, false),
      "queue: postgresql, open; worker attic: 2 of 4 at work, draining\n"
      "kept in db.example/fairlead\n"
      "news of tasks: listen\n"
      "paused: kind script until it is resumed, by anna 10m ago: disk\n"
      "\n"
      "KIND    STATE   WAITS FOR  TASKS  OLDEST\n"
      "script  queued  lock          12  1m 30s\n"
      "\n"
      "40 finished tasks are kept\n"
      "a transaction in the database is 2h old: it keeps finished rows from being cleaned up, and the "
      "queue gets slower\n");
}

static void a_store_that_is_away_is_a_failure(void**) {
  const auto ran =
      ask({"queue", "stats"},
          {{"GET /v1/queue",
            {200, R"({"store":{"state":"away","backend":"postgresql","place":"db","error":"refused\u001b"},
                                   "worker":null,"stats":null,"pauses":null,"error":"the store is away"})"}}});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.out, "queue: postgresql, away; no worker here\nqueue: refused\\x1b\nkept in db\n");
  assert_text_equal(ran.err, "fairlead: the store is away\n");
}

static void the_status_has_a_line_of_the_queue(void**) {
  const auto ran =
      ask({"status"}, {{"GET /v1/status", {200, R"({"tunnels":[{"name":"hub","state":"stopped"}],"queue":{
      "store":{"state":"open","backend":"sqlite"},"worker":{"name":"attic","live":false}}})"}}});
  assert_true(ran.out.find("\nqueue: sqlite, open; worker attic: not registered\n") != std::string::npos);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(workers_are_shown_in_a_table),
      cmocka_unit_test(one_worker_is_shown_with_its_tasks),
      cmocka_unit_test(a_worker_is_drained),
      cmocka_unit_test(the_queue_is_paused_and_resumed),
      cmocka_unit_test(the_queue_is_shown),
      cmocka_unit_test(a_store_that_is_away_is_a_failure),
      cmocka_unit_test(the_status_has_a_line_of_the_queue),
  };
  return cmocka_run_group_tests_name("cli_queue_commands", tests, nullptr, nullptr);
}
