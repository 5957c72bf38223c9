#include "app/offline_config.hpp"

#include "base/text.hpp"
#include "cli/report.hpp"
#include "config/load.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using cli::Context;
using cli::Exit;

constexpr std::size_t kLongestProblem = 4096;

Json problems_json(const std::vector<config::Problem>& problems) {
  auto list = Json::array();
  for (const auto& problem : problems) {
    auto item = Json::object();
    item.set("file", problem.file).set("line", problem.line).set("column", problem.column);
    item.set("message", problem.message).set("fix", problem.fix);
    list.push(std::move(item));
  }
  return list;
}

base::Error bad_config(const config::Loaded& loaded, const std::string& file) {
  const auto count = loaded.problems.size();
  return {base::Code::bad_config,
          file + " has " + std::to_string(count) + (count == 1 ? " problem" : " problems") + ": mend it",
          {}};
}

// Each problem on its line of stderr, then the sum of them.
Exit fail_with_problems(Context& context, const config::Loaded& loaded, const std::string& file, bool json) {
  for (const auto& problem : loaded.problems)
    context.err << base::printable(to_string(problem), kLongestProblem) << '\n';
  const auto error = bad_config(loaded, file);
  cli::complain(context, error.text());
  if (!json) return Exit::failure;
  auto body = Json::object();
  body.set("ok", false).set("file", file).set("problems", problems_json(loaded.problems));
  body.set("error", cli::error_json(error));
  cli::print_json(context, body.view());
  return Exit::failure;
}

}  // namespace

Exit with_config(Context& context, const GlobalOptions& globals, bool json,
                 const std::function<Exit(const core::Config&)>& use) {
  const auto location = config::find_config(globals.config);
  if (!location) return cli::fail(context, location.error(), json);
  const auto loaded = config::load(*location);
  if (!loaded.config) return fail_with_problems(context, loaded, location->file, json);
  return use(*loaded.config);
}

}  // namespace fairlead::app
