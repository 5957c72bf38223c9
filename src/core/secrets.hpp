// Takes secrets out of text that is about to be stored or sent: the built-in patterns of the `redact` event.
// The rules are the tables of secret_rules.hpp. Pure; any thread.
//
// A secret becomes `[redacted]`; what tells its kind stays: `ghp_[redacted]`, `password=[redacted]`,
// `postgres://anna:[redacted]@db`. One pass from left to right whose time grows with the text and with
// nothing in it; whole characters are replaced, so valid UTF-8 stays valid; a second pass changes nothing.
// What has neither a known prefix nor a telling name beside it is not found: no pattern can know it.
#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace fairlead::core {

inline constexpr std::string_view kRedacted = "[redacted]";

std::string redact(std::string_view text);

// The same for every text of a tree, names included; what stands under a name such as `password` goes whole,
// and so does the element of an array that follows an option such as "--token". true, false, null and empty
// texts stay.
base::Json redact(base::JsonView value);

// Whether what `name` names is a secret: "password", "DB_PASSWORD", "apiKey", "--token".
bool names_secret(std::string_view name);

}  // namespace fairlead::core
