#include <algorithm>

#include "base/text.hpp"
#include "config/read_parts.hpp"
#include "core/secrets.hpp"

namespace fairlead::config {

namespace {

constexpr std::size_t kMostVariables = 64;
constexpr std::string_view kVariableCure = "use letters, digits and _, up to 64, not starting with a digit";

bool is_variable(std::string_view text) {
  const bool digit_first = !text.empty() && text.front() >= '0' && text.front() <= '9';
  std::string rest(text);  // is_name() wants a letter or digit in front
  std::replace(rest.begin(), rest.end(), '_', 'x');
  return is_name(rest, "") && !digit_first;
}

// Reports what cannot be a variable of a program; `at` is its place.
bool check_variable(const std::string& name, Position at, Problems& problems) {
  if (!is_variable(name)) {
    problems.add(at, in_quotes(name) + " cannot name a variable", std::string(kVariableCure));
  } else if (name.starts_with("FAIRLEAD_")) {
    problems.add(at, "fairlead sets the variables FAIRLEAD_… itself: " + in_quotes(name), "use another name");
  } else {
    return true;
  }
  return false;
}

void read_variable(const Entry& entry, Problems& problems, core::ProgramSettings& program) {
  if (!check_variable(entry.key, entry.at, problems)) return;
  auto value = read_text(*entry.value, entry.key, problems);
  if (!value) return;
  // The path of a file that holds a secret is none.
  if (core::names_secret(entry.key) && !value->starts_with('/')) {
    problems.add(
        entry.at,
        "the variable " + in_quotes(entry.key) + " would hold a secret, and this file is no place for it",
        "put it into a file that the program reads, and pass that file's absolute path");
    return;
  }
  program.environment.emplace_back(entry.key, std::move(*value));
}

void read_environment(SectionReader& reader, Problems& problems, core::ProgramSettings& program) {
  if (const Node* env = reader.below("env")) {
    if (env->entries.size() > kMostVariables)
      problems.add(env->at, "\"env\" has more than " + std::to_string(kMostVariables) + " variables",
                   "shorten it");
    for (const Entry& entry : env->entries) read_variable(entry, problems, program);
  }
  program.inherit = read_texts(reader, "inherit", problems);
  for (const std::string& name : program.inherit) {
    const Position at = reader.find("inherit")->value->at;
    const auto same = [&](const auto& variable) { return variable.first == name; };
    if (check_variable(name, at, problems) &&
        std::any_of(program.environment.begin(), program.environment.end(), same))
      problems.add(at, in_quotes(name) + " is in both env and inherit", "keep one of the two");
  }
}

core::ProgramLimits read_limits(const Node& node, Problems& problems) {
  SectionReader reader(kLimitsSection, node, problems);
  core::ProgramLimits limits;
  base::Millis cpu{0};
  reader.duration("cpu", cpu);
  limits.cpu_seconds = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(cpu).count());
  reader.size("memory", limits.memory_bytes);
  reader.size("file", limits.file_bytes);
  reader.integer("open_files", limits.open_files);
  reader.integer("processes", limits.processes);
  reader.finish();
  return limits;
}

void read_sandbox(SectionReader& reader, const Reading& reading, core::ProgramSettings& program) {
  reader.boolean("sandbox", program.sandbox);
  reader.boolean("network", program.network);
  for (const std::string& written : read_texts(reader, "writable", reading.problems)) {
    if (auto path = reading.paths.resolve(written))
      program.writable.push_back(std::move(*path));
    else
      reading.problems.add(reader.find("writable")->value->at,
                           in_quotes(written) + ": only your own `~/` is understood",
                           "write the absolute path");
  }
  if (program.sandbox) return;
  if (!program.network)
    reading.problems.add(reader.find("network")->value->at, "without its sandbox a program has the network",
                         "remove sandbox: false, or network: false");
  if (!program.writable.empty())
    reading.problems.add(reader.find("writable")->value->at,
                         "without its sandbox a program may write everywhere that its user may",
                         "remove sandbox: false, or writable");
}

core::ProgramSettings read_program_settings(SectionReader& reader, const Reading& reading) {
  core::ProgramSettings program;
  read_environment(reader, reading.problems, program);
  read_path(reader, "folder", reading.paths, reading.problems, program.folder);
  if (const auto input = reader.choice("input"))
    program.input = *input == "file" ? core::TaskInput::file : core::TaskInput::standard_input;
  std::uint64_t output = program.output_bytes;
  reader.size("output", output);
  program.output_bytes = output;
  reader.duration("grace", program.grace);
  if (const Node* limits = reader.below("limits")) program.limits = read_limits(*limits, reading.problems);
  read_sandbox(reader, reading, program);
  return program;
}

void read_sha256(SectionReader& reader, const Entry& entry, Problems& problems, core::ScriptProgram& script) {
  std::string digits;
  if (reader.text("sha256", digits)) {
    script.sha256 = base::lower(digits);
    const bool hex = script.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (script.sha256.size() != 64 || !hex)
      problems.add(reader.find("sha256")->value->at,
                   in_quotes(digits) + " is not a SHA-256: 64 hexadecimal digits",
                   "write what sha256sum prints for the program's file");
  } else if (!reader.has("sha256")) {
    problems.add(entry.at, "program " + in_quotes(entry.key) + " has no sha256",
                 script.path.empty()
                     ? "add what sha256sum prints for its file"
                     : "add what this prints: sha256sum " + base::printable(script.path, 200));
  }
}

core::ScriptProgram read_program(const Entry& entry, const Reading& reading) {
  core::ScriptProgram script;
  const Node& node = *entry.value;
  if (node.kind == NodeKind::broken) return script;
  if (!is_name(entry.key, "._-"))
    reading.problems.add(entry.at, in_quotes(entry.key) + " cannot name a program",
                         "use letters, digits and . _ -, up to 64, starting with a letter or digit");
  SectionReader reader(kProgramSection, node, reading.problems);
  if (node.kind != NodeKind::map && node.kind != NodeKind::null) return script;
  read_path(reader, "path", reading.paths, reading.problems, script.path);
  if (!reader.has("path"))
    reading.problems.add(entry.at, "program " + in_quotes(entry.key) + " has no path",
                         "add path: where it is");
  read_sha256(reader, entry, reading.problems, script);
  script.args = read_texts(reader, "args", reading.problems);
  reader.boolean("accepts_args", script.accepts_args);
  script.program = read_program_settings(reader, reading);
  reader.finish();
  return script;
}

void read_script(const Node& node, const Reading& reading, core::ExecutorSettings& executors) {
  SectionReader reader(kScriptSection, node, reading.problems);
  const Node* programs = reader.below("programs");
  if (!reader.has("programs") || (programs && programs->entries.empty()))
    reading.problems.add(node.at, "executors.script has no programs",
                         "add programs: {NAME: {path: …, sha256: …}}");
  if (programs)
    for (const Entry& entry : programs->entries)
      executors.scripts.emplace(entry.key, read_program(entry, reading));
  reader.finish();
}

std::optional<core::ProgramSettings> read_inline(SectionReader& parent, std::string_view key,
                                                 const Reading& reading) {
  const Node* node = parent.below(key);
  if (!node) return std::nullopt;
  SectionReader reader(kInlineSection, *node, reading.problems);
  auto program = read_program_settings(reader, reading);
  reader.finish();
  return program;
}

// An executor without keys.
bool read_allowed(SectionReader& parent, std::string_view key, Problems& problems) {
  const Node* node = parent.below(key);
  if (node && !node->entries.empty())
    problems.add(node->entries.front().at, "executors." + std::string(key) + " has no keys of its own",
                 "write " + std::string(key) + ": {}");
  return node != nullptr;
}

}  // namespace

std::vector<std::string> kinds_of(const core::ExecutorSettings& executors) {
  std::vector<std::string> kinds;
  if (executors.noop) kinds.emplace_back("noop");
  if (executors.run_bash) kinds.emplace_back("run_bash");
  if (executors.run_python) kinds.emplace_back("run_python");
  if (!executors.scripts.empty()) kinds.emplace_back("script");
  if (executors.sleep) kinds.emplace_back("sleep");
  return kinds;
}

core::ExecutorSettings read_executors(const Node& node, const Reading& reading) {
  SectionReader reader(kExecutorsSection, node, reading.problems);
  core::ExecutorSettings executors;
  if (const Node* script = reader.below("script")) read_script(*script, reading, executors);
  executors.run_bash = read_inline(reader, "run_bash", reading);
  executors.run_python = read_inline(reader, "run_python", reading);
  executors.noop = read_allowed(reader, "noop", reading.problems);
  executors.sleep = read_allowed(reader, "sleep", reading.problems);
  if (node.entries.empty())
    reading.problems.add(node.at, "executors allows nothing", "add one, such as script: {programs: …}");
  reader.finish();
  return executors;
}

}  // namespace fairlead::config
