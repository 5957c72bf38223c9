#include "app/policy_place.hpp"

#include "app/offline_config.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/report.hpp"
#include "config/load.hpp"

namespace fairlead::app {

namespace {

using cli::Context;
using cli::Exit;

constexpr std::size_t kLongestLine = 4096;

Exit fail_with_problems(Context& context, const std::string& folder, const base::Error& problems, bool json) {
  auto lines = base::Json::array();
  const std::string text = problems.text();
  for (const auto line : base::split(text, '\n')) {
    const auto shown = base::printable(line, kLongestLine);
    context.err << shown << '\n';
    lines.push(shown);
  }
  const auto count = lines.view().size();
  const base::Error error{problems.code,
                          (folder.empty() ? std::string("the policy") : folder) + " has " +
                              std::to_string(count) + (count == 1 ? " problem" : " problems") + ": mend it",
                          {}};
  cli::complain(context, error.text());
  if (!json) return Exit::failure;
  auto body = base::Json::object();
  body.set("ok", false).set("folder", folder).set("errors", std::move(lines));
  body.set("error", cli::error_json(error));
  cli::print_json(context, body.view());
  return Exit::failure;
}

}  // namespace

Exit with_policy_place(Context& context, const GlobalOptions& globals, const std::string& folder, bool json,
                       bool needs_config, const std::function<Exit(const PolicyPlace&)>& use) {
  if (folder.empty() || needs_config || !globals.config.empty())
    return with_config(context, globals, json, [&](const core::Config& config) {
      PolicyPlace place{config.policy, config.state_dir};
      if (!folder.empty()) place.settings.folder = folder;
      return use(place);
    });
  PolicyPlace place;
  if (const auto location = config::find_config({}))
    if (const auto loaded = config::load(*location); loaded.config) place.settings = loaded.config->policy;
  place.settings.folder = folder;
  return use(place);
}

Exit with_trial(Context& context, const PolicyPlace& place, bool json, const UseTrial& use) {
  const std::string& folder = place.settings.folder;
  if (!folder.empty() && !base::exists(folder))
    return cli::fail(context,
                     {base::Code::not_found,
                      "there is no folder " + base::printable(folder) +
                          ": make it, and begin with `fairlead policy new EVENT >" + base::printable(folder) +
                          "/10-mine.lua`",
                      {}},
                     json);
  HookTrial trial(place.settings, [&context](const std::string& text) {
    context.err << "log: " << base::printable(text) << '\n';
  });
  const auto loaded = trial.load();
  if (!loaded) return fail_with_problems(context, folder, loaded.error(), json);
  return use(trial, *loaded);
}

}  // namespace fairlead::app
