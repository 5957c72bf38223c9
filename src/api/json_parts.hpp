// What the files of this folder share about JSON: bodies, values that may be missing, waits in whole seconds.
// Pure; private to this folder.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace fairlead::api {

inline base::Json text_or_null(std::string_view text) {
  return text.empty() ? base::Json() : base::Json(text);
}

inline base::Json time_or_null(const std::optional<base::WallTime>& time) {
  return time ? base::Json(base::iso8601(*time)) : base::Json();
}

inline std::int64_t whole_seconds(base::Millis time) {
  return std::chrono::floor<std::chrono::seconds>(time).count();
}
// A wait is rounded up: "0" means now.
inline std::int64_t seconds_to_wait(base::Millis time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

inline base::Json names(const std::vector<std::string>& list) {
  base::Json out = base::Json::array();
  for (const auto& name : list) out.push(name);
  return out;
}

// The body of a request. It has to be UTF-8 (RFC 8259, section 8.1): the parser passes on what is not, and of
// the stores one would take it and the other not.
inline base::Result<base::Json> json_body(std::string_view text) {
  if (!base::is_utf8(text)) return base::Error{base::Code::bad_request, "the body is not UTF-8", {}};
  return base::Json::parse(text);
}

}  // namespace fairlead::api
