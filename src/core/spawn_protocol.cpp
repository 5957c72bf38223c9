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

base::Error broken(std::string what) {
  return {Code::protocol, std::move(what), {}};
}

constexpr std::pair<ChildEnd, std::string_view> kEnds[] = {
    {ChildEnd::exited, "exited"},
    {ChildEnd::signalled, "signalled"},
    {ChildEnd::timed_out, "timed_out"},
    {ChildEnd::killed, "killed"},
};

constexpr std::pair<SandboxKind, std::string_view> kSandboxes[] = {
    {SandboxKind::none, "none"},
    {SandboxKind::basic, "basic"},
    {SandboxKind::strict, "strict"},
};

constexpr std::pair<bool, std::string_view> kStreams[] = {{false, "out"}, {true, "err"}};  // is_err

constexpr Code kFailures[] = {Code::not_found,   Code::io,        Code::bad_request, Code::forbidden,
                              Code::unsupported, Code::too_large, Code::unavailable};

template <typename Value, std::size_t N>
std::string_view name_of(const std::pair<Value, std::string_view> (&names)[N], Value value) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  return {};
}

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
  bool boolean(std::string_view key) {
    const auto value = take(key);
    if (!value.is_bool()) fault("wants true or false in " + std::string(key));
    return value.boolean();
  }
  template <typename Value, std::size_t N>
  Value one_of(std::string_view key, const std::pair<Value, std::string_view> (&names)[N]) {
    const auto wanted = text(key);
    for (const auto& [value, name] : names)
      if (name == wanted) return value;
    fault("names an unknown " + std::string(key));
    return names[0].first;
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

ChildLimits take_limits(Fields& message) {
  Fields fields(message.take("limits"));
  ChildLimits limits;
  limits.cpu_seconds = fields.size("cpu_seconds");
  limits.address_space = fields.size("address_space");
  limits.file_size = fields.size("file_size");
  limits.open_files = fields.size("open_files");
  limits.processes = fields.size("processes");
  if (auto whole = fields.finish("limits"); !whole) message.fault(whole.error().message);
  return limits;
}

SandboxWish take_sandbox(Fields& message) {
  Fields fields(message.take("sandbox"));
  SandboxWish wish;
  wish.kind = fields.one_of("kind", kSandboxes);
  wish.network = fields.boolean("network");
  wish.folder_writable = fields.boolean("folder_writable");
  wish.writable = fields.texts("writable");
  wish.required = fields.boolean("required");
  if (auto whole = fields.finish("sandbox"); !whole) message.fault(whole.error().message);
  return wish;
}

SandboxLevel take_level(Fields& message) {
  Fields fields(message.take("level"));
  SandboxLevel level;
  level.no_new_privs = fields.boolean("no_new_privs");
  level.seccomp = fields.boolean("seccomp");
  level.landlock = static_cast<int>(fields.integer("landlock", 0, 1000));
  level.network_off = fields.boolean("network_off");
  if (auto whole = fields.finish("level"); !whole) message.fault(whole.error().message);
  return level;
}

// What most children do without.
void take_extras(Fields& fields, ChildSpec& spec) {
  if (fields.has("program")) spec.program = fields.text("program");
  if (fields.has("sha256")) spec.sha256 = fields.text("sha256");
  if (fields.has("input_file")) spec.input_file = fields.text("input_file");
  if (fields.has("private_folder")) spec.private_folder = fields.text("private_folder");
  if (fields.has("private_in")) spec.private_in = fields.text("private_in");
  if (fields.has("limits")) spec.limits = take_limits(fields);
  if (fields.has("sandbox")) spec.sandbox = take_sandbox(fields);
  if (fields.has("live_output")) spec.live_output = fields.boolean("live_output");
  if (fields.has("lease_until_ms")) spec.lease_until = fields.boot_time("lease_until_ms");
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
  take_extras(fields, spec);
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

Json render(const std::vector<std::string>& texts) {
  auto json = Json::array();
  for (const auto& text : texts) json.push(text);
  return json;
}

Json render(const ChildLimits& limits) {
  auto json = Json::object();
  json.set("cpu_seconds", limits.cpu_seconds).set("address_space", limits.address_space);
  json.set("file_size", limits.file_size).set("open_files", limits.open_files);
  json.set("processes", limits.processes);
  return json;
}

Json render(const SandboxWish& wish) {
  auto json = Json::object();
  json.set("kind", name_of(kSandboxes, wish.kind)).set("network", wish.network);
  json.set("folder_writable", wish.folder_writable).set("writable", render(wish.writable));
  json.set("required", wish.required);
  return json;
}

Json render(const SandboxLevel& level) {
  auto json = Json::object();
  json.set("no_new_privs", level.no_new_privs).set("seccomp", level.seccomp);
  json.set("landlock", level.landlock).set("network_off", level.network_off);
  return json;
}

void render_extras(Json& json, const ChildSpec& spec) {
  if (!spec.program.empty()) json.set("program", spec.program);
  if (!spec.sha256.empty()) json.set("sha256", spec.sha256);
  if (!spec.input_file.empty()) json.set("input_file", spec.input_file);
  if (!spec.private_folder.empty()) json.set("private_folder", spec.private_folder);
  if (spec.private_in != ChildSpec{}.private_in) json.set("private_in", spec.private_in);
  if (spec.limits != ChildLimits{}) json.set("limits", render(spec.limits));
  if (spec.sandbox != SandboxWish{}) json.set("sandbox", render(spec.sandbox));
  if (spec.live_output) json.set("live_output", true);
  if (spec.lease_until) json.set("lease_until_ms", spec.lease_until->time_since_epoch().count());
}

Json render(const StartChild& start) {
  const ChildSpec& spec = start.spec;
  auto environment = Json::array();
  for (const auto& [name, value] : spec.environment)
    environment.push(std::string(name).append("=").append(value));
  auto json = Json::object();
  json.set("do", "start").set("id", start.id).set("argv", render(spec.argv));
  json.set("environment", std::move(environment)).set("folder", spec.folder);
  json.set("input", encode_bytes(spec.input));
  json.set("timeout_ms", spec.timeout.count()).set("grace_ms", spec.grace.count());
  json.set("output_head", spec.output_head).set("output_tail", spec.output_tail);
  render_extras(json, spec);
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

Json render(const ChildWrote& wrote) {
  auto json = Json::object();
  json.set("child", "output").set("id", wrote.id).set("stream", name_of(kStreams, wrote.piece.is_err));
  json.set("bytes", encode_bytes(wrote.piece.bytes)).set("cut", wrote.piece.cut);
  return json;
}

Json render(const ChildEnded& ended) {
  const ChildResult& result = ended.result;
  auto json = Json::object();
  json.set("child", "ended").set("id", ended.id);
  json.set("end", name_of(kEnds, result.end)).set("status", result.status);
  json.set("duration_ms", result.duration.count()).set("level", render(result.level));
  json.set("out", render(result.out)).set("err", render(result.err));
  return json;
}

ChildResult take_result(Fields& fields) {
  ChildResult result;
  result.end = fields.one_of("end", kEnds);
  result.status = static_cast<int>(fields.integer("status", 0, 255));
  result.duration = fields.millis("duration_ms");
  result.level = take_level(fields);
  result.out = take_output(fields, "out");
  result.err = take_output(fields, "err");
  return result;
}

ChildPiece take_piece(Fields& fields) {
  ChildPiece piece;
  piece.is_err = fields.one_of("stream", kStreams);
  piece.bytes = fields.bytes("bytes");
  piece.cut = fields.boolean("cut");
  return piece;
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
  if (kind == "output") return checked<SpawnReport>(fields, kind, ChildWrote{id, take_piece(fields)});
  if (kind == "ended") return checked<SpawnReport>(fields, kind, ChildEnded{id, take_result(fields)});
  return broken("an unknown report");
}

}  // namespace fairlead::core
