#include <algorithm>

#include "base/text.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

constexpr std::size_t kMostName = 64;
// sockaddr_un's path holds 108 bytes with its end; "/control.sock" follows the folder.
constexpr std::size_t kMostRuntimeDir = 107 - 13;

void read_version(SectionReader& reader, Problems& problems) {
  const Entry* entry = reader.find("version");
  if (!entry) return;
  const auto number = base::parse_unsigned(entry->value->text);
  if (entry->value->kind == NodeKind::text && number && *number > 1) {
    problems.add(entry->value->at,
                 "version " + base::printable(entry->value->text, 20) +
                     " of the configuration needs a newer fairlead; this one reads version 1",
                 "update fairlead, or write version: 1");
    return;
  }
  int version = 1;
  reader.integer("version", version);
}

void read_log(const Node& node, Problems& problems, core::Config& config) {
  SectionReader reader(kLogSection, node, problems);
  if (const auto level = reader.choice("level")) config.log_level = *base::parse_level(*level);
  if (const auto format = reader.choice("format"))
    config.log_format = *format == "json" ? base::LogFormat::json_lines : base::LogFormat::key_value;
  reader.finish();
}

void read_actor(const Entry& entry, Problems& problems, core::Config& config) {
  if (!is_name(entry.key, "._-@:+/"))
    problems.add(entry.at, in_quotes(entry.key) + " cannot name an actor",
                 "use letters, digits and . _ - @ : + /, up to 64, starting with a letter or digit");
  SectionReader reader(kActorSection, *entry.value, problems);
  core::Actor actor;
  actor.name = entry.key;
  if (const auto value = reader.choice("class"))
    actor.actor_class = *value == "human" ? core::ActorClass::human : core::ActorClass::automation;
  reader.prose("description", actor.description);
  reader.finish();
  config.actors.emplace(actor.name, std::move(actor));
}

void read_folders(SectionReader& reader, const PathRules& paths, Problems& problems, core::Config& config) {
  config.state_dir = paths.state_dir();
  read_path(reader, "state_dir", paths, problems, config.state_dir);
  config.runtime_dir = paths.runtime_dir(config.state_dir);
  read_path(reader, "runtime_dir", paths, problems, config.runtime_dir);
  if (config.runtime_dir.size() <= kMostRuntimeDir) return;
  const Entry* entry = reader.find("runtime_dir");
  problems.add(
      entry ? entry->value->at : Position{1, 1},
      "the runtime folder's path is too long for a socket: " + base::printable(config.runtime_dir, 200),
      "set runtime_dir to a path of up to " + std::to_string(kMostRuntimeDir) + " bytes");
}

// The queue and who works on it.
void read_work(SectionReader& reader, const Reading& reading, core::Config& config) {
  if (const Node* queue = reader.below("queue")) config.queue = read_queue(*queue, reading.problems);
  const Node* executors = reader.below("executors");
  if (executors) config.executors = read_executors(*executors, reading);
  const Node* worker = reader.below("worker");
  if (worker) config.worker = read_worker(*worker, reading);
  if (worker && !reader.has("executors"))
    reading.problems.add(worker->at, "the worker has no executors, so it could do nothing",
                         "add executors: {script: {programs: …}}, or remove worker");
  if (executors && !reader.has("worker"))
    reading.problems.add(executors->at, "nobody would use the executors: there is no worker",
                         "add worker: {}, or remove executors");
}

}  // namespace

bool is_name(std::string_view text, std::string_view also) {
  const auto letter_or_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto allowed = [&](char c) { return letter_or_digit(c) || also.find(c) != std::string_view::npos; };
  return !text.empty() && text.size() <= kMostName && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool read_path(SectionReader& reader, std::string_view key, const PathRules& paths, Problems& problems,
               std::string& into) {
  std::string written;
  if (!reader.text(key, written)) return false;
  const auto resolved = paths.resolve(written);
  if (!resolved) {
    problems.add(reader.find(key)->value->at, in_quotes(written) + ": only your own `~/` is understood",
                 "write the absolute path");
    return false;
  }
  into = *resolved;
  return true;
}

void read_file_section(const Node& root, const Surroundings& here, const PathRules& paths, Problems& problems,
                       core::Config& config) {
  SectionReader reader(kFileSection, root, problems);
  if (root.kind != NodeKind::map) return;
  read_version(reader, problems);
  read_folders(reader, paths, problems, config);
  if (const Node* log = reader.below("log")) read_log(*log, problems, config);
  if (const Node* api = reader.below("api")) read_api(*api, problems, config.roles);
  if (const Node* notify = reader.below("notify")) config.notify = read_notify(*notify, paths, problems);
  config.policy.folder = paths.hooks_dir();
  if (const Node* policy = reader.below("policy")) config.policy = read_policy(*policy, paths, problems);
  if (const Node* actors = reader.below("actors"))
    for (const Entry& entry : actors->entries) read_actor(entry, problems, config);
  const Node* tunnels = reader.below("tunnels");
  if (!reader.has("tunnels"))
    problems.add(root.at, "the file has no tunnels", "add tunnels: (or tunnels: {} if none are meant)");
  ListenClaims claims(problems);
  const Reading reading{problems, paths, here, config, claims};
  if (tunnels)
    for (const Entry& entry : tunnels->entries)
      config.tunnels.emplace(entry.key, read_tunnel(entry, reading));
  config.store = read_store(reader, reading);
  read_work(reader, reading, config);
  reader.finish(true);
}

}  // namespace fairlead::config
