// Tasks as people see them.
#include "cli/task_text.hpp"

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

constexpr base::WallTime kNoon{1772366400s};  // 2026-03-01T12:00:00Z

base::Json json(const char* text) {
  auto parsed = base::Json::parse(text);
  if (!parsed) fail_msg("%s", parsed.error().text().c_str());
  return std::move(*parsed);
}

constexpr char kFailed[] = R"({
  "id":42,"kind":"script","state":"failed","waits_for":null,"waits_detail":null,"worker":"attic-1","epoch":3,
  "attempt":2,"max_attempts":2,"cancel_requested":false,"capability":"script","target":"site:attic",
  "route":"script@site:attic","priority":100,"locks":["node:nas"],"actor":{"name":"anna","class":"human"},
  "idempotency_key":"nightly","trace_id":null,"retry_of":null,"submitted_at":"2026-03-01T11:58:00.000Z",
  "run_at":null,"started_at":"2026-03-01T11:59:00.000Z","finished_at":"2026-03-01T11:59:30.000Z",
  "error_code":"runtime",
  "envelope":{"payload":{"program":"backup"},"timeout":600,"depends_on":[7],"on_lease_loss":"stop"},
  "result":{"status":"failed","exit_class":"failure","exit_status":3,"duration_ms":30000,
    "stdout":{"head":"one\ntwo\u001b[2J\n","total":20,"truncated":false},
    "stderr":{"head":"head","tail":"tail\n","total":9000,"truncated":true},
    "error":{"code":"runtime","message":"exited with 3","truncated":false}},
  "timeline":[
    {"time":"2026-03-01T11:58:00.000Z","event":"submitted","from":null,"to":"queued","actor":"anna","worker":null,"epoch":0,"detail":null},
    {"time":"2026-03-01T11:59:30.000Z","event":"gave_up","from":"running","to":"failed","actor":"worker:attic-1","worker":"attic-1","epoch":3,"detail":"exit 3"}],
  "notes":[
    {"time":"2026-03-01T11:59:00.000Z","note":"late_report","actor":"worker:nas-1","worker":"nas-1","epoch":1,"result":{"status":"done"}}]})";

}  // namespace

static void a_list_of_tasks(void**) {
  const auto list = json(R"({"tasks":[
    {"id":43,"kind":"script","state":"queued","waits_for":"lock","waits_detail":"node:nas","worker":null,"attempt":0,
     "max_attempts":4,"submitted_at":"2026-03-01T11:59:55.500Z","actor":{"name":"anna"}},
    {"id":7,"kind":"prune","state":"failed","waits_for":null,"worker":"attic\u0007","attempt":4,"max_attempts":4,
     "error_code":"timeout","submitted_at":"2026-02-27T09:00:00.000Z","actor":{"name":"ci"}}]})");
  assert_text_equal(cli::render_tasks(list.view(), kNoon, false),
                    "ID  KIND    STATE                            WORKER     ATTEMPT  AGE    ACTOR\n"
                    "43  script  queued, waits for lock node:nas  -              0/4  4s     anna\n"
                    " 7  prune   failed: timeout                  attic\\x07      4/4  2d 3h  ci\n");
}

static void one_task_with_all_there_is_to_know(void**) {
  assert_text_equal(cli::render_task(json(kFailed).view(), {}, kNoon, false),
                    "task 42: script, failed: runtime: exit 3\n"
                    "  payload    {\"program\":\"backup\"}\n"
                    "  runs on    script@site:attic\n"
                    "  locks      node:nas\n"
                    "  after      7\n"
                    "  priority   100\n"
                    "  attempt    2/2, worker attic-1\n"
                    "  timeout    10m\n"
                    "  key        nightly\n"
                    "  actor      anna (human)\n"
                    "  submitted  2026-03-01T11:58:00.000Z (2m ago)\n"
                    "  started    2026-03-01T11:59:00.000Z (1m ago)\n"
                    "  finished   2026-03-01T11:59:30.000Z (30s ago)\n"
                    "  result     exit 3 after 30s\n"
                    "  error      runtime: exited with 3\n"
                    "  stdout:\n"
                    "    | one\n"
                    "    | two\\x1b[2J\n"
                    "  stderr:\n"
                    "    | head\n"
                    "    | [… some is missing here …]\n"
                    "    | tail\n"
                    "\n"
                    "TIME                      EVENT        STATE   WORKER   EPOCH  BY              DETAIL\n"
                    "2026-03-01T11:58:00.000Z  submitted    queued  -            0  anna\n"
                    "2026-03-01T11:59:00.000Z  late report          nas-1        1  worker:nas-1    refused: "
                    "its lease was over; it "
                    "said done\n"
                    "2026-03-01T11:59:30.000Z  gave_up      failed  attic-1      3  worker:attic-1  exit 3\n"
                    "\n"
                    "hint: `fairlead task retry 42` makes a new task of it\n");
}

static void of_long_output_the_end_is_shown(void**) {
  std::string head;
  for (int i = 1; i <= 30; ++i) head += std::to_string(i) + "\\n";
  const auto task =
      json((R"({"id":1,"state":"done","result":{"stdout":{"head":")" + head + R"(","truncated":false}}})")
               .c_str());
  const auto text = cli::render_task(task.view(), {}, kNoon, false);
  assert_true(text.find("  stdout (the last 20 of 30 kept lines):\n    | 11\n") != std::string::npos);
  assert_true(text.find("    | 30\n") != std::string::npos && text.find("    | 10\n") == std::string::npos);
}

static void hints_name_the_next_step(void**) {
  const struct {
    const char* task;
    const char* hint;
  } cases[] = {
      {R"({"id":4,"state":"queued","waits_for":"time"})", "`fairlead task retry 4` runs it now"},
      {R"({"id":4,"state":"queued","waits_for":"lock"})", "task list --state claimed,running"},
      {R"({"id":4,"state":"queued","waits_for":"pause"})", "queue resume"},
      {R"({"id":4,"state":"queued","waits_for":"dependency"})", "when they are done"},
      {R"({"id":4,"state":"running"})", "task logs --follow 4"},
      {R"({"id":4,"state":"failed","error_code":"poison"})", "lost twice"},
      {R"({"id":4,"state":"failed","error_code":"forbidden"})", "`executors`"},
      {R"({"id":4,"state":"failed","error_code":"timeout"})", "--timeout"},
      {R"({"id":4,"state":"cancelled"})", "task retry 4"},
  };
  for (const auto& [task, hint] : cases) {
    const auto told = cli::task_hint(json(task).view(), {});
    if (told.find(hint) == std::string::npos) fail_msg("%s: %s", task, told.c_str());
  }
  assert_text_equal(cli::task_hint(json(R"({"id":4,"state":"done"})").view(), {}), "");
}

static void a_task_that_nobody_can_take_says_so(void**) {
  const auto hint = [](const char* workers, const char* target = "null") {
    const auto task = json((R"({"id":4,"state":"queued","waits_for":null,"capability":"script","target":)" +
                            std::string(target) + "}")
                               .c_str());
    return cli::task_hint(task.view(), json(workers).view());
  };
  constexpr char kGood[] =
      R"({"workers":[{"state":"online","draining":false,"site":"attic","node":"nas","capabilities":["noop","script"]}]})";
  assert_text_equal(hint(kGood), "");
  assert_text_equal(hint(kGood, "\"site:attic\""), "");
  assert_text_equal(hint(kGood, "\"node:nas\""), "");
  assert_true(hint(kGood, "\"site:cellar\"").find("takes `script` at site:cellar") != std::string::npos);
  assert_false(hint(R"({"workers":[]})").empty());
  assert_false(hint(R"({"workers":[{"state":"offline","capabilities":["script"]}]})").empty());
  assert_false(hint(R"({"workers":[{"state":"online","draining":true,"capabilities":["script"]}]})").empty());
  assert_false(hint(R"({"workers":[{"state":"online","capabilities":["noop"]}]})").empty());
  assert_text_equal(hint("null"), "");  // not known: nothing is claimed
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_list_of_tasks),
      cmocka_unit_test(one_task_with_all_there_is_to_know),
      cmocka_unit_test(of_long_output_the_end_is_shown),
      cmocka_unit_test(hints_name_the_next_step),
      cmocka_unit_test(a_task_that_nobody_can_take_says_so),
  };
  return cmocka_run_group_tests_name("cli_task_text", tests, nullptr, nullptr);
}
