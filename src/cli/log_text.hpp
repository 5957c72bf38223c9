// One log line of the daemon, as JSON, made a line for people. Pure.
#pragma once
#include <string>

#include "base/json.hpp"

namespace fairlead::cli {

// "2026-03-01T12:00:00.123Z warn  tunnel_lost tunnel=hub reason=\"keepalive lost\"", without a newline.
std::string render_log_line(base::JsonView line, bool color);

// `key=value`, the value quoted where it holds a blank, a quote, '=' or nothing; escaped where it is not
// printable.
std::string key_value(std::string_view key, base::JsonView value);

}  // namespace fairlead::cli
