// How a command says that something went wrong: one line on stderr that names the cure, and for `--json` an
// object on stdout too.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "cli/context.hpp"
#include "cli/exit_codes.hpp"

namespace fairlead::cli {

// "fairlead: message"; what is not printable is escaped.
void complain(Context& context, std::string_view message);
void warn(Context& context, std::string_view message);  // "fairlead: warning: message"

base::Json error_json(const base::Error& error);  // {"code", "message"}

// Complains, with `json` prints {"error": …} as well, and tells the exit code. `pretty`: over several lines.
Exit fail(Context& context, const base::Error& error, bool json, bool pretty = true);

// The one JSON document of a command: `pretty` over several lines.
void print_json(Context& context, base::JsonView value, bool pretty = true);

// "no tunnel named `hbu`; did you mean `hub`?"
base::Error no_such_tunnel(std::string_view name, const std::vector<std::string>& known);

}  // namespace fairlead::cli
