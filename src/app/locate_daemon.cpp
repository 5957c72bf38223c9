#include "app/locate_daemon.hpp"

#include <utility>

#include "app/command_line.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/surroundings.hpp"

namespace fairlead::app {

namespace {

constexpr const char* kSocketName = "control.sock";

std::string start_command(const GlobalOptions& options) {
  return "fairlead daemon" + (options.config.empty() ? std::string() : " --config " + options.config);
}

// Of a file that does not load. Empty when there is no telling.
std::string likely_socket(const config::Location& location) {
  const auto text = base::read_file(location.file);
  const auto here = config::Surroundings::of_process();
  if (!text || (!location.system_mode && here.home.empty())) return {};
  const config::PathRules rules(location, here);
  const auto written = [&](std::string_view key, const std::string& otherwise) {
    const auto value = top_level_value(*text, key);
    return value.empty() ? otherwise : rules.resolve(value).value_or(otherwise);
  };
  const auto state_dir = written("state_dir", rules.state_dir());
  return base::join_path(written("runtime_dir", rules.runtime_dir(state_dir)), kSocketName);
}

}  // namespace

std::string_view top_level_value(std::string_view text, std::string_view key) {
  for (auto line : base::split(text, '\n')) {
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
    auto value = base::trim(line.substr(key.size() + 1));
    if (!value.empty() && (value.front() == '"' || value.front() == '\''))
      return value.substr(1, value.find(value.front(), 1) - 1);
    if (value.starts_with('#')) return {};
    return base::trim(value.substr(0, value.find(" #")));
  }
  return {};
}

base::Result<cli::DaemonAddress> locate_daemon(const GlobalOptions& options) {
  const auto start = start_command(options);
  if (!options.socket.empty()) return cli::DaemonAddress{options.socket, start};
  const auto location = config::find_config(options.config);
  if (!location) return location.error();
  const auto loaded = config::load(*location);
  if (loaded.config)
    return cli::DaemonAddress{base::join_path(loaded.config->runtime_dir, kSocketName), start};
  auto socket = likely_socket(*location);
  if (!socket.empty() && base::exists(socket)) return cli::DaemonAddress{std::move(socket), start};
  return base::Error{
      base::Code::bad_config,
      to_string(loaded.problems.front()) +
          "; so the daemon's socket is not known: mend the file (`fairlead config check` lists all), "
          "or give --socket",
      {}};
}

}  // namespace fairlead::app
