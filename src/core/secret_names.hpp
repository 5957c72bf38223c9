// Which names tell that their value is a secret, and which values are none all the same. Pure.
#pragma once
#include <cstddef>
#include <string_view>

#include "core/secret_rules.hpp"

namespace fairlead::core {

inline constexpr std::size_t kNameLook = 64;  // so much of a name's end is looked at

// The rule that this name falls under, or nothing.
const NameRule* name_rule(std::string_view name);

// true, null, asterisks: nothing is gained by hiding them, and much is lost for who reads it.
bool is_plain_value(std::string_view value);

}  // namespace fairlead::core
