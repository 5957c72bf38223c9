// The exit status and the words of a task's end.
#include "cli/task_outcome.hpp"

#include "cmocka.hpp"

using namespace fairlead;

namespace {

int exit_of(const char* json) {
  const auto task = base::Json::parse(json);
  assert_true(task.ok());
  return static_cast<int>(cli::exit_of_task(task->view()));
}

std::string text_of(const char* json) {
  const auto task = base::Json::parse(json);
  assert_true(task.ok());
  return cli::outcome_text(task->view());
}

}  // namespace

static void a_task_ends_as_its_program_did(void**) {
  const struct {
    const char* task;
    int exit;
  } cases[] = {
      {R"({"state":"done","result":{"exit_class":"success","exit_status":0}})", 0},
      {R"({"state":"done"})", 0},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":3}})", 3},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":69}})", 69},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":0}})", 125},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":256}})",
       125},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"signalled","exit_status":9}})",
       137},
      {R"({"state":"failed","error_code":"runtime","result":{"exit_class":"none"}})", 125},
      {R"({"state":"failed","error_code":"timeout","result":{"exit_class":"timed_out","exit_status":15}})",
       124},
      {R"({"state":"failed","error_code":"forbidden","result":null})", 125},
      {R"({"state":"failed","error_code":"dependency","result":null})", 125},
      // The result is that of an attempt before: it says nothing about the end.
      {R"({"state":"failed","error_code":"poison","result":{"exit_class":"failure","exit_status":3}})", 125},
      {R"({"state":"cancelled","error_code":"cancelled","result":{"exit_class":"failure","exit_status":3}})",
       125},
      {R"({"state":"running"})", 75},
      {R"({"state":"queued"})", 75},
  };
  for (const auto& [task, exit] : cases)
    if (exit_of(task) != exit) fail_msg("%s: %d", task, exit_of(task));
}

static void an_end_has_its_words(void**) {
  assert_text_equal(text_of(R"({"state":"done","result":{"duration_ms":62000}})"), "done in 1m 2s");
  assert_text_equal(
      text_of(
          R"({"state":"failed","error_code":"runtime","result":{"exit_class":"failure","exit_status":3}})"),
      "failed: runtime: exit 3");
  assert_text_equal(
      text_of(
          R"({"state":"failed","error_code":"forbidden","result":{"exit_class":"none","error":{"message":"not listed\u001b\nmore"}}})"),
      "failed: forbidden: not listed\\x1b");
  assert_text_equal(text_of(R"({"state":"running","worker":"attic","cancel_requested":true})"),
                    "running on attic, asked to stop");
  assert_text_equal(text_of(R"({"state":"cancelled","worker":"attic","cancel_requested":true})"),
                    "cancelled");
  assert_text_equal(text_of(R"({"state":"queued","waits_for":null})"), "queued, ready");
  assert_text_equal(text_of(R"({"state":"queued","waits_for":"lock","waits_detail":"node:nas"})"),
                    "queued, waits for lock node:nas");
}

static void a_message_names_its_task_once(void**) {
  assert_text_equal(cli::about_task(7, "the daemon is gone"), "task 7: the daemon is gone");
  assert_text_equal(cli::about_task(7, "task 7 is done: it stays so"), "task 7 is done: it stays so");
  assert_text_equal(cli::about_task(7, "there is no task 7"), "there is no task 7");
  assert_text_equal(cli::about_task(7, "there is no task 77"), "task 7: there is no task 77");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_task_ends_as_its_program_did),
      cmocka_unit_test(an_end_has_its_words),
      cmocka_unit_test(a_message_names_its_task_once),
  };
  return cmocka_run_group_tests_name("cli_task_outcome", tests, nullptr, nullptr);
}
