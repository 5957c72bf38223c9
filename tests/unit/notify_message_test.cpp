// What leaves, word for word, and how answers are judged.
#include "notify/message.hpp"

#include "base/json.hpp"
#include "notify/verdict.hpp"
#include "notify_scene.hpp"

using namespace scene;
using notify::Fate;

static void slack_gets_escaped_text(void**) {
  assert_text_equal(notify::slack_body(notice("tunnel <hub> & co")),
                    R"({"text":"*tunnel &lt;hub&gt; &amp; co*\nreconnecting, for 2m\n)"
                    R"(auth refused: &lt;publickey&gt; &amp; more"})");
}

static void ntfy_gets_the_priority_of_the_severity(void**) {
  assert_text_equal(
      notify::ntfy_body(notice("down"), "attic"),
      R"({"topic":"attic","title":"down","message":"reconnecting, for 2m\nauth refused: <publickey> & more",)"
      R"("priority":4,"tags":["warning","tunnel_failed"]})");
  using core::Severity;
  const std::pair<Severity, int> rows[] = {
      {Severity::info, 2}, {Severity::low, 3}, {Severity::high, 4}, {Severity::critical, 5}};
  for (const auto& [severity, priority] : rows)
    assert_int_equal(
        (*base::Json::parse(notify::ntfy_body(notice("x", severity), "t")))["priority"].integer(), priority);
  auto over = notice("well");
  over.event = "tunnel_recovered";
  over.text.clear();
  const auto body = base::Json::parse(notify::ntfy_body(over, "t"));
  assert_int_equal((*body)["priority"].integer(), 3);
  assert_text_equal((*body)["tags"].at(0).text(), "white_check_mark");
  assert_text_equal((*body)["message"].text(), "well");  // never empty
}

static void a_webhook_gets_a_cloud_event(void**) {
  auto quiet = notice("down");
  quiet.subject.clear();
  assert_text_equal(
      notify::cloud_event({"msg_1", notice("down")}, "urn:fairlead:attic"),
      R"({"specversion":"1.0","id":"msg_1","source":"urn:fairlead:attic","type":"fairlead.tunnel_failed",)"
      R"("subject":"hub","time":"2026-03-01T12:00:00.000Z","datacontenttype":"application/json",)"
      R"("data":{"event":"tunnel_failed","subject":"hub","severity":"high","title":"down",)"
      R"("text":"reconnecting, for 2m\nauth refused: <publickey> & more"}})");
  const auto event = base::Json::parse(notify::cloud_event({"msg_1", quiet}, "urn:fairlead:attic"));
  assert_false((*event)["subject"].exists());
}

// The example of the Standard Webhooks specification's own libraries.
static void signs_as_standard_webhooks_says(void**) {
  const auto made = notify::signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                      "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})");
  assert_true(made.ok());
  assert_text_equal(*made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  assert_true(notify::signature("just words, but enough of them", "i", 1, "b").ok());
  for (const char* weak : {"short", "whsec_c2hvcnQ=", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"})
    assert_true(error_of(notify::signature(weak, "i", 1, "b")).code == base::Code::bad_config);
}

static void ids_differ_and_hold_no_dot(void**) {
  const auto id = notify::new_message_id();
  assert_int_equal(id.size(), 36);
  assert_true(id.find('.') == std::string::npos);
  assert_true(id != notify::new_message_id());
}

static void what_a_hook_made_is_tidied(void**) {
  core::Notice wild;
  wild.event = "e";
  wild.title = std::string("red \x1b[31m\nand long ") + std::string(500, 'x');
  wild.text = "one\n\x07two\n" + std::string(900'000, 'y') + "\n";
  for (int i = 0; i < 1000; ++i) wild.text += "line\n";
  const auto tidy = notify::tidied(wild);
  assert_true(tidy.title.starts_with("red \\x1b[31m\\x0aand long xxx"));
  assert_true(tidy.title.size() < 210);
  assert_true(tidy.text.starts_with("one\n\\x07two\nyyyy"));
  assert_true(tidy.text.size() < 3'600);
  wild.title.clear();
  assert_text_equal(notify::tidied(wild).title, "e");
}

namespace {

core::HttpResponse response(int status, std::string retry_after = {}) {
  core::HttpResponse response{status, "why\n"};
  if (!retry_after.empty()) response.headers = {{"retry-after", std::move(retry_after)}};
  return response;
}

const base::WallTime kNow{std::chrono::seconds(1'445'412'440)};  // Wed, 21 Oct 2015 07:27:20 GMT

}  // namespace

static void statuses_are_judged(void**) {
  for (const int status : {200, 202, 204})
    assert_true(notify::judge(response(status), kNow).fate == Fate::delivered);
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599})
    assert_true(notify::judge(response(status), kNow).fate == Fate::again);
  for (const int status : {301, 302, 400, 401, 403, 404, 410, 413, 422})
    assert_true(notify::judge(response(status), kNow).fate == Fate::never);
  const auto refused = notify::judge(response(401), kNow);
  assert_text_equal(refused.error.message,
                    "the receiver answered with HTTP status 401 (why); check the token and what it may do");
  assert_true(notify::judge(base::Error{base::Code::timed_out, "", {}}).fate == Fate::again);
  assert_true(notify::judge(base::Error{base::Code::bad_request, "", {}}).fate == Fate::never);
}

static void retry_after_is_read_in_both_forms(void**) {
  assert_true(notify::judge(response(429, "30"), kNow).retry_after == base::Millis(30s));
  assert_true(notify::judge(response(503, "Wed, 21 Oct 2015 07:28:00 GMT"), kNow).retry_after ==
              base::Millis(40s));
  assert_true(notify::judge(response(503, "Wed, 21 Oct 2015 07:00:00 GMT"), kNow).retry_after ==
              base::Millis(0));
  for (const char* odd : {"soon", "-5", "Wed, 21 Foo 2015 07:28:00 GMT", "1.5", "Wed"})
    assert_false(notify::judge(response(503, odd), kNow).retry_after.has_value());
  assert_true(notify::parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kNow) >
              base::Millis(std::chrono::hours(24 * 365)));
  assert_true(notify::parse_retry_after("99999999999999999999", kNow) == std::nullopt);
  assert_true(notify::parse_retry_after("9999999999999999", kNow) <=
              base::Millis(std::chrono::hours(24 * 365)));
}

static void children_are_judged(void**) {
  core::ChildResult child;
  assert_true(notify::judge(child).fate == Fate::delivered);
  child.status = 3;
  child.err.head = "no such pager\nsecond line\n";
  assert_text_equal(notify::judge(child).error.message, "the command ended with exit code 3 (no such pager)");
  child.end = core::ChildEnd::timed_out;
  assert_true(notify::judge(child).error.code == base::Code::timed_out);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(slack_gets_escaped_text),
      cmocka_unit_test(ntfy_gets_the_priority_of_the_severity),
      cmocka_unit_test(a_webhook_gets_a_cloud_event),
      cmocka_unit_test(signs_as_standard_webhooks_says),
      cmocka_unit_test(ids_differ_and_hold_no_dot),
      cmocka_unit_test(what_a_hook_made_is_tidied),
      cmocka_unit_test(statuses_are_judged),
      cmocka_unit_test(retry_after_is_read_in_both_forms),
      cmocka_unit_test(children_are_judged),
  };
  return cmocka_run_group_tests_name("notify_message", tests, nullptr, nullptr);
}
