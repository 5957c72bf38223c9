// Secrets in JSON trees: what stands under a telling name goes whole, texts go through the patterns.
#include "core/secret_names.hpp"
#include "core/secrets.hpp"

namespace fairlead::core {

namespace {

bool is_secret_option(base::JsonView value) {
  return value.text().starts_with('-') && names_secret(value.text());
}

base::Json redacted_member(std::string_view key, base::JsonView value) {
  const bool harmless =
      value.is_null() || value.is_bool() || (value.is_string() && is_plain_value(value.text()));
  if (!names_secret(key) || harmless || (value.is_string() && value.text().empty())) return redact(value);
  return {kRedacted};
}

}  // namespace

base::Json redact(base::JsonView value) {
  if (value.is_string()) return {redact(value.text())};
  if (value.is_number()) return {value.number()};
  if (value.is_bool()) return {value.boolean()};
  if (value.is_object()) {
    base::Json out = base::Json::object();
    for (const auto member : value.items())
      out.set(redact(member.key()), redacted_member(member.key(), member));
    return out;
  }
  if (!value.is_array()) return {};
  base::Json out = base::Json::array();
  base::JsonView before;
  for (const auto element : value.items()) {
    const bool secret = is_secret_option(before) && element.is_string() && !element.text().starts_with('-');
    out.push(secret ? base::Json(kRedacted) : redact(element));
    before = element;
  }
  return out;
}

}  // namespace fairlead::core
