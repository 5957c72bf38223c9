#include <algorithm>

#include "base/text.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kPlaceCure =
    "use letters, digits and . _ -, up to 64, starting with a letter or digit";

// As tasks may say it (core/task_envelope.cpp).
bool is_capability(std::string_view text) {
  return is_name(text, "._-") && text.front() >= 'a' && text.front() <= 'z' && base::lower(text) == text;
}

void read_place(SectionReader& reader, std::string_view key, Problems& problems, std::string& into) {
  if (reader.text(key, into) && !is_name(into, "._-"))
    problems.add(reader.find(key)->value->at,
                 in_quotes(into) + " cannot name a " + std::string(key == "name" ? "worker" : key),
                 std::string(kPlaceCure));
}

void read_worker_name(SectionReader& reader, const Node& node, const Reading& reading,
                      core::WorkerSettings& worker) {
  read_place(reader, "name", reading.problems, worker.name);
  if (!reader.has("name")) {
    worker.name = reading.here.machine;
    if (!is_name(worker.name, "._-"))
      reading.problems.add(
          node.at,
          "the worker has no name, and the host name " + in_quotes(worker.name) + " is not fit for one",
          "add name: NAME to worker");
  }
  read_place(reader, "site", reading.problems, worker.site);
  worker.node = worker.name;
  read_place(reader, "node", reading.problems, worker.node);
}

void read_capabilities(SectionReader& reader, const Reading& reading, core::WorkerSettings& worker) {
  worker.capabilities = reader.has("capabilities") ? read_texts(reader, "capabilities", reading.problems)
                                                   : kinds_of(reading.config.executors);
  for (const auto& capability : worker.capabilities)
    if (!is_capability(capability))
      reading.problems.add(reader.find("capabilities")->value->at,
                           in_quotes(capability) + " cannot name a capability",
                           "use a-z, 0-9 and . _ -, up to 64, starting with a letter");
  std::sort(worker.capabilities.begin(), worker.capabilities.end());
  const auto twice = std::unique(worker.capabilities.begin(), worker.capabilities.end());
  worker.capabilities.erase(twice, worker.capabilities.end());
}

// `concurrency`: the worker's, or the most that it can be where it is wrong, which is told already.
void read_share(const Entry& entry, std::int64_t concurrency, Problems& problems,
                core::WorkerSettings& worker) {
  const std::vector<std::string_view> names(worker.capabilities.begin(), worker.capabilities.end());
  if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
    const auto near = base::nearest(entry.key, names);
    problems.add(
        entry.at, in_quotes(entry.key) + " is not among the worker's capabilities",
        near.empty() ? "add it to capabilities, or remove it here" : "did you mean " + in_quotes(near) + "?");
    return;
  }
  const Key& whole = *kWorkerSection.find("concurrency");
  const Key key{entry.key, Type::integer, "", whole.low, whole.high, "", ""};
  const auto count = read_integer(*entry.value, key, problems);
  if (!count) return;
  if (*count > concurrency)
    problems.add(
        entry.value->at,
        in_quotes(entry.key) + " is above the worker's concurrency of " + std::to_string(concurrency),
        "lower it, or raise concurrency");
  worker.per_capability.emplace(entry.key, static_cast<int>(*count));
}

}  // namespace

core::QueueSettings read_queue(const Node& node, Problems& problems) {
  SectionReader reader(kQueueSection, node, problems);
  core::QueueSettings queue;
  reader.duration("history_age", queue.history_age);
  reader.integer("history_count", queue.history_count);
  reader.duration("key_memory", queue.key_memory);
  reader.duration("stuck_after", queue.stuck_after);
  reader.finish();
  return queue;
}

core::WorkerSettings read_worker(const Node& node, const Reading& reading) {
  SectionReader reader(kWorkerSection, node, reading.problems);
  core::WorkerSettings worker;
  worker.enabled = true;
  read_worker_name(reader, node, reading, worker);
  read_capabilities(reader, reading, worker);
  const bool good = reader.integer("concurrency", worker.concurrency) || !reader.has("concurrency");
  const std::int64_t concurrency = good ? worker.concurrency : kWorkerSection.find("concurrency")->high;
  if (const Node* shares = reader.below("per_capability"))
    for (const Entry& entry : shares->entries) read_share(entry, concurrency, reading.problems, worker);
  reader.duration("lease", worker.lease);
  reader.duration("stop_deadline", worker.stop_deadline);
  reader.finish();
  return worker;
}

}  // namespace fairlead::config
