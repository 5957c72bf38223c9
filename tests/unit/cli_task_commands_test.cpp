// The group `task` against a scripted daemon.
#include <signal.h>

#include <map>

#include "cli_scripted_daemon.hpp"
#include "cmocka.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using test::Ran;
using test::ScriptedAnswer;

namespace {

std::string path_of(const core::HttpRequest& request) {
  return request.method + " " + request.url.substr(std::string("http://localhost").size());
}

// A daemon with fixed answers that writes down what it was sent.
struct Daemon {
  std::map<std::string, std::vector<ScriptedAnswer>> answers;  // one after the other; the last one stays
  std::vector<std::string> asked;
  std::vector<std::string> bodies;
  std::map<std::string, std::string> streams;
  std::vector<std::string> followed;  // with the Last-Event-ID

  Ran run(std::vector<std::string> arguments) {
    return test::run(
        std::move(arguments),
        [this](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
          asked.push_back(path_of(request));
          bodies.push_back(request.body);
          auto found = answers.find(asked.back());
          if (found == answers.end()) fail_msg("not expected: %s", asked.back().c_str());
          const auto answer = found->second.front();
          if (found->second.size() > 1) found->second.erase(found->second.begin());
          if (answer.status == 0) return base::Error{base::Code::unavailable, "refused", {}};
          return answer;
        },
        [this](const core::HttpRequest& request) {
          std::string text = path_of(request);
          const auto stream = streams.find(text);
          for (const auto& [name, value] : request.headers)
            if (name == "Last-Event-ID") text += " after " + value;
          followed.push_back(text);
          return stream == streams.end() ? std::string(":\n\n") : stream->second;
        });
  }
};

constexpr char kAdded[] = R"({"id":9,"existed":false,"state":"queued","waits_for":null,"last_event_id":500})";
constexpr char kDone[] =
    R"({"id":9,"kind":"script","state":"done","result":{"exit_class":"success","duration_ms":12}})";
constexpr char kFailed[] =
    R"({"id":9,"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":3}})";
constexpr char kRunning[] = R"({"id":9,"state":"running","worker":"attic","waits_for":null})";

std::string document(const Ran& ran, const char* key) {
  const auto json = base::Json::parse(ran.out);
  if (!json) fail_msg("no JSON: %s", ran.out.c_str());
  return (*json)[key].dump();
}

}  // namespace

static void a_task_is_added(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {{201, kAdded}};
  const auto ran = daemon.run({"task", "add", "script", "backup", "--lock", "node:nas", "--lock",
                               "site:attic", "--key", "k1", "--", "--full", "-v"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "task 9: queued, ready\n");
  assert_text_equal(ran.err, "");
  assert_text_equal(daemon.bodies.at(0),
                    R"({"version":1,"kind":"script","payload":{"program":"backup","args":["--full","-v"]},)"
                    R"("idempotency_key":"k1","locks":["node:nas","site:attic"]})");
  assert_text_equal(document(daemon.run({"task", "add", "noop", "--json"}), "id"), "9");
  daemon.answers["POST /v1/tasks"] = {
      {200, R"({"id":9,"existed":true,"state":"queued","waits_for":"lock","last_event_id":500})"}};
  const auto again = daemon.run({"task", "add", "noop", "--key", "k1"});
  assert_int_equal(again.exit, 0);
  assert_text_equal(again.out, "task 9 exists already: queued, waits for lock\n");
}

static void what_cannot_be_is_refused_without_a_daemon(void**) {
  Daemon daemon;
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"add"},
                                             {"add", "noop", "--payload", "{"},
                                             {"add", "noop", "word"},
                                             {"add", "noop", "--in", "soon"},
                                             {"add", "noop", "--in", "1m", "--at", "2026-03-01T12:00:00Z"},
                                             {"add", "noop", "--site", "a", "--node", "b"},
                                             {"add", "noop", "--after", "x"},
                                             {"add", "noop", "--wait=soon"},
                                             {"add", "noop", "--follow", "--json"},
                                             {"add", "--file", "x", "--key", "k"},
                                             {"list", "--state", "runing"},
                                             {"list", "--all", "--state", "done"},
                                             {"list", "--limit", "0"},
                                             {"show"},
                                             {"show", "0"},
                                             {"show", "abc"},
                                             {"cancel"},
                                             {"wait", "--timeout", "soon", "9"},
                                             {"explode", "9"}}) {
    std::vector<std::string> arguments{"task"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const auto ran = daemon.run(arguments);
    if (ran.exit != 64) fail_msg("%s: %d", words.back().c_str(), ran.exit);
    if (ran.err.empty()) fail_msg("%s: nothing said", words.back().c_str());
  }
  assert_true(daemon.run({"task", "list", "--state", "runing"}).err.find("did you mean `running`?") !=
              std::string::npos);
  assert_true(daemon.run({"task", "lst"}).err.find("did you mean `list`?") != std::string::npos);
  assert_true(daemon.asked.empty());
}

static void a_refusal_lists_every_fault(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {
      {400,
       R"({"status":400,"code":"bad_request","detail":"a\nb","errors":["timeout: must be","locks: has"]})"}};
  const auto ran = daemon.run({"task", "add", "noop", "--json"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err,
                    "timeout: must be\nlocks: has\n"
                    "fairlead: the task was not added: mend what is named above, and add it again\n");
  const auto json = base::Json::parse(ran.out);
  assert_int_equal((*json)["error"]["errors"].size(), 2);
  daemon.answers["POST /v1/tasks"] = {
      {403, R"({"status":403,"code":"forbidden","detail":"not on Sundays"})"}};
  const auto forbidden = daemon.run({"task", "add", "noop"});
  assert_int_equal(forbidden.exit, 1);
  assert_text_equal(forbidden.err, "fairlead: not on Sundays\n");
  daemon.answers["POST /v1/tasks"] = {{0, ""}};
  assert_int_equal(daemon.run({"task", "add", "noop"}).exit, 69);
}

static void waiting_ends_as_the_task_did(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {{201, kAdded}};
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}, {200, kFailed}};
  daemon.streams["GET /v1/tasks/9/events"] =
      "id: 501\nevent: task_state\ndata: {\"task\":{\"id\":9},\"to\":\"failed\"}\n\n";
  const auto ran = daemon.run({"task", "add", "noop", "--wait"});
  assert_int_equal(ran.exit, 3);
  assert_text_equal(ran.out, "task 9: failed: runtime: exit 3\n");
  assert_text_equal(daemon.followed.at(0), "GET /v1/tasks/9/events after 500");
  daemon.answers["GET /v1/tasks/9"] = {{200, kDone}};
  assert_int_equal(daemon.run({"task", "wait", "9"}).exit, 0);
  const auto json = daemon.run({"task", "add", "noop", "--wait=1m", "--json"});
  assert_text_equal(document(json, "exit"), "0");
  assert_text_equal(document(json, "id"), "9");
}

static void following_shows_the_output_as_it_comes(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {{201, kAdded}};
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}, {200, kFailed}};
  daemon.streams["GET /v1/tasks/9/events"] =
      "id: 501\nevent: task_output\ndata: "
      "{\"task\":{\"id\":9},\"stream\":\"stdout\",\"text\":\"out\\u001b\\n\"}\n\n"
      "id: 502\nevent: task_output\ndata: {\"task\":{\"id\":9},\"stream\":\"stderr\",\"text\":\"err\\n\"}\n\n"
      "id: 503\nevent: task_state\ndata: {\"task\":{\"id\":9},\"to\":\"failed\"}\n\n";
  const auto ran = daemon.run({"task", "add", "noop", "--follow"});
  assert_int_equal(ran.exit, 3);
  assert_text_equal(ran.out, "out\x1b\n");  // not a terminal: as it was written
  assert_text_equal(ran.err, "err\nfairlead: task 9: failed: runtime: exit 3\n");
}

// Another daemon ran it, or it was over before: the result has what was kept.
static void output_that_was_not_seen_live_is_shown_at_the_end(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {{201, kAdded}};
  daemon.answers["GET /v1/tasks/9"] = {
      {200,
       R"({"id":9,"state":"done","result":{"stdout":{"head":"a\n","tail":"z\n","truncated":true},"stderr":{"head":"e\n"}}})"}};
  const auto ran = daemon.run({"task", "add", "noop", "--follow"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "a\nz\n");
  assert_text_equal(ran.err,
                    "fairlead: warning: some of stdout is missing here: it was too long to be kept\ne\n");
}

static void a_wait_has_an_end(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}};
  const auto ran = daemon.run({"task", "wait", "9", "--timeout", "50ms"});
  assert_int_equal(ran.exit, 75);
  assert_text_equal(
      ran.err,
      "fairlead: task 9 is not over after 50ms (running on attic); it goes on: `fairlead task show 9` "
      "shows it, `fairlead task cancel 9` ends it\n");
}

static void an_interrupt_leaves_the_task_and_says_so(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}};
  daemon.streams["GET /v1/tasks/9/events"] = "";
  const auto script = [&](const core::HttpRequest&) {
    ::raise(SIGINT);
    return base::Result<ScriptedAnswer>(ScriptedAnswer{200, kRunning});
  };
  const auto ran = test::run({"task", "wait", "9"}, script);
  assert_int_equal(ran.exit, 130);
  assert_true(ran.err.find("it goes on: `fairlead task show 9`") != std::string::npos);
}

static void a_daemon_that_restarts_is_waited_for(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9"] = {
      {0, ""}, {503, R"({"status":503,"code":"unavailable","detail":"the store is away"})"}, {200, kDone}};
  assert_int_equal(daemon.run({"task", "wait", "9"}).exit, 0);
  daemon.answers["GET /v1/tasks/9"] = {
      {404, R"({"status":404,"code":"not_found","detail":"there is no task 9"})"}};
  const auto gone = daemon.run({"task", "wait", "9"});
  assert_int_equal(gone.exit, 1);
  assert_text_equal(gone.err, "fairlead: there is no task 9\n");
}

static void several_are_waited_for_and_the_highest_status_counts(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/8"] = {{200, R"({"id":8,"state":"cancelled"})"}};
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}, {200, kFailed}};
  daemon.streams["GET /v1/queue/events"] =
      "event: task_state\ndata: {\"task\":{\"id\":9},\"to\":\"failed\"}\n\n";
  const auto ran = daemon.run({"task", "wait", "9", "8", "9"});
  assert_int_equal(ran.exit, 125);
  assert_text_equal(ran.out, "task 9: failed: runtime: exit 3\ntask 8: cancelled\n");
}

static void a_file_is_added_in_pieces(void**) {
  TempFolder folder;
  std::string lines;
  for (int i = 0; i < 1001; ++i) lines += "{\"version\":1,\"kind\":\"noop\"}\n";
  const auto path = folder.put("tasks.jsonl", lines);
  std::vector<std::size_t> sizes;
  const auto script = [&](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
    const auto body = base::Json::parse(request.body);
    sizes.push_back(body->view().size());
    std::string tasks;
    for (std::size_t i = 0; i < sizes.back(); ++i)
      tasks +=
          (i == 0 ? "" : ",") +
          (sizes.size() == 2
               ? std::string(R"({"status":409,"error":{"code":"conflict","message":"m","errors":["m"]}})")
               : R"({"id":)" + std::to_string(i + 1) + R"(,"existed":false,"state":"queued"})");
    return ScriptedAnswer{200, R"({"last_event_id":1,"tasks":[)" + tasks + "]}"};
  };
  const auto ran = test::run({"task", "add", "--file", path}, script);
  assert_int_equal(ran.exit, 1);
  assert_true(sizes == (std::vector<std::size_t>{1000, 1}));
  assert_true(ran.out.find("task 1000: queued") != std::string::npos);
  assert_text_equal(ran.err, "fairlead: envelope 1001: m\n1000 tasks added, 0 existed already, 1 refused\n");
}

static void of_a_file_each_task_is_waited_for_once(void**) {
  TempFolder folder;
  const auto path = folder.put("tasks.json", R"([{"kind":"noop"},{"kind":"noop"},{"kind":"x"}])");
  Daemon daemon;
  daemon.answers["POST /v1/tasks"] = {
      {200,
       R"({"last_event_id":1,"tasks":[{"id":9,"existed":false,"state":"queued"},)"
       R"({"id":9,"existed":true,"state":"queued"},{"status":400,"error":{"code":"bad_request","message":"m"}}]})"}};
  daemon.answers["GET /v1/tasks/9"] = {{200, kDone}};
  const auto ran = daemon.run({"task", "add", "--file", path, "--wait"});
  assert_int_equal(ran.exit, 1);  // one was refused
  assert_text_equal(ran.out, "task 9: done in 12ms\n");
  assert_text_equal(ran.err, "fairlead: envelope 3: m\n1 task added, 1 existed already, 1 refused\n");
  const auto json = daemon.run({"task", "add", "--file", path, "--wait", "--json"});
  assert_text_equal(document(json, "exit"), "1");
}

static void large_envelopes_are_sent_apart(void**) {
  TempFolder folder;
  const std::string big(400u << 10, 'x');
  std::string array = "[";
  for (int i = 0; i < 3; ++i) array += (i == 0 ? "\"" : ",\"") + big + "\"";
  const auto path = folder.put("tasks.json", array + "]");
  std::vector<std::size_t> sizes;
  const auto script = [&](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
    assert_true(request.body.size() < (1u << 20));
    sizes.push_back(base::Json::parse(request.body)->view().size());
    if (sizes.size() == 2) return base::Error{base::Code::unavailable, "refused", {}};
    return ScriptedAnswer{
        200, R"({"last_event_id":1,"tasks":[{"id":1,"state":"queued"},{"id":2,"state":"queued"}]})"};
  };
  const auto ran = test::run({"task", "add", "--file", path, "--json"}, script);
  assert_int_equal(ran.exit, 69);
  assert_true(sizes == (std::vector<std::size_t>{2, 1}));
  assert_true(ran.err.find("1 task at the end of the file not added: no daemon at") != std::string::npos);
  const auto json = base::Json::parse(ran.out);
  assert_int_equal((*json)["tasks"].size(), 2);
  assert_text_equal((*json)["error"]["code"].text(), "unavailable");
}

static void lists_are_asked_for_as_wanted(void**) {
  Daemon daemon;
  const ScriptedAnswer none{200, R"({"tasks":[],"next_before":null})"};
  daemon.answers["GET /v1/tasks?limit=100"] = {none};
  daemon
      .answers["GET /v1/tasks?limit=5&state=queued%2crunning&kind=a%20b&worker=w&waits_for=lock&before=90"] =
      {{200, R"({"tasks":[{"id":4,"kind":"k","state":"queued"}],"next_before":4})"}};
  daemon.answers["GET /v1/tasks?limit=100&state=all"] = {none};
  assert_true(daemon.run({"task", "list"}).out.find("--all") != std::string::npos);
  const auto ran = daemon.run({"task", "list", "--state", "queued,running", "--kind", "a b", "--worker", "w",
                               "--waits-for", "lock", "--before", "90", "-n", "5"});
  assert_int_equal(ran.exit, 0);
  assert_true(ran.out.find("ID  KIND  STATE") == 0);
  assert_text_equal(ran.err, "there may be older ones: --before 4\n");
  assert_text_equal(document(daemon.run({"task", "list", "--all", "--json"}), "tasks"), "[]");
}

static void a_ready_task_is_shown_with_whether_anybody_takes_it(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9"] = {
      {200, R"({"id":9,"kind":"noop","state":"queued","waits_for":null,"capability":"noop","target":null})"}};
  daemon.answers["GET /v1/workers"] = {{200, R"({"workers":[]})"}};
  const auto ran = daemon.run({"task", "show", "9"});
  assert_true(ran.out.find("hint: no worker that is there and not draining takes `noop`") !=
              std::string::npos);
  const auto json = daemon.run({"task", "show", "--json", "9"});
  assert_text_equal(document(json, "state"), "\"queued\"");
}

static void orders_are_given_one_by_one(void**) {
  Daemon daemon;
  daemon.answers["POST /v1/tasks/7/cancel"] = {
      {200, R"({"id":7,"state":"running","requested":true,"retry_of":null})"}};
  daemon.answers["POST /v1/tasks/8/cancel"] = {
      {409, R"({"status":409,"code":"conflict","detail":"it is over"})"}};
  daemon.answers["POST /v1/tasks/8/retry"] = {
      {201, R"({"id":9,"state":"queued","requested":false,"retry_of":8})"}};
  daemon.answers["POST /v1/tasks/7/requeue"] = {
      {200, R"({"id":7,"state":"queued","requested":false,"retry_of":null})"}};
  const auto cancel = daemon.run({"task", "cancel", "7", "8"});
  assert_int_equal(cancel.exit, 1);
  assert_text_equal(cancel.out, "task 7: its worker was asked to stop it\n");
  assert_text_equal(cancel.err, "fairlead: task 8: it is over\n");
  assert_text_equal(daemon.run({"task", "retry", "8"}).out, "task 8 is repeated as task 9\n");
  assert_text_equal(daemon.run({"task", "requeue", "7"}).out, "task 7: queued\n");
  const auto json = base::Json::parse(daemon.run({"task", "cancel", "7", "8", "--json"}).out);
  assert_true((*json)["results"].at(0)["requested"].boolean());
  assert_text_equal((*json)["results"].at(1)["error"]["code"].text(), "conflict");
}

static void logs_show_what_was_kept(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9/logs"] = {
      {200,
       R"({"task":9,"state":"done","live":false,"last_event_id":5,"parts":[{"stream":"stdout","text":"a\n"},{"stream":"stdout","missing_bytes":70},{"stream":"stderr","text":"e\n"}]})"}};
  const auto ran = daemon.run({"task", "logs", "--follow", "9"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "a\n");
  assert_text_equal(ran.err,
                    "fairlead: warning: 70 bytes of stdout are missing here: they were not kept\ne\n");
  assert_text_equal(document(daemon.run({"task", "logs", "--json", "9"}), "last_event_id"), "5");
}

static void logs_go_on_where_they_were(void**) {
  Daemon daemon;
  daemon.answers["GET /v1/tasks/9/logs"] = {
      {200,
       R"({"task":9,"state":"running","live":true,"last_event_id":500,"parts":[{"stream":"stdout","text":"a\n"}]})"}};
  daemon.answers["GET /v1/tasks/9"] = {{200, kRunning}, {200, kFailed}};
  daemon.streams["GET /v1/tasks/9/events"] =
      "id: 501\nevent: task_output\ndata: {\"task\":{\"id\":9},\"stream\":\"stdout\",\"text\":\"b\\n\"}\n\n"
      "id: 503\nevent: task_state\ndata: {\"task\":{\"id\":9},\"to\":\"failed\"}\n\n";
  const auto ran = daemon.run({"task", "logs", "-f", "9"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "a\nb\n");
  assert_text_equal(ran.err, "task 9: failed: runtime: exit 3\n");
  assert_text_equal(daemon.followed.at(0), "GET /v1/tasks/9/events after 500");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_task_is_added),
      cmocka_unit_test(what_cannot_be_is_refused_without_a_daemon),
      cmocka_unit_test(a_refusal_lists_every_fault),
      cmocka_unit_test(waiting_ends_as_the_task_did),
      cmocka_unit_test(following_shows_the_output_as_it_comes),
      cmocka_unit_test(output_that_was_not_seen_live_is_shown_at_the_end),
      cmocka_unit_test(a_wait_has_an_end),
      cmocka_unit_test(an_interrupt_leaves_the_task_and_says_so),
      cmocka_unit_test(a_daemon_that_restarts_is_waited_for),
      cmocka_unit_test(several_are_waited_for_and_the_highest_status_counts),
      cmocka_unit_test(a_file_is_added_in_pieces),
      cmocka_unit_test(of_a_file_each_task_is_waited_for_once),
      cmocka_unit_test(large_envelopes_are_sent_apart),
      cmocka_unit_test(lists_are_asked_for_as_wanted),
      cmocka_unit_test(a_ready_task_is_shown_with_whether_anybody_takes_it),
      cmocka_unit_test(orders_are_given_one_by_one),
      cmocka_unit_test(logs_show_what_was_kept),
      cmocka_unit_test(logs_go_on_where_they_were),
  };
  return cmocka_run_group_tests_name("cli_task_commands", tests, nullptr, nullptr);
}
