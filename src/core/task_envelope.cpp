#include "core/task_envelope.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iterator>

#include "base/sha256.hpp"
#include "base/text.hpp"

namespace fairlead::core {

namespace {

using base::Json;
using base::JsonView;

constexpr std::int64_t kWeek = 7LL * 24 * 3'600'000;
constexpr std::size_t kLongestShown = 64;

bool is_word(std::string_view text, std::size_t most, std::string_view more) {
  const auto fits = [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= most && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), fits);
}

bool is_place(std::string_view text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), fits);
}

// Reads one field into the envelope; says what is wrong with it, or nothing.
using Read = std::string (*)(JsonView value, TaskEnvelope& envelope);

struct Field {
  std::string_view name;
  bool required;
  std::string_view schema;   // of its value, JSON Schema
  std::string_view meaning;  // for people
  Read read;
};

std::string read_version(JsonView value, TaskEnvelope&) {
  return value.is_number() && value.number() == 1 ? "" : "must be 1, the one version there is";
}

std::string read_kind(JsonView value, TaskEnvelope& envelope) {
  if (!value.is_string() || !is_word(value.text(), 64, "._-"))
    return "must be 1 to 64 of a-z 0-9 . _ - and begin with a letter";
  envelope.kind = value.text();
  return "";
}

std::string read_payload(JsonView value, TaskEnvelope& envelope) {
  envelope.payload = value.dump();
  return "";  // its size is checked by parse_envelope(), which has a code of its own for it
}

std::string read_capability(JsonView value, TaskEnvelope& envelope) {
  if (!value.is_string() || !is_word(value.text(), 64, "._-"))
    return "must be 1 to 64 of a-z 0-9 . _ - and begin with a letter";
  envelope.capability = value.text();
  return "";
}

std::string read_place(std::string_view scope, JsonView value, TaskEnvelope& envelope) {
  if (!value.is_string() || !is_place(value.text())) return "must be 1 to 100 of A-Z a-z 0-9 . _ -";
  if (!envelope.target.empty())
    return "cannot stand beside the other of `site` and `node`: a node is at one site";
  envelope.target = std::string(scope) + ":" + std::string(value.text());
  return "";
}
std::string read_site(JsonView value, TaskEnvelope& envelope) {
  return read_place("site", value, envelope);
}
std::string read_node(JsonView value, TaskEnvelope& envelope) {
  return read_place("node", value, envelope);
}

std::string read_locks(JsonView value, TaskEnvelope& envelope) {
  if (!value.is_array() || value.size() > kMaxTaskLocks) return "must be a list of at most 8 locks";
  for (const auto lock : value.items()) {
    if (!lock.is_string() || !is_lock_key(lock.text()))
      return "has " + base::quoted(lock.dump(), kLongestShown) +
             ": a lock is SCOPE:NAME, such as \"site:attic\"";
    envelope.locks.emplace_back(lock.text());
  }
  std::sort(envelope.locks.begin(), envelope.locks.end());
  const auto twice = std::adjacent_find(envelope.locks.begin(), envelope.locks.end());
  return twice == envelope.locks.end() ? "" : "names " + *twice + " twice";
}

// A whole number within a range.
std::optional<std::int64_t> whole(JsonView value, std::int64_t low, std::int64_t high) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.integer();
  if (static_cast<double>(number) != value.number() || number < low || number > high) return std::nullopt;
  return number;
}

std::string read_priority(JsonView value, TaskEnvelope& envelope) {
  const auto number = whole(value, 0, 1000);
  if (!number) return "must be a whole number from 0 to 1000; lower goes first";
  envelope.priority = static_cast<int>(*number);
  return "";
}

std::string read_run_at(JsonView value, TaskEnvelope& envelope) {
  envelope.run_at = value.is_string() ? base::parse_iso8601(value.text()) : std::nullopt;
  return envelope.run_at ? "" : "must be a time such as \"2026-03-01T12:00:00Z\" (RFC 3339, with its zone)";
}

std::string read_timeout(JsonView value, TaskEnvelope& envelope) {
  std::optional<base::Millis> time;
  if (value.is_string()) time = base::parse_duration(value.text());
  if (value.is_number() && value.number() >= 0 && value.number() <= static_cast<double>(kWeek) / 1000)
    time = base::Millis(std::llround(value.number() * 1000));
  if (!time || time->count() < 1 || time->count() > kWeek)
    return "must be seconds, or a text such as \"90s\", \"10m\" or \"2h\"; from 1 ms to 7 days";
  envelope.timeout = *time;
  return "";
}

std::string read_max_attempts(JsonView value, TaskEnvelope& envelope) {
  const auto number = whole(value, 1, 100);
  if (!number) return "must be a whole number from 1 to 100";
  envelope.max_attempts = static_cast<int>(*number);
  return "";
}

std::string read_key(JsonView value, TaskEnvelope& envelope) {
  const auto text = value.text();
  const auto visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (text.empty() || text.size() > 200 || !std::all_of(text.begin(), text.end(), visible))
    return "must be 1 to 200 visible ASCII characters";
  envelope.idempotency_key = text;
  return "";
}

std::string read_depends_on(JsonView value, TaskEnvelope& envelope) {
  if (!value.is_array() || value.size() > kMaxDependencies) return "must be a list of at most 32 task ids";
  for (const auto id : value.items()) {
    const auto number = whole(id, 1, 1LL << 53);
    if (!number) return "has " + base::quoted(id.dump(), kLongestShown) + ": a task's id is a whole number";
    envelope.depends_on.push_back(TaskId(*number));
  }
  std::sort(envelope.depends_on.begin(), envelope.depends_on.end());
  const auto end = std::unique(envelope.depends_on.begin(), envelope.depends_on.end());
  envelope.depends_on.erase(end, envelope.depends_on.end());
  return "";
}

std::string read_on_lease_loss(JsonView value, TaskEnvelope& envelope) {
  if (value.text() != "stop" && value.text() != "continue") return "must be \"stop\" or \"continue\"";
  envelope.on_lease_loss = value.text() == "stop" ? OnLeaseLoss::stop : OnLeaseLoss::carry_on;
  return "";
}

std::string read_actor(JsonView value, TaskEnvelope& envelope) {
  const auto text = value.text();
  if (text.empty() || text.size() > 100 || base::printable(text) != text)
    return "must be 1 to 100 printable characters";
  envelope.actor = text;
  return "";
}

std::string read_actor_class(JsonView value, TaskEnvelope& envelope) {
  if (value.text() != "human" && value.text() != "automation") return "must be \"human\" or \"automation\"";
  envelope.actor_class = value.text() == "human" ? ActorClass::human : ActorClass::automation;
  return "";
}

std::string read_trace_id(JsonView value, TaskEnvelope& envelope) {
  const auto text = value.text();
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != 32 || !std::all_of(text.begin(), text.end(), is_hex))
    return "must be 32 lower-case hex digits (trace-id of W3C Trace Context)";
  envelope.trace_id = text;
  return "";
}

constexpr std::string_view kWordSchema = R"({"type":"string","pattern":"^[a-z][a-z0-9._-]{0,63}$"})";
constexpr std::string_view kPlaceSchema = R"({"type":"string","pattern":"^[A-Za-z0-9._-]{1,100}$"})";

constexpr Field kEnvelopeFields[] = {
    {"version", true, R"({"const":1})", "of this envelope", read_version},
    {"kind", true, kWordSchema, "what is done: names the executor", read_kind},
    {"payload", false, R"({"default":{}})", "what the executor is given; at most 256 KiB as compact JSON",
     read_payload},
    {"capability", false, kWordSchema, "what its worker must offer; the kind unless said otherwise",
     read_capability},
    {"site", false, kPlaceSchema, "only a worker of this site takes it", read_site},
    {"node", false, kPlaceSchema, "only a worker on this node takes it; `site` or `node`, not both",
     read_node},
    {"locks", false,
     R"({"type":"array","maxItems":8,"uniqueItems":true,"items":{"type":"string","pattern":"^[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9._/-]{1,100}$"}})",
     "of the tasks that share a lock one is at work at a time", read_locks},
    {"priority", false, R"({"type":"integer","minimum":0,"maximum":1000,"default":100})", "lower goes first",
     read_priority},
    {"run_at", false, R"({"type":"string","format":"date-time"})", "not before", read_run_at},
    {"timeout", false,
     R"({"oneOf":[{"type":"number","minimum":0.001,"maximum":604800},{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$"}],"default":600})",
     "of one attempt, in seconds or with a unit; then its program is ended", read_timeout},
    {"max_attempts", false, R"({"type":"integer","minimum":1,"maximum":100,"default":4})",
     "the first one counts; then it has failed", read_max_attempts},
    {"idempotency_key", false, R"({"type":"string","pattern":"^[!-~]{1,200}$"})",
     "the same key for the same kind is the same task, and another content is a conflict", read_key},
    {"depends_on", false, R"({"type":"array","maxItems":32,"items":{"type":"integer","minimum":1}})",
     "tasks that must be done before; when one fails or is cancelled, this one fails", read_depends_on},
    {"on_lease_loss", false, R"({"enum":["stop","continue"],"default":"stop"})",
     "when its worker cannot renew its lease: stop, and another may take it; or continue to its timeout",
     read_on_lease_loss},
    {"actor", false, R"({"type":"string","minLength":1,"maxLength":100})",
     "who it is for; the caller unless said otherwise", read_actor},
    {"actor_class", false, R"({"enum":["human","automation"]})", "the caller's unless said otherwise",
     read_actor_class},
    {"trace_id", false, R"({"type":"string","pattern":"^[0-9a-f]{32}$"})",
     "W3C trace id; made up unless given", read_trace_id},
};

const Field* field_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(kEnvelopeFields), std::end(kEnvelopeFields),
                                   [&](const Field& field) { return field.name == name; });
  return found == std::end(kEnvelopeFields) ? nullptr : found;
}

std::string unknown_field(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& field : kEnvelopeFields) names.push_back(field.name);
  const auto near = base::nearest(name, names);
  std::string text = base::printable(name, kLongestShown) + ": is not a field of an envelope";
  if (!near.empty()) text.append("; did you mean \"").append(near).append("\"?");
  return text;
}

}  // namespace

bool is_lock_key(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_word(text.substr(0, colon), 32, "_-")) return false;
  const auto name = text.substr(colon + 1);
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '/' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

base::Result<TaskEnvelope> parse_envelope(JsonView json) {
  if (!json.is_object())
    return base::Error{base::Code::bad_request, "an envelope is a JSON object: see docs/tasks.md", {}};
  TaskEnvelope envelope;
  std::vector<std::string> faults;
  for (const auto value : json.items()) {
    const Field* field = field_named(value.key());
    if (field == nullptr) {
      faults.push_back(unknown_field(value.key()));
    } else if (auto wrong = field->read(value, envelope); !wrong.empty()) {
      faults.push_back(std::string(field->name) + ": " + wrong);
    }
  }
  for (const auto& field : kEnvelopeFields)
    if (field.required && !json[field.name].exists())
      faults.push_back(std::string(field.name) + ": is missing");
  if (!faults.empty()) {
    std::string message;
    for (const auto& fault : faults) message += (message.empty() ? "" : "\n") + fault;
    return base::Error{base::Code::bad_request, std::move(message), {}};
  }
  if (envelope.payload.size() > kMaxPayload)
    return base::Error{base::Code::too_large,
                       "payload: has " + std::to_string(envelope.payload.size()) +
                           " bytes, at most 262144 are taken; put it into a file and send its name",
                       {}};
  if (envelope.capability.empty()) envelope.capability = envelope.kind;
  return envelope;
}

Json envelope_json(const TaskEnvelope& envelope) {
  Json json = Json::object();
  json.set("version", 1).set("kind", envelope.kind);
  auto payload = Json::parse(envelope.payload);
  json.set("payload", payload ? std::move(*payload) : Json());
  json.set("capability", envelope.capability);
  if (const auto colon = envelope.target.find(':'); colon != std::string::npos)
    json.set(envelope.target.substr(0, colon), envelope.target.substr(colon + 1));
  Json locks = Json::array();
  for (const auto& lock : envelope.locks) locks.push(lock);
  json.set("locks", std::move(locks)).set("priority", envelope.priority);
  if (envelope.run_at) json.set("run_at", base::iso8601(*envelope.run_at));
  json.set("timeout", static_cast<double>(envelope.timeout.count()) / 1000);
  json.set("max_attempts", envelope.max_attempts);
  if (!envelope.idempotency_key.empty()) json.set("idempotency_key", envelope.idempotency_key);
  Json depends_on = Json::array();
  for (const auto id : envelope.depends_on) depends_on.push(number(id));
  json.set("depends_on", std::move(depends_on)).set("on_lease_loss", to_string(envelope.on_lease_loss));
  if (!envelope.actor.empty())
    json.set("actor", envelope.actor).set("actor_class", to_string(envelope.actor_class));
  if (!envelope.trace_id.empty()) json.set("trace_id", envelope.trace_id);
  return json;
}

std::string envelope_fingerprint(const TaskEnvelope& envelope) {
  TaskEnvelope content = envelope;
  content.idempotency_key.clear();
  content.run_at.reset();
  content.actor.clear();
  content.trace_id.clear();
  const std::string text = envelope_json(content).dump();
  base::Sha256 hash;  // not libcrypto's: core/ is linked into fairlead-host as well
  hash.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return base::hex(hash.digest());
}

std::string envelope_schema() {
  Json properties = Json::object(), required = Json::array();
  for (const auto& field : kEnvelopeFields) {
    auto schema = Json::parse(field.schema);
    Json property = schema ? std::move(*schema) : Json::object();
    properties.set(field.name, std::move(property.set("description", field.meaning)));
    if (field.required) required.push(field.name);
  }
  Json json = Json::object();
  json.set("$schema", "https://json-schema.org/draft/2020-12/schema");
  json.set("title", "A task as it is submitted to fairlead").set("type", "object");
  json.set("properties", std::move(properties)).set("required", std::move(required));
  json.set("not", [] {
    Json both = Json::object(), names = Json::array();
    names.push("site").push("node");
    return std::move(both.set("required", std::move(names)));
  }());
  json.set("additionalProperties", false);
  return json.dump(true) + "\n";
}

}  // namespace fairlead::core
