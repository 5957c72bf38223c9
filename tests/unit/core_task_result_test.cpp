#include "cmocka.hpp"
#include "core/task.hpp"
#include "core/task_result.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

static void a_result_comes_back_whole(void**) {
  core::TaskResult result;
  result.exit_class = core::ExitClass::failure;
  result.exit_status = 3;
  result.out = {"begin", "end", 100'000, true};
  result.err = {"oh", "", 2, false};
  result.data = R"({"files":7})";
  result.duration = 1234ms;
  result.sandbox = "no_new_privs seccomp";
  result.error = core::make_task_error(core::task_error::kRuntime, "exit status 3");
  const auto back = core::parse_result(core::result_json(result).view());
  assert_true(back.ok());
  assert_true(back->exit_class == core::ExitClass::failure);
  assert_int_equal(back->exit_status, 3);
  assert_text_equal(back->out.tail, "end");
  assert_int_equal(back->out.total, 100'000);
  assert_true(back->out.truncated);
  assert_text_equal(back->err.head, "oh");
  assert_text_equal(back->data, R"({"files":7})");
  assert_true(back->duration == 1234ms);
  assert_text_equal(back->sandbox, "no_new_privs seccomp");
  assert_text_equal(back->error.code, "runtime");
  assert_false(back->ok());
}

static void what_is_no_result_is_refused(void**) {
  for (const char* text : {"{}", "[]", "7", R"({"exit_class":"splendid"})"}) {
    const auto json = base::Json::parse(text);
    assert_false(core::parse_result(json->view()).ok());
  }
}

static void a_long_message_is_cut_between_characters_and_says_so(void**) {
  const std::string text(core::kMaxErrorMessage - 1, 'x');
  const auto whole = core::make_task_error("runtime", text + "y");
  assert_false(whole.truncated);
  assert_int_equal(whole.message.size(), core::kMaxErrorMessage);
  const auto cut = core::make_task_error("runtime", text + "\xc3\xa4 and more");
  assert_true(cut.truncated);
  assert_text_equal(cut.message, text);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_result_comes_back_whole),
      cmocka_unit_test(what_is_no_result_is_refused),
      cmocka_unit_test(a_long_message_is_cut_between_characters_and_says_so),
  };
  return cmocka_run_group_tests_name("core_task_result", tests, nullptr, nullptr);
}
