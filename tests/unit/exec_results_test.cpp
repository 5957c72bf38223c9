// What becomes of a child's end and output in the result of its task.
#include "exec_scene.hpp"

static void every_end_has_its_class_and_code(void**) {
  House house;
  using core::ChildEnd;
  const auto good = house.result_of(child(ChildEnd::exited, 0, "fine\n"));
  assert_true(good.ok());
  assert_int_equal(good.exit_class, ExitClass::success);
  assert_text_equal(good.out.head, "fine\n");
  assert_int_equal(good.duration.count(), 12);
  const auto failed = house.result_of(child(ChildEnd::exited, 3));
  assert_error(failed, ExitClass::failure, "runtime", "exited with status 3");
  assert_int_equal(failed.exit_status, 3);
  const auto killed = house.result_of(child(ChildEnd::signalled, 9));
  assert_error(killed, ExitClass::signalled, "runtime", "was ended by signal 9 (SIGKILL)");
  assert_int_equal(killed.exit_status, 9);
  assert_error(house.result_of(child(ChildEnd::timed_out, 15)), ExitClass::timed_out, "timeout",
               "did not end within its timeout of 1m 30s");
  assert_error(house.result_of(child(ChildEnd::killed, 9)), ExitClass::stopped, "lost_worker",
               "was killed because its worker's lease ran out");
  assert_error(house.result_of(child(ChildEnd::killed, 15), true), ExitClass::stopped, "cancelled",
               "was stopped on request");
  assert_true(house.result_of(child(ChildEnd::exited, 0), true).ok());  // it ended by itself before
}

static void what_did_not_start_says_why(void**) {
  House house;
  const auto outcome = [&](base::Code code) {
    return house.result_of(base::Error{code, "what happened", "/usr/local/lib/backup"});
  };
  const char* text = "/usr/local/lib/backup: what happened";
  assert_error(outcome(base::Code::forbidden), ExitClass::not_started, "forbidden", text);
  for (const auto code :
       {base::Code::not_found, base::Code::io, base::Code::bad_request, base::Code::unsupported})
    assert_error(outcome(code), ExitClass::not_started, "not_started", text);
  assert_error(outcome(base::Code::unavailable), ExitClass::stopped, "runtime", text);
  assert_error(outcome(base::Code::cancelled), ExitClass::stopped, "cancelled", text);
}

static void output_is_text_and_says_what_is_missing(void**) {
  House house;
  auto ended = child(core::ChildEnd::exited, 0);
  ended.out = {"whole ", "all the same", 18};
  ended.err = {"bytes \xff", "", 7};
  ended.level.no_new_privs = ended.level.seccomp = true;
  auto result = house.result_of(ended);
  assert_text_equal(result.out.head, "whole all the same");
  assert_text_equal(result.out.tail, "");
  assert_false(result.out.truncated);
  assert_text_equal(result.err.head, "bytes \xef\xbf\xbd");
  assert_text_equal(result.sandbox, ended.level.text());
  // Cut inside characters: two bytes of "€" at the end of the head, the last of "€" before the tail.
  ended.out = {"price \xe2\x82", "\xac and on", 1000};
  result = house.result_of(ended);
  assert_text_equal(result.out.head, "price ");
  assert_text_equal(result.out.tail, " and on");
  assert_true(result.out.truncated);
  assert_int_equal(result.out.total, 1000);
  ended.out = {"whole €", "äh", 1000};  // nothing cut, nothing lost
  result = house.result_of(ended);
  assert_text_equal(result.out.head, "whole €");
  assert_text_equal(result.out.tail, "äh");
}

static void one_json_value_becomes_data(void**) {
  House house;
  const auto data = [&](std::string out) {
    return house.result_of(child(core::ChildEnd::exited, 0, std::move(out))).data;
  };
  assert_text_equal(data("{\"free\": 12}\n"), R"({"free":12})");
  assert_text_equal(data(" [1,2]"), "[1,2]");
  for (const char* other : {"", "42\n", "\"text\"", "{} {}", "{", "log line\n{}"})
    assert_text_equal(data(other), "");
  assert_text_equal(data("[\"" + std::string(64u << 10, 'x') + "\"]"), "");
  auto cut = child(core::ChildEnd::exited, 0, "{}");
  cut.out.total = 100;
  assert_text_equal(house.result_of(cut).data, "");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_end_has_its_class_and_code),
      cmocka_unit_test(what_did_not_start_says_why),
      cmocka_unit_test(output_is_text_and_says_what_is_missing),
      cmocka_unit_test(one_json_value_becomes_data),
  };
  return cmocka_run_group_tests_name("exec_results", tests, nullptr, nullptr);
}
