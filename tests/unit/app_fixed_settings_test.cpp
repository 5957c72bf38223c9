// Which settings a running daemon takes over, and which it refuses by name.
#include "app/fixed_settings.hpp"

#include <functional>
#include <memory>

#include "cmocka.hpp"

using namespace fairlead;

namespace {

using Change = std::function<void(core::Config&)>;

core::Config running() {
  core::Config config;
  config.state_dir = "/var/lib/fairlead";
  config.store.url = "postgresql://anna@db/work";
  config.store.via = "hub";
  config.store.detours = {{"db", 5432, "127.0.0.1", 15432}};
  config.worker.enabled = true;
  config.worker.name = config.worker.node = "nas";
  return config;
}

base::Result<std::unique_ptr<core::Ticket>> prepare(const Change& change) {
  base::Log log;
  app::FixedSettings settings;
  settings.remember(log, running());
  auto next = std::make_shared<core::Config>(running());
  change(*next);
  return settings.prepare(next);
}

}  // namespace

static void what_needs_a_restart_is_refused_by_its_name(void**) {
  const std::pair<const char*, Change> rows[] = {
      {"state_dir", [](auto& config) { config.state_dir = "/srv"; }},
      {"runtime_dir", [](auto& config) { config.runtime_dir = "/srv"; }},
      {"log.format", [](auto& config) { config.log_format = base::LogFormat::json_lines; }},
      {"policy.journal", [](auto& config) { config.policy.journal_bytes = 1; }},
      {"store", [](auto& config) { config.store.url.clear(); }},
      {"store_password_file", [](auto& config) { config.store.password_file = "/etc/pg"; }},
      {"store_via", [](auto& config) { config.store.via.clear(); }},
      {"store_via", [](auto& config) { config.store.detours[0].dial_port = 15433; }},
      {"worker", [](auto& config) { config.worker = {}; }},
      {"worker.name", [](auto& config) { config.worker.name = "nas-2"; }},
      {"worker.site", [](auto& config) { config.worker.site = "attic"; }},
      {"worker.node", [](auto& config) { config.worker.node = "nas-2"; }},
  };
  for (const auto& [key, change] : rows) {
    const auto ticket = prepare(change);
    if (ticket) fail_msg("%s was taken over", key);
    assert_text_equal(ticket.error().message, "`" + std::string(key) +
                                                  "` cannot change while the daemon runs: restart it, or put "
                                                  "it back");
    assert_true(ticket.error().code == base::Code::bad_config);
  }
}

static void the_rest_may_change(void**) {
  const Change rows[] = {
      [](auto&) {},
      [](auto& config) { config.log_level = base::Level::debug; },
      [](auto& config) { config.queue.history_count = 1; },
      [](auto& config) { config.worker.concurrency = 1; },
      [](auto& config) { config.worker.capabilities = {"gpu"}; },
      [](auto& config) { config.executors.noop = true; },
  };
  for (const auto& change : rows) assert_true(prepare(change).ok());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_needs_a_restart_is_refused_by_its_name),
      cmocka_unit_test(the_rest_may_change),
  };
  return cmocka_run_group_tests_name("app_fixed_settings", tests, nullptr, nullptr);
}
