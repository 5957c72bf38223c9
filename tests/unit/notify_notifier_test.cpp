// From notice to receiver: filters, retries, limits, dead letters, reload, with receivers that the test
// plays.
#include "notify/notifier.hpp"

#include "base/json.hpp"
#include "notify/secret_file.hpp"
#include "notify_scene.hpp"

using namespace scene;
using base::Code;

namespace {

struct House {
  loop::Loop loop;
  base::Log log;
  std::string logged;
  ScriptedHttp http{loop};
  ScriptedSpawner spawner{loop};
  core::NotifySettings settings;
  notify::Notifier::Transform transform;
  std::unique_ptr<notify::Notifier> notifier;

  House() {
    log.set_level(base::Level::debug);
    log.add_sink([this](const base::Record& record) { logged += base::format_key_value(record) + "\n"; });
    http.accept();
  }
  ~House() {
    notifier.reset();
    assert_int_equal(http.open, 0);
    drain(loop);
  }
  void add(core::Sender sender) { settings.senders[sender.name] = std::move(sender); }
  notify::Notifier& start() {
    notifier = std::make_unique<notify::Notifier>(
        notify::Ways{loop, [this] { return base::Result<core::HttpClient*>(&http); }, &spawner,
                     "urn:fairlead:attic"},
        log, transform, settings);
    return *notifier;
  }
  void until(const std::function<bool()>& done, const char* what) { run_until(loop, done, what); }
  core::SenderStatus status(const std::string& name) const {
    for (const auto& sender : notifier->status().senders)
      if (sender.name == name) return sender;
    fail_msg("no sender %s", name.c_str());
    return {};
  }
  void until_delivered(const std::string& name, std::uint64_t count = 1) {
    until([&] { return status(name).delivered == count; }, "a delivery");
  }
  void reload() {
    auto next = std::make_shared<core::Config>();
    next->notify = settings;
    (*notifier->prepare(next))->commit();
  }
  base::Result<> test(const std::string& name) {
    std::unique_ptr<base::Result<>> outcome;
    notifier->test(name, [&](base::Result<> result) { outcome = std::make_unique<base::Result<>>(result); });
    until([&] { return outcome != nullptr; }, "the outcome of a test");
    return *outcome;
  }
};

std::string title_of(const core::HttpRequest& request) {
  const auto body = base::Json::parse(request.body);
  assert_true(body.ok());
  return std::string((*body)["data"]["title"].text());
}

}  // namespace

static void a_failed_delivery_is_made_again_with_the_same_id(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.answer({{500, "busy"}, {503, ""}});
  house.start().notify(notice("down"));
  house.until_delivered("hook");
  const auto& asked = house.http.requests;
  assert_int_equal(asked.size(), 3);
  for (const auto& request : asked) {
    assert_text_equal(request.method, "POST");
    assert_text_equal(request.url, "https://events.example.net/in");
    assert_text_equal(header(request, "Content-Type"), "application/cloudevents+json; charset=utf-8");
    assert_text_equal(header(request, "webhook-id"), header(asked[0], "webhook-id"));
    assert_text_equal(header(request, "webhook-signature"), "");  // without a key
  }
  const auto status = house.status("hook");
  assert_int_equal(status.retried, 2);
  assert_int_equal(status.dead, 0);
  assert_int_equal(status.queued, 0);
  assert_text_equal(status.last_error, "");
}

static void attempts_are_bounded_and_then_it_is_a_dead_letter(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.script = [](const core::HttpRequest&) { return core::HttpResponse{500, "busy"}; };
  house.start().notify(notice("down"));
  house.until([&] { return house.status("hook").dead == 1; }, "a dead letter");
  assert_int_equal(house.http.requests.size(), 3);
  const auto letters = house.notifier->status().dead_letters;
  assert_int_equal(letters.size(), 1);
  assert_text_equal(letters[0].sender, "hook");
  assert_text_equal(letters[0].title, "down");
  assert_text_equal(letters[0].subject, "hub");
  assert_int_equal(letters[0].attempts, 3);
  assert_text_equal(letters[0].reason,
                    "the receiver answered with HTTP status 500 (busy); given up after 3 attempts");
}

static void a_final_refusal_is_not_tried_again_and_the_next_goes_on(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.answer({{400, "invalid"}});
  house.start().notify(notice("first"));
  house.notifier->notify(notice("second"));
  house.until_delivered("hook");
  assert_int_equal(house.http.requests.size(), 2);
  assert_text_equal(title_of(house.http.requests[1]), "second");
  assert_int_equal(house.notifier->status().dead_letters.at(0).attempts, 1);
}

static void retry_after_is_waited_for(void**) {
  House house;
  house.add(webhook("hook"));  // its own longest wait is 2 ms
  house.http.answer({{429, "slow down", {{"Retry-After", "1"}}}});
  const auto before = base::steady_now();
  house.start().notify(notice("down"));
  house.until([&] { return house.status("hook").next_attempt_in.has_value(); }, "a wait");
  house.until_delivered("hook");
  assert_true(base::steady_now() - before >= 990ms);
}

static void a_very_long_retry_after_gives_up(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.answer({{429, "", {{"Retry-After", "7200"}}}});
  house.start().notify(notice("down"));
  house.until([&] { return house.status("hook").dead == 1; }, "a dead letter");
  assert_true(house.notifier->status().dead_letters[0].reason.ends_with("it asks to wait for 2h"));
}

static void filters_choose_the_senders(void**) {
  House house;
  auto critical = webhook("critical"), other = webhook("other"), all = webhook("all");
  critical.severity = core::Severity::critical;
  other.events = {"hook_quarantined"};
  for (auto& sender : {critical, other, all}) house.add(sender);
  house.start().notify(notice("high"));
  house.until_delivered("all");
  assert_int_equal(house.http.requests.size(), 1);
  auto chosen = notice("named");  // goes to whom it names, whatever they filter
  chosen.senders = {"other", "nobody"};
  house.notifier->notify(chosen);
  house.until_delivered("other");
  assert_int_equal(house.http.requests.size(), 2);
  assert_true(house.logged.find("event=notice_without_sender sender=nobody") != std::string::npos);
}

static void a_dead_receiver_does_not_hold_up_the_others(void**) {
  House house;
  house.add(webhook("stuck"));
  house.add(webhook("well"));
  house.settings.senders["stuck"].url = "https://stuck.example.net/";
  house.settings.senders["stuck"].retry = {100, 1h, 1h};
  house.http.script = [](const core::HttpRequest& request) -> base::Result<core::HttpResponse> {
    if (request.url.find("stuck") != std::string::npos)
      return base::Error{Code::unavailable, "no route", request.url};
    return core::HttpResponse{200, ""};
  };
  house.start();
  for (int i = 0; i < 5; ++i) house.notifier->notify(notice("n" + std::to_string(i)));
  house.until_delivered("well", 5);
  house.until([&] { return !house.status("stuck").last_error.empty(); }, "an error");
  assert_int_equal(house.status("stuck").queued, 5);
  assert_text_equal(house.status("stuck").last_error, "no route");  // no URL
  assert_int_equal(house.notifier->waiting(), 5);
}

static void what_is_above_the_rate_is_summed_up(void**) {
  House house;
  auto sender = webhook("hook");
  sender.burst = 2;
  sender.rate = 3600;  // the next token comes after a second
  house.add(sender);
  house.start();
  for (int i = 0; i < 30; ++i)
    house.notifier->notify(
        notice("n" + std::to_string(i), i == 20 ? core::Severity::critical : core::Severity::low));
  house.until_delivered("hook", 3);
  assert_int_equal(house.http.requests.size(), 3);
  assert_int_equal(house.status("hook").held_back, 28);
  const auto summary = base::Json::parse(house.http.requests[2].body);
  assert_text_equal((*summary)["data"]["title"].text(), "28 more messages held back");
  assert_text_equal((*summary)["data"]["severity"].text(), "critical");
  assert_true((*summary)["data"]["text"].text().starts_with("n2\nn3\n"));
  assert_true((*summary)["data"]["text"].text().ends_with("n11\n…"));
  house.notifier->notify(notice("later"));  // held back again, until the next token
  house.until_delivered("hook", 4);
}

static void what_is_held_back_when_its_sender_goes_is_one_dead_letter(void**) {
  House house;
  auto sender = webhook("hook");
  sender.burst = sender.rate = 1;
  house.add(sender);
  house.start().notify(notice("first"));
  house.until_delivered("hook");
  for (const char* title : {"a", "b", "c"}) house.notifier->notify(notice(title));
  house.settings.senders.clear();
  house.reload();
  const auto letters = house.notifier->status().dead_letters;
  assert_int_equal(letters.size(), 1);
  assert_text_equal(letters[0].title, "3 more messages held back");
}

static void the_queue_and_the_dead_letters_are_bounded(void**) {
  House house;
  auto sender = webhook("hook");
  sender.burst = 1000;  // more than a configuration may say
  house.add(sender);
  house.http.script = nullptr;  // never answers
  house.start();
  for (int i = 0; i < 250; ++i) house.notifier->notify(notice("n" + std::to_string(i)));
  assert_int_equal(house.status("hook").queued, 100);
  assert_int_equal(house.status("hook").dead, 150);
  const auto letters = house.notifier->status().dead_letters;
  assert_int_equal(letters.size(), 100);
  assert_text_equal(letters.back().title, "n249");
  house.until([&] { return house.http.open == 1; }, "the call under way");  // which the end cancels
}

static void the_transform_changes_keeps_quiet_or_comes_too_late(void**) {
  House house;
  house.add(webhook("hook"));
  std::vector<notify::Notifier::Transformed> late;
  house.transform = [&](core::Notice given, notify::Notifier::Transformed answer) {
    if (given.title == "quiet") return answer(std::nullopt);
    if (given.title == "late") {
      late.push_back(std::move(answer));
      return;
    }
    given.title = "changed " + given.title;
    answer(std::move(given));
  };
  house.start();
  for (const char* title : {"quiet", "late", "loud"}) house.notifier->notify(notice(title));
  house.until_delivered("hook");
  assert_text_equal(title_of(house.http.requests.at(0)), "changed loud");
  house.notifier.reset();
  late.at(0)(notice("late"));  // nobody is there
  assert_int_equal(house.http.requests.size(), 1);
  house.start();
}

static void a_reload_keeps_the_queues_of_those_that_stay(void**) {
  House house;
  for (const char* name : {"kept", "changed", "removed"}) {
    auto sender = webhook(name);
    sender.retry = {10, 1h, 1h};  // whoever has failed waits for ever
    house.add(sender);
  }
  house.http.script = [](const core::HttpRequest&) { return core::HttpResponse{500, ""}; };
  house.start().notify(notice("down"));
  house.until([&] { return house.http.requests.size() == 3 && house.status("removed").retried == 1; },
              "failures");
  house.http.accept();
  house.settings.senders.erase("removed");
  house.settings.senders["changed"].url = "https://other.example.net/";
  house.add(webhook("added"));
  house.reload();
  house.until_delivered("changed");
  assert_text_equal(house.http.requests.at(3).url, "https://other.example.net/");
  assert_text_equal(header(house.http.requests[3], "webhook-id").substr(0, 4), "msg_");
  assert_int_equal(house.status("kept").queued, 1);
  assert_int_equal(house.status("kept").retried, 1);
  assert_true(house.status("kept").next_attempt_in.has_value());
  assert_int_equal(house.status("added").queued, 0);
  assert_text_equal(house.notifier->status().dead_letters.at(0).reason,
                    "the sender was removed from the configuration");
}

static void a_reload_that_changes_nothing_leaves_the_call_under_way_alone(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.script = nullptr;
  house.start().notify(notice("down"));
  house.until([&] { return house.http.open == 1; }, "the call");
  house.reload();
  assert_int_equal(house.http.open, 1);
  house.settings.senders.clear();
  house.reload();
  assert_int_equal(house.http.open, 0);
  assert_int_equal(house.notifier->waiting(), 0);
}

static void tokens_keys_and_urls_come_from_files(void**) {
  House house;
  TempFolder files;
  auto hook = webhook("hook");
  hook.token_file = files.put("token", "  tk_secret \n");
  hook.secret_file = files.put("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  hook.headers = {{"X-Site", "attic"}};
  core::Sender chat;
  chat.name = "chat";
  chat.type = core::SenderType::slack;
  chat.url_file = files.put("url", "https://hooks.example.net/services/T0/B0/secretpart\n");
  core::Sender phone;
  phone.name = "phone";
  phone.type = core::SenderType::ntfy;
  phone.url = "https://ntfy.example.net";
  phone.topic = "attic";
  house.start();
  for (const auto& sender : {hook, chat, phone}) {
    house.settings.senders = {{sender.name, sender}};
    house.reload();
    house.notifier->notify(notice("down"));
    house.until_delivered(sender.name);
  }
  const auto& asked = house.http.requests;
  assert_text_equal(header(asked.at(0), "Authorization"), "Bearer tk_secret");
  assert_text_equal(header(asked[0], "X-Site"), "attic");
  const auto expected =
      notify::signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", header(asked[0], "webhook-id"),
                        std::stoll(header(asked[0], "webhook-timestamp")), asked[0].body);
  assert_text_equal(header(asked[0], "webhook-signature"), *expected);
  assert_text_equal(asked.at(1).url, "https://hooks.example.net/services/T0/B0/secretpart");
  assert_text_equal(header(asked[1], "Content-Type"), "application/json");
  assert_text_equal(asked.at(2).url, "https://ntfy.example.net");
  assert_text_equal(header(asked[2], "Authorization"), "");
}

// A receiver may quote what it was sent; libcurl may name the URL.
static void secrets_are_in_no_error(void**) {
  House house;
  TempFolder files;
  auto hook = webhook("hook");
  hook.url.clear();
  hook.url_file = files.put("url", "https://h.example.net/services/pathsecret");
  hook.token_file = files.put("token", "tk_secret");
  hook.retry.attempts = 1;
  house.add(hook);
  house.http.script = [](const core::HttpRequest& request) -> base::Result<core::HttpResponse> {
    return core::HttpResponse{
        403, "bad " + header(request, "Authorization") + " for /services/pathsecret, tk_secret"};
  };
  house.start().notify(notice("down"));
  house.until([&] { return house.status("hook").dead == 1; }, "a dead letter");
  house.http.script = [](const core::HttpRequest& request) -> base::Result<core::HttpResponse> {
    return base::Error{Code::protocol, "cannot parse " + request.url, request.url};
  };
  const auto tested = house.test("hook");
  assert_text_equal(error_of(tested).text(), "cannot parse ***");
  const std::string all =
      house.logged + house.notifier->status().dead_letters[0].reason + house.status("hook").last_error;
  assert_true(all.find("bad Bearer *** for ***, ***") != std::string::npos);
  for (const char* secret : {"tk_secret", "pathsecret"}) assert_true(all.find(secret) == std::string::npos);
}

static void a_secret_that_everybody_may_read_is_not_used(void**) {
  House house;
  TempFolder files;
  auto hook = webhook("hook");
  hook.token_file = files.put("token", "tk_secret", 0644);
  house.add(hook);
  house.start();
  const auto open = house.test("hook");
  assert_true(error_of(open).code == Code::unavailable);
  assert_true(
      error_of(open).message.find("token: holds a secret, and everybody may read or write it: chmod o= it") !=
      std::string::npos);
  assert_int_equal(house.http.requests.size(), 0);
  assert_int_equal(::chmod(hook.token_file.c_str(), 0640), 0);
  assert_true(house.test("hook").ok());
}

static void odd_secret_files_are_refused(void**) {
  TempFolder files;
  assert_true(error_of(notify::read_secret(files.path())).code == Code::bad_config);
  assert_true(error_of(notify::read_secret(files.path() + "/missing")).code == Code::io);
  assert_true(error_of(notify::read_secret(files.put("empty", " \n"))).code == Code::bad_config);
  assert_true(error_of(notify::read_secret(files.put("lines", "a\nb"))).code == Code::bad_config);
  assert_true(error_of(notify::read_secret(files.put("large", std::string(9000, 'x')))).code ==
              Code::too_large);
  const auto control = notify::read_secret(files.put("control", "top\rsecret"));
  assert_true(error_of(control).code == Code::bad_config);
  assert_true(error_of(control).text().find("secret") == std::string::npos);
}

static void a_command_gets_the_message_on_stdin(void**) {
  House house;
  core::Sender page;
  page.name = "page";
  page.type = core::SenderType::command;
  page.argv = {"/usr/local/bin/page-me", "--to", "on call"};
  page.timeout = 7s;
  page.retry = {3, 1ms, 2ms};
  house.add(page);
  house.spawner.outcome = base::Error{Code::unavailable, "the spawner is gone", {}};
  house.start().notify(notice("down"));
  house.until([&] { return house.status("page").retried == 1; }, "a failure");
  house.spawner.outcome = core::ChildResult{};
  house.until_delivered("page");
  const auto& spec = house.spawner.specs.back();
  assert_int_equal(spec.argv.size(), 3);
  assert_text_equal(spec.argv[2], "on call");
  assert_true(spec.timeout == base::Millis(7s));
  const auto input = base::Json::parse(spec.input);
  assert_text_equal((*input)["event"].text(), "tunnel_failed");
  assert_text_equal((*input)["title"].text(), "down");
  assert_text_equal((*input)["time"].text(), "2026-03-01T12:00:00.000Z");
  house.spawner.outcome = base::Error{Code::not_found, "/usr/local/bin/page-me: no such file", {}};
  house.notifier->notify(notice("again"));
  house.until([&] { return house.status("page").dead == 1; }, "a dead letter");
  assert_int_equal(house.notifier->status().dead_letters[0].attempts, 1);
}

static void a_test_message_passes_every_limit_and_leaves_the_counts_alone(void**) {
  House house;
  auto sender = webhook("hook");
  sender.severity = core::Severity::critical;
  sender.burst = 1;
  house.add(sender);
  house.start();
  for (int i = 0; i < 3; ++i) assert_true(house.test("hook").ok());
  assert_int_equal(house.http.requests.size(), 3);
  assert_int_equal(house.status("hook").delivered, 0);
  const auto unknown = house.test("hoook");
  assert_true(error_of(unknown).code == Code::not_found);
  assert_text_equal(error_of(unknown).text(), "hoook: no sender has this name; did you mean hook?");
  house.http.answer({{500, ""}});
  assert_true(error_of(house.test("hook")).code == Code::unavailable);
  assert_int_equal(house.http.requests.size(), 4);  // one attempt
}

static void tests_under_way_are_bounded_and_end_with_the_notifier(void**) {
  House house;
  house.add(webhook("hook"));
  house.http.script = nullptr;
  house.start();
  int answered = 0;
  for (int i = 0; i < 20; ++i)
    house.notifier->test("hook", [&](const base::Result<>& outcome) {
      assert_true(error_of(outcome).code == Code::conflict);
      ++answered;
    });
  assert_int_equal(answered, 4);
  house.until([&] { return house.http.open == 16; }, "the calls");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_failed_delivery_is_made_again_with_the_same_id),
      cmocka_unit_test(attempts_are_bounded_and_then_it_is_a_dead_letter),
      cmocka_unit_test(a_final_refusal_is_not_tried_again_and_the_next_goes_on),
      cmocka_unit_test(retry_after_is_waited_for),
      cmocka_unit_test(a_very_long_retry_after_gives_up),
      cmocka_unit_test(filters_choose_the_senders),
      cmocka_unit_test(a_dead_receiver_does_not_hold_up_the_others),
      cmocka_unit_test(what_is_above_the_rate_is_summed_up),
      cmocka_unit_test(what_is_held_back_when_its_sender_goes_is_one_dead_letter),
      cmocka_unit_test(the_queue_and_the_dead_letters_are_bounded),
      cmocka_unit_test(the_transform_changes_keeps_quiet_or_comes_too_late),
      cmocka_unit_test(a_reload_keeps_the_queues_of_those_that_stay),
      cmocka_unit_test(a_reload_that_changes_nothing_leaves_the_call_under_way_alone),
      cmocka_unit_test(tokens_keys_and_urls_come_from_files),
      cmocka_unit_test(secrets_are_in_no_error),
      cmocka_unit_test(a_secret_that_everybody_may_read_is_not_used),
      cmocka_unit_test(odd_secret_files_are_refused),
      cmocka_unit_test(a_command_gets_the_message_on_stdin),
      cmocka_unit_test(a_test_message_passes_every_limit_and_leaves_the_counts_alone),
      cmocka_unit_test(tests_under_way_are_bounded_and_end_with_the_notifier),
  };
  return cmocka_run_group_tests_name("notify_notifier", tests, nullptr, nullptr);
}
