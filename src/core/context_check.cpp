#include "core/context_check.hpp"

#include <cmath>

#include "base/text.hpp"

namespace fairlead::core {

namespace {

bool is_whole(base::JsonView value) {
  return value.is_number() && std::floor(value.number()) == value.number();
}

bool is_list_of_texts(base::JsonView value) {
  if (!value.is_array()) return false;
  for (const base::JsonView item : value.items())
    if (!item.is_string()) return false;
  return true;
}

bool fits(FieldType type, base::JsonView value) {
  switch (type) {
    case FieldType::text:
      return value.is_string();
    case FieldType::integer:
      return is_whole(value);
    case FieldType::boolean:
      return value.is_bool();
    case FieldType::list:
      return is_list_of_texts(value);
    case FieldType::duration:
      return value.is_number() && value.number() >= 0;
    default:
      return value.is_number();
  }
}

std::string wanted(const EventField& field) {
  if (field.type == FieldType::duration) return "seconds, as a number";
  if (field.type == FieldType::list) return "a list of texts";
  if (field.type == FieldType::time) return "seconds since 1970";
  return (field.type == FieldType::integer ? "an " : "a ") + std::string(to_string(field.type));
}

void check_below(const EventInfo& event, const std::string& prefix, base::JsonView group,
                 std::vector<std::string>& problems) {
  for (const base::JsonView member : group.items()) {
    const std::string name(member.key());
    std::string path = prefix.empty() ? name : prefix + ".";
    if (!prefix.empty()) path += name;
    const std::string shown = base::printable(path, 100);
    if (path == "seed" && member.is_number()) continue;
    if (const EventField* field = find_field(event, path)) {
      if (!(field->nilable && member.is_null()) && !fits(field->type, member))
        problems.push_back("`" + shown + "` must be " + wanted(*field));
    } else if (path_kind(event, path) == PathKind::group) {
      if (member.is_object())
        check_below(event, path, member, problems);
      else
        problems.push_back("`" + shown + "` must be an object");
    } else {
      const auto names = names_below(event, prefix);
      const auto near = base::nearest(name, names);
      const std::string meant = prefix.empty() ? std::string(near) : prefix + "." + std::string(near);
      problems.push_back("`" + shown + "` is no field of " + std::string(event.name) +
                         (near.empty() ? "" : "; did you mean `" + meant + "`?"));
    }
  }
}

}  // namespace

std::vector<std::string> check_context(const EventInfo& event, base::JsonView context) {
  std::vector<std::string> problems;
  if (context.is_object())
    check_below(event, "", context, problems);
  else
    problems.emplace_back("a ctx is a JSON object");
  return problems;
}

}  // namespace fairlead::core
