// What a command is run with: where to write, how to find the daemon. app/ fills it in, as cli/ knows neither
// the configuration nor libcurl; tests hand in string streams. Outlives the command; one thread.
#pragma once
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/result.hpp"
#include "cli/terminal.hpp"
#include "core/ports.hpp"

namespace fairlead::loop {
class Loop;
}

namespace fairlead::cli {

struct DaemonAddress {
  std::string socket;         // absolute path of its control socket
  std::string start_command;  // what the operator types when nothing answers there
};

struct Context {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  // Asked at most once for each command. An error tells why the socket cannot be known.
  std::function<base::Result<DaemonAddress>()> locate;
  std::function<base::Result<std::unique_ptr<core::HttpClient>>(loop::Loop&)> make_http;
};

}  // namespace fairlead::cli
