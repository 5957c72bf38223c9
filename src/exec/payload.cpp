#include "exec/payload.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::exec {

namespace {

using base::Json;
using base::JsonView;

constexpr double kMaxSleep = 7.0 * 24 * 3600;  // as the longest timeout of a task
constexpr std::size_t kLongestShown = 64;

// Collects faults, a line each.
class Faults {
 public:
  void add(std::string_view key, std::string_view what) {
    if (!text_.empty()) text_ += '\n';
    text_.append(key.empty() ? "payload" : "payload.").append(key).append(": ").append(what);
  }
  bool none() const { return text_.empty(); }
  base::Error error() { return {base::Code::bad_request, std::move(text_), {}}; }

 private:
  std::string text_;
};

void refuse_unknown(JsonView payload, std::span<const std::string_view> known, Faults& faults) {
  for (const auto value : payload.items()) {
    if (std::find(known.begin(), known.end(), value.key()) != known.end()) continue;
    std::string cure = "is not known here";
    if (const auto near = base::nearest(value.key(), known); !near.empty())
      cure.append("; did you mean \"").append(near).append("\"?");
    faults.add(base::printable(value.key(), kLongestShown), cure);
  }
}

void read_args(JsonView args, ProgramPayload& into, Faults& faults) {
  if (!args.exists()) return;
  if (!args.is_array() || args.size() > kMaxTaskArgs)
    return faults.add("args", "must be a list of at most " + std::to_string(kMaxTaskArgs) + " texts");
  for (const auto arg : args.items()) {
    if (!arg.is_string())
      return faults.add(
          "args", "has " + base::printable(arg.dump(), kLongestShown) + ": each must be a text, in quotes");
    if (arg.text().size() > kMaxTaskArg)
      return faults.add("args", "has a text of more than 4096 bytes: send it as `input`");
    into.args.emplace_back(arg.text());
  }
}

base::Result<Json> parse_object(std::string_view payload, Faults& faults) {
  auto json = Json::parse(payload);
  if (!json) return json;
  if (!json->view().is_object()) {
    faults.add("", "must be a JSON object");
    return faults.error();
  }
  return json;
}

}  // namespace

base::Result<ProgramPayload> parse_program_payload(std::string_view payload, std::string_view what) {
  Faults faults;
  const auto json = parse_object(payload, faults);
  if (!json) return json.error();
  refuse_unknown(json->view(), std::array{what, std::string_view("args"), std::string_view("input")}, faults);
  ProgramPayload parsed;
  const JsonView named = (*json)[what];
  if (!named.exists())
    faults.add(what, "is missing");
  else if (!named.is_string() || named.text().empty())
    faults.add(what, "must be a text, and not empty");
  else if (named.text().size() > kMaxInlineText)
    faults.add(what, "is longer than 128 KiB: put it into a file, and allow that in executors.script");
  parsed.what = named.text();
  read_args((*json)["args"], parsed, faults);
  const JsonView input = (*json)["input"];
  if (input.exists()) parsed.input = input.is_string() ? std::string(input.text()) : input.dump();
  if (!faults.none()) return faults.error();
  return parsed;
}

base::Result<double> parse_sleep_payload(std::string_view payload) {
  Faults faults;
  const auto json = parse_object(payload, faults);
  if (!json) return json.error();
  refuse_unknown(json->view(), std::array{std::string_view("seconds")}, faults);
  const JsonView seconds = (*json)["seconds"];
  if (!seconds.is_number() || !(seconds.number() >= 0) || seconds.number() > kMaxSleep)
    faults.add("seconds", "must be a number from 0 to 604800, such as 0.5");
  if (!faults.none()) return faults.error();
  return seconds.number();
}

}  // namespace fairlead::exec
