// getaddrinfo(3) is replaced in this program, so that a name can be one whose server never answers.
#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cmocka.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

constexpr base::Millis kGenerous = 20s;

// The name server that "stuck" names wait for.
struct NameServer {
  std::mutex mutex;
  std::condition_variable changed;
  bool answers = false;
  int asked = 0;

  void wait() {
    std::unique_lock lock(mutex);
    ++asked;
    changed.wait(lock, [&] { return answers; });
  }
  void answer() {
    const std::lock_guard lock(mutex);
    answers = true;
    changed.notify_all();
  }
};
NameServer name_server;

using LookUp = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  static const auto real = reinterpret_cast<LookUp>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host != nullptr && std::strcmp(host, "stuck.test") == 0) {
    name_server.wait();
    return real("127.0.0.1", service, hints, list);
  }
  if (host != nullptr && std::strcmp(host, "hidden.test") == 0) {
    if ((hints->ai_flags & AI_ADDRCONFIG) != 0) return EAI_NONAME;
    return real("127.0.0.1", service, hints, list);
  }
  if (host != nullptr && std::strstr(host, ".test") != nullptr) return EAI_NONAME;
  return real(host, service, hints, list);
}

namespace {

base::Result<loop::Addresses> look_up(const std::string& host, std::uint16_t port) {
  loop::Loop loop;
  std::unique_ptr<base::Result<loop::Addresses>> outcome;
  const auto work = loop::resolve(loop, host, port, [&](base::Result<loop::Addresses> addresses) {
    outcome = std::make_unique<base::Result<loop::Addresses>>(std::move(addresses));
  });
  assert_null(outcome.get());  // never from inside the call
  assert_true(loop.drain(kGenerous).ok());
  assert_non_null(outcome.get());
  return std::move(*outcome);
}

}  // namespace

static void an_address_comes_with_its_port(void**) {
  const auto addresses = look_up("127.0.0.1", 8022);
  assert_true(addresses.ok());
  assert_int_equal(addresses->size(), 1);
  assert_text_equal(addresses->front().text(), "127.0.0.1:8022");
}

static void a_name_that_nobody_knows_is_not_found(void**) {
  const auto addresses = look_up("nowhere.test", 22);
  assert_false(addresses.ok());
  assert_true(addresses.error().code == base::Code::not_found);
  assert_text_equal(addresses.error().where, "nowhere.test");
}

static void a_name_that_is_none_is_not_found_later(void**) {
  const auto addresses = look_up(std::string(5000, 'x'), 22);
  assert_false(addresses.ok());
  assert_true(addresses.error().code == base::Code::not_found);
}

// A machine whose links are all down knows its loopback names only without AI_ADDRCONFIG.
static void a_name_that_no_link_reaches_is_asked_for_again(void**) {
  const auto addresses = look_up("hidden.test", 22);
  assert_true(addresses.ok());
  assert_text_equal(addresses->front().text(), "127.0.0.1:22");
}

// Four look-ups that never end used to take every thread of the pool: no fsync, no audit, no reload.
static void stuck_look_ups_leave_threads_for_other_work(void**) {
  loop::Loop loop;
  std::vector<std::unique_ptr<loop::Work>> stuck;
  int answered = 0;
  for (int i = 0; i < 8; ++i)
    stuck.push_back(
        loop::resolve(loop, "stuck.test", 22, [&](const base::Result<loop::Addresses>&) { ++answered; }));
  bool worked = false;
  const auto work = loop::submit<int>(
      loop, "other", [] { return 1; },
      [&](int) {
        worked = true;
        loop.stop();
      });
  {
    loop::Timer limit(loop, "limit", [&] { loop.stop(); });
    limit.start(kGenerous);
    loop.run();
  }
  const bool in_time = worked && answered == 0;

  stuck.pop_back();  // dropped before its turn: the name server never hears of it
  name_server.answer();
  const auto drained = loop.drain(kGenerous);
  assert_true(in_time);
  assert_true(drained.ok());
  assert_int_equal(answered, 7);
  assert_int_equal(name_server.asked, 7);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_address_comes_with_its_port),
      cmocka_unit_test(a_name_that_nobody_knows_is_not_found),
      cmocka_unit_test(a_name_that_is_none_is_not_found_later),
      cmocka_unit_test(a_name_that_no_link_reaches_is_asked_for_again),
      cmocka_unit_test(stuck_look_ups_leave_threads_for_other_work),
  };
  return cmocka_run_group_tests_name("loop_resolve", tests, nullptr, nullptr);
}
