#include "core/secret_names.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.hpp"
#include "core/secrets.hpp"

namespace fairlead::core {

bool is_plain_value(std::string_view value) {
  if (!value.empty() && value.find_first_not_of('*') == std::string_view::npos) return true;
  return value.size() <= 5 && std::find(std::begin(kPlainValues), std::end(kPlainValues),
                                        base::lower(value)) != std::end(kPlainValues);
}

const NameRule* name_rule(std::string_view name) {
  if (name.size() > kNameLook) name.remove_prefix(name.size() - kNameLook);
  std::string folded;
  folded.reserve(name.size());
  std::size_t last_part = std::string_view::npos;  // where it begins in `folded`
  for (const char c : base::lower(name)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      folded += c;
    else if (!folded.empty())
      last_part = folded.size();
  }
  for (const auto& rule : kNameRules) {
    if (!folded.ends_with(rule.name)) continue;
    if (rule.match == NameMatch::ending || last_part == folded.size() - rule.name.size()) return &rule;
  }
  return nullptr;
}

bool names_secret(std::string_view name) {
  return name_rule(name) != nullptr;
}

}  // namespace fairlead::core
