#include "cli/task_envelopes.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"

namespace fairlead::cli {

namespace {

using base::Code;
using base::Error;
using base::Json;
using base::Result;

// The kinds whose words are a payload {KEY: first, "args": [the others]}.
struct WordKind {
  std::string_view kind;
  std::string_view key;
};
constexpr WordKind kWordKinds[] = {{"script", "program"}, {"run_bash", "text"}, {"run_python", "text"}};

void set_text(Json& envelope, const char* key, const std::string& text) {
  if (!text.empty()) envelope.set(key, text);
}

// A number goes as one; anything else as the text it is, for the daemon to say what is wrong with it.
Json number_or_text(const std::string& text) {
  const auto number = base::parse_unsigned(text);
  return number ? Json(*number) : Json(text);
}

Result<Json> parse_payload(const std::string& payload, std::istream& input) {
  const bool named = payload.front() == '@';
  const std::string where = named ? payload.substr(1) : payload == "-" ? payload : std::string();
  std::string text = payload;
  if (!where.empty()) {
    auto read = read_source(where, input);
    if (!read) return read.error();
    text = std::move(*read);
  }
  auto json = Json::parse(text);
  if (json) return json;
  std::string from = where.empty() ? "--payload" : where == "-" ? "standard input" : where;
  std::string cure = where.empty() ? "; a text is written '\"text\"', and a file is named with @FILE" : "";
  return Error{Code::bad_request, from + ": " + json.error().message + cure, {}};
}

Result<Json> payload_of_words(const EnvelopeOptions& options) {
  const auto* known = std::find_if(std::begin(kWordKinds), std::end(kWordKinds),
                                   [&](const WordKind& word) { return word.kind == options.kind; });
  const auto shown = "`" + base::printable(options.kind, 64) + "`";
  if (known == std::end(kWordKinds))
    return Error{Code::bad_request, shown + " takes no words after it: give its payload with --payload", {}};
  if (!options.payload.empty())
    return Error{Code::bad_request, "the words after " + shown + " are its payload: leave --payload out", {}};
  Json args = Json::array(), payload = Json::object();
  for (std::size_t i = 1; i < options.words.size(); ++i) args.push(options.words[i]);
  payload.set(known->key, options.words.front());
  if (options.words.size() > 1) payload.set("args", std::move(args));
  return payload;
}

Result<std::string> start_time(const EnvelopeOptions& options, base::WallTime now) {
  if (options.in.empty()) return options.at;
  const auto wait = base::parse_duration(options.in);
  if (!wait) return Error{Code::bad_request, "--in is a time such as 30s, 10m or 2h", {}};
  return base::iso8601(now + *wait);
}

Error at_line(const std::string& where, std::size_t line, const std::string& message) {
  return {Code::bad_request, message, where + ":" + std::to_string(line)};
}

Result<std::vector<Json>> read_lines(const std::string& text, const std::string& where) {
  std::vector<Json> envelopes;
  std::size_t number = 0;
  for (const auto line : base::split(text, '\n')) {
    ++number;
    if (base::trim(line).empty()) continue;
    auto json = Json::parse(line);
    if (!json) return at_line(where, number, json.error().message);
    if (!json->view().is_object()) return at_line(where, number, "is no envelope: a JSON object is");
    envelopes.push_back(std::move(*json));
  }
  return envelopes;
}

}  // namespace

Result<std::string> read_source(const std::string& path, std::istream& input) {
  if (path != "-") return base::read_file(path);
  return std::string(std::istreambuf_iterator<char>(input), {});
}

Result<Json> make_envelope(const EnvelopeOptions& options, std::istream& input, base::WallTime now) {
  Json envelope = Json::object();
  envelope.set("version", 1).set("kind", options.kind);
  if (!options.words.empty() || !options.payload.empty()) {
    auto payload = options.words.empty() ? parse_payload(options.payload, input) : payload_of_words(options);
    if (!payload) return payload.error();
    envelope.set("payload", std::move(*payload));
  }
  const auto run_at = start_time(options, now);
  if (!run_at) return run_at.error();
  set_text(envelope, "capability", options.capability);
  set_text(envelope, "site", options.site);
  set_text(envelope, "node", options.node);
  set_text(envelope, "run_at", *run_at);
  set_text(envelope, "timeout", options.timeout);
  set_text(envelope, "idempotency_key", options.key);
  set_text(envelope, "on_lease_loss", options.on_lease_loss);
  if (!options.priority.empty()) envelope.set("priority", number_or_text(options.priority));
  if (!options.max_attempts.empty()) envelope.set("max_attempts", number_or_text(options.max_attempts));
  Json locks = Json::array(), after = Json::array();
  for (const auto& lock : options.locks) locks.push(lock);
  for (const auto& id : options.after) after.push(number_or_text(id));
  if (!options.locks.empty()) envelope.set("locks", std::move(locks));
  if (!options.after.empty()) envelope.set("depends_on", std::move(after));
  return envelope;
}

Result<std::vector<Json>> read_envelopes(const std::string& text, const std::string& where) {
  auto whole = Json::parse(text);
  // An object on each line is no JSON as a whole, but its first line is.
  if (!whole) {
    const auto first = base::trim(text).substr(0, base::trim(text).find('\n'));
    if (Json::parse(first)) return read_lines(text, where);
    return Error{Code::bad_request, whole.error().message, where};
  }
  std::vector<Json> envelopes;
  if (whole->view().is_object()) {
    envelopes.push_back(std::move(*whole));
    return envelopes;
  }
  for (const auto item : whole->view().items()) envelopes.push_back(Json::copy(item));
  if (envelopes.empty()) return Error{Code::bad_request, "holds no envelopes", where};
  return envelopes;
}

}  // namespace fairlead::cli
