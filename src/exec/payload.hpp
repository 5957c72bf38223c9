// What a task's payload says to an executor. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fairlead::exec {

// Linux takes no longer argument (MAX_ARG_STRLEN), its end included.
constexpr std::size_t kMaxInlineText = (128u << 10) - 1;
constexpr std::size_t kMaxTaskArg = 4u << 10;
constexpr std::size_t kMaxTaskArgs = 64;

// `what` is the name of the key that says what to run: "program" or "text".
struct ProgramPayload {
  std::string what;
  std::vector<std::string> args;
  std::string input;  // bytes: a text as it is, anything else as JSON; empty where there is none
};

// Code::bad_request: every fault on a line of its own, "payload.KEY: what".
base::Result<ProgramPayload> parse_program_payload(std::string_view payload, std::string_view what);

// The payload of `sleep`: {"seconds": 0.5}.
base::Result<double> parse_sleep_payload(std::string_view payload);

}  // namespace fairlead::exec
