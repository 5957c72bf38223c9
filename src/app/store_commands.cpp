#include "app/store_commands.hpp"

#include <memory>
#include <utility>

#include "app/offline_config.hpp"
#include "app/open_store.hpp"
#include "base/text.hpp"
#include "cli/report.hpp"
#include "loop/timer.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using cli::Context;
using cli::Exit;
using std::chrono_literals::operator""s;
constexpr base::Millis kPatience = 60s;  // another daemon may be migrating; large tables take their time
constexpr base::Millis kAwayIsAway = 5s;
constexpr base::Millis kStoreCloses = 5s;

// Runs a loop of its own until the store is open, refuses, or has been away for a while.
core::StoreStatus ask_store(const core::Config& config, core::Opening opening) {
  loop::Loop loop;
  base::Log silent;
  core::StoreStatus seen;
  {
    const auto store = open_store(loop, silent, config);
    loop::Timer patience(loop, "store-patience", [&] { loop.stop(); });
    patience.start(opening == core::Opening::look ? kAwayIsAway : kPatience);
    bool asked = true;
    const auto look = [&] {
      if (!asked) return;  // that it is closed is no news
      seen = store->status();
      const bool settled =
          seen.state == core::StoreStatus::State::open || seen.state == core::StoreStatus::State::refused;
      if (settled) loop.stop();
      if (seen.state == core::StoreStatus::State::away) patience.start(kAwayIsAway);
    };
    store->begin(look, [] {}, opening);
    loop.run();
    patience.stop();
    asked = false;
    seen = store->status();
    store->stop(kStoreCloses, [&] { loop.stop(); });
    loop.run();
  }
  (void)loop.drain(kStoreCloses);
  return seen;
}

base::Error error_of(const core::StoreStatus& status) {
  const bool refused = status.state == core::StoreStatus::State::refused;
  return {refused ? base::Code::unsupported : base::Code::unavailable,
          status.error.empty() ? "the store does not answer" : status.error,
          {}};
}

Exit report(Context& context, const core::StoreStatus& status, bool json) {
  if (status.state != core::StoreStatus::State::open) return cli::fail(context, error_of(status), json);
  if (json) {
    Json body = Json::object();
    body.set("state", core::to_string(status.state)).set("backend", status.backend);
    body.set("place", status.place).set("schema", status.schema).set("hints", status.hints);
    cli::print_json(context, body.view());
  } else {
    context.out << "ok: " << status.backend << " at " << base::printable(status.place) << ", schema "
                << status.schema << ", news by " << base::printable(status.hints) << '\n'
                << std::flush;
  }
  return Exit::ok;
}

}  // namespace

void add_store_commands(cli::Command program, const GlobalOptions& globals) {
  auto group = program.add("store", "Check the queue's store and its schema, without a daemon", "Offline");
  const auto json = std::make_shared<bool>(false);
  const auto add = [&](const char* name, const char* description, core::Opening opening) {
    group.add(name, description)
        .flag("--json", *json, "print JSON")
        .runs([&globals, json, opening](Context& context) {
          return with_config(context, globals, *json, [&](const core::Config& config) {
            return report(context, ask_store(config, opening), *json);
          });
        });
  };
  add("check", "Whether the store can be reached and has this fairlead's schema; changes nothing",
      core::Opening::look);
  add("migrate", "Make the tables, or bring them to what this fairlead knows; a daemon does it at its start",
      core::Opening::migrate);
}

}  // namespace fairlead::app
