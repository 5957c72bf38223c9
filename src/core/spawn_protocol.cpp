#include "core/spawn_protocol.hpp"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::core {

namespace {

using base::Code;
using base::Json;
using base::JsonView;

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;

base::Error bad(std::string what) {
  return {Code::bad_request, std::move(what), {}};
}

base::Error broken(std::string what) {
  return {Code::protocol, std::move(what), {}};
}

bool holds_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

constexpr std::pair<ChildEnd, std::string_view> kEnds[] = {
    {ChildEnd::exited, "exited"},
    {ChildEnd::signalled, "signalled"},
    {ChildEnd::timed_out, "timed_out"},
    {ChildEnd::killed, "killed"},
};

constexpr Code kFailures[] = {Code::not_found, Code::io, Code::bad_request, Code::unavailable};

std::string encode_bytes(std::string_view bytes) {
  return base::base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// The fields of one message, taken out one by one: what is missing, of the wrong type, out of range or
// unknown makes the whole message wrong, and finish() says what.
class Fields {
 public:
  explicit Fields(JsonView object) : object_(object) {}

  JsonView take(std::string_view key) {
    ++taken_;
    const auto value = object_[key];
    if (!value.exists()) fault("lacks " + std::string(key));
    return value;
  }
  std::string text(std::string_view key) {
    const auto value = take(key);
    if (!value.is_string()) fault("wants text in " + std::string(key));
    return std::string(value.text());
  }
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high) {
    const auto value = take(key).integer(low - 1);
    if (value < low || value > high) fault("wants a whole number in range in " + std::string(key));
    return value;
  }
  base::Millis millis(std::string_view key) { return base::Millis(integer(key, 0, kMaxId)); }
  base::BootTime boot_time(std::string_view key) { return base::BootTime(millis(key)); }
  std::size_t size(std::string_view key) { return static_cast<std::size_t>(integer(key, 0, kMaxId)); }
  ChildId id() { return static_cast<ChildId>(integer("id", 1, kMaxId)); }
  std::string bytes(std::string_view key) {
    const auto value = base::decode_base64(text(key));
    if (!value) fault("wants base64 in " + std::string(key));
    return value ? std::string(value->begin(), value->end()) : std::string();
  }
  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> out;
    const auto list = take(key);
    if (!list.is_array()) fault("wants a list in " + std::string(key));
    for (const auto& item : list.items()) {
      if (!item.is_string()) fault("wants texts in " + std::string(key));
      out.emplace_back(item.text());
    }
    return out;
  }
  bool has(std::string_view key) const { return object_[key].exists(); }
  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  // Every member must have been taken.
  base::Result<> finish(std::string_view kind) {
    if (object_.size() > taken_) fault("holds an unknown field");
    if (fault_.empty()) return base::success();
    return broken("the message \"" + std::string(kind) + "\" " + fault_);
  }

 private:
  JsonView object_;
  std::size_t taken_ = 0;
  std::string fault_;
};

template <typename Message>
base::Result<Message> checked(Fields& fields, std::string_view kind, auto value) {
  if (auto whole = fields.finish(kind); !whole) return whole.error();
  return Message(std::move(value));
}

ChildSpec take_spec(Fields& fields) {
  ChildSpec spec;
  spec.argv = fields.texts("argv");
  for (const auto& entry : fields.texts("environment")) {
    const auto split = entry.find('=');
    if (split == std::string::npos) fields.fault("wants NAME=value in environment");
    spec.environment.emplace_back(entry.substr(0, split),
                                  split == std::string::npos ? "" : entry.substr(split + 1));
  }
  spec.folder = fields.text("folder");
  spec.input = fields.bytes("input");
  spec.timeout = fields.millis("timeout_ms");
  spec.grace = fields.millis("grace_ms");
  spec.output_head = fields.size("output_head");
  spec.output_tail = fields.size("output_tail");
  if (fields.has("lease_until_ms")) spec.lease_until = fields.boot_time("lease_until_ms");
  return spec;
}

ChildOutput take_output(Fields& message, std::string_view key) {
  Fields fields(message.take(key));
  ChildOutput output;
  output.head = fields.bytes("head");
  output.tail = fields.bytes("tail");
  output.total = fields.size("total");
  if (auto whole = fields.finish(key); !whole) message.fault(whole.error().message);
  return output;
}

Json render(const ChildOutput& output) {
  auto json = Json::object();
  json.set("head", encode_bytes(output.head))
      .set("tail", encode_bytes(output.tail))
      .set("total", output.total);
  return json;
}

Json render(const StartChild& start) {
  const ChildSpec& spec = start.spec;
  auto argv = Json::array();
  for (const auto& word : spec.argv) argv.push(word);
  auto environment = Json::array();
  for (const auto& [name, value] : spec.environment)
    environment.push(std::string(name).append("=").append(value));
  auto json = Json::object();
  json.set("do", "start").set("id", start.id).set("argv", std::move(argv));
  json.set("environment", std::move(environment)).set("folder", spec.folder);
  json.set("input", encode_bytes(spec.input));
  json.set("timeout_ms", spec.timeout.count()).set("grace_ms", spec.grace.count());
  json.set("output_head", spec.output_head).set("output_tail", spec.output_tail);
  if (spec.lease_until) json.set("lease_until_ms", spec.lease_until->time_since_epoch().count());
  return json;
}

Json render(const RenewLease& renew) {
  auto json = Json::object();
  json.set("do", "renew").set("id", renew.id).set("lease_until_ms", renew.until.time_since_epoch().count());
  return json;
}

Json render(const EndChild& end) {
  auto json = Json::object();
  json.set("do", "end").set("id", end.id);
  return json;
}

Json render(const ChildStarted& started) {
  auto json = Json::object();
  json.set("child", "started").set("id", started.id).set("pid", started.pid);
  return json;
}

Json render(const ChildFailed& failed) {
  auto json = Json::object();
  json.set("child", "failed").set("id", failed.id);
  json.set("code", base::to_string(failed.error.code)).set("message", failed.error.message);
  return json;
}

Json render(const ChildEnded& ended) {
  const ChildResult& result = ended.result;
  auto json = Json::object();
  json.set("child", "ended").set("id", ended.id);
  for (const auto& [end, name] : kEnds)
    if (end == result.end) json.set("end", name);
  json.set("status", result.status).set("duration_ms", result.duration.count());
  json.set("out", render(result.out)).set("err", render(result.err));
  return json;
}

ChildResult take_result(Fields& fields) {
  ChildResult result;
  const auto name = fields.text("end");
  bool known = false;
  for (const auto& [end, its_name] : kEnds) {
    if (its_name != name) continue;
    result.end = end;
    known = true;
  }
  if (!known) fields.fault("names an unknown end");
  result.status = static_cast<int>(fields.integer("status", 0, 255));
  result.duration = fields.millis("duration_ms");
  result.out = take_output(fields, "out");
  result.err = take_output(fields, "err");
  return result;
}

base::Error take_failure(Fields& fields) {
  const auto name = fields.text("code");
  std::optional<Code> code;
  for (const Code candidate : kFailures)
    if (base::to_string(candidate) == name) code = candidate;
  if (!code) fields.fault("names an unknown code");
  return {code.value_or(Code::io), fields.text("message"), {}};
}

}  // namespace

base::Result<> check_spec(const ChildSpec& spec) {
  if (spec.argv.empty() || !spec.argv[0].starts_with('/')) return bad("argv[0] wants an absolute path");
  for (const auto& word : spec.argv)
    if (holds_nul(word)) return bad("argv holds a NUL byte");
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos)
      return bad("a name in the environment is not one");
    if (holds_nul(name) || holds_nul(value)) return bad("the environment holds a NUL byte");
  }
  if (!spec.folder.starts_with('/') || holds_nul(spec.folder)) return bad("folder wants an absolute path");
  if (spec.input.size() > kMaxChildInput) return bad("input is longer than 1 MiB");
  if (spec.timeout <= base::Millis(0) || spec.timeout > kMaxChildTimeout)
    return bad("timeout is out of range");
  if (spec.grace < base::Millis(0) || spec.grace > kMaxChildGrace) return bad("grace is out of range");
  if (spec.output_head > kMaxChildOutput || spec.output_tail > kMaxChildOutput)
    return bad("more than 1 MiB of output to keep");
  return base::success();
}

std::string encode(const SpawnRequest& request) {
  return std::visit([](const auto& message) { return render(message).dump(); }, request);
}

std::string encode(const SpawnReport& report) {
  return std::visit([](const auto& message) { return render(message).dump(); }, report);
}

base::Result<SpawnRequest> decode_request(std::string_view line) {
  const auto json = Json::parse(line);
  if (!json) return broken("a request is " + json.error().message);
  Fields fields(json->view());
  const auto kind = fields.text("do");
  const auto id = fields.id();
  if (kind == "start") return checked<SpawnRequest>(fields, kind, StartChild{id, take_spec(fields)});
  if (kind == "renew")
    return checked<SpawnRequest>(fields, kind, RenewLease{id, fields.boot_time("lease_until_ms")});
  if (kind == "end") return checked<SpawnRequest>(fields, kind, EndChild{id});
  return broken("an unknown request");
}

base::Result<SpawnReport> decode_report(std::string_view line) {
  const auto json = Json::parse(line);
  if (!json) return broken("a report is " + json.error().message);
  Fields fields(json->view());
  const auto kind = fields.text("child");
  const auto id = fields.id();
  if (kind == "started")
    return checked<SpawnReport>(fields, kind, ChildStarted{id, fields.integer("pid", 1, kMaxId)});
  if (kind == "failed") return checked<SpawnReport>(fields, kind, ChildFailed{id, take_failure(fields)});
  if (kind == "ended") return checked<SpawnReport>(fields, kind, ChildEnded{id, take_result(fields)});
  return broken("an unknown report");
}

}  // namespace fairlead::core
