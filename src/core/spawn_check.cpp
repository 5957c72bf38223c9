// check_spec() of core/spawn_protocol.hpp: what a child can be started with.
#include <algorithm>
#include <string_view>
#include <utility>

#include "core/spawn_protocol.hpp"

namespace fairlead::core {

namespace {

constexpr std::uint64_t kMaxLimit = std::uint64_t{1} << 53;  // what a number in JSON carries

base::Error impossible(std::string what) {
  return {base::Code::bad_request, std::move(what), {}};
}

bool holds_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') && path.size() < kMaxChildPath && !holds_nul(path);
}

bool is_variable(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos && !holds_nul(name);
}

bool names(const std::vector<std::pair<std::string, std::string>>& environment, const std::string& wanted) {
  return std::any_of(environment.begin(), environment.end(),
                     [&](const auto& entry) { return entry.first == wanted; });
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

base::Result<> check_program(const ChildSpec& spec) {
  if (spec.argv.empty()) return impossible("argv is empty");
  if (spec.program.empty() && !spec.argv[0].starts_with('/'))
    return impossible("argv[0] wants an absolute path");
  if (!spec.program.empty() && !is_absolute(spec.program))
    return impossible("program wants an absolute path");
  for (const auto& word : spec.argv)
    if (holds_nul(word)) return impossible("argv holds a NUL byte");
  if (!spec.sha256.empty() && !is_sha256(spec.sha256))
    return impossible("sha256 wants 64 lower-case hexadecimal digits");
  return base::success();
}

base::Result<> check_environment(const ChildSpec& spec) {
  for (const auto& [name, value] : spec.environment) {
    if (!is_variable(name)) return impossible("a name in the environment is not one");
    if (holds_nul(value)) return impossible("the environment holds a NUL byte");
  }
  if (!spec.input_file.empty() && !is_variable(spec.input_file))
    return impossible("input_file wants a name for the environment");
  if (!spec.private_folder.empty() && !is_variable(spec.private_folder))
    return impossible("private_folder wants a name for the environment");
  for (const auto& name : {spec.input_file, spec.private_folder})
    if (!name.empty() && (spec.input_file == spec.private_folder || names(spec.environment, name)))
      return impossible("the environment names " + name + " twice");
  if (!is_absolute(spec.private_in)) return impossible("private_in wants an absolute path");
  return base::success();
}

base::Result<> check_limits(const ChildLimits& limits) {
  for (const auto value :
       {limits.cpu_seconds, limits.address_space, limits.file_size, limits.open_files, limits.processes})
    if (value > kMaxLimit) return impossible("a limit is out of range");
  return base::success();
}

base::Result<> check_sandbox(const SandboxWish& wish) {
  const bool strict = wish.kind == SandboxKind::strict;
  if (wish.kind == SandboxKind::none && (!wish.network || wish.required))
    return impossible("a sandbox of kind none leaves the network on and requires nothing");
  if (!strict && (!wish.writable.empty() || wish.folder_writable))
    return impossible("writable folders are for a sandbox of kind strict");
  if (wish.writable.size() > kMaxWritable) return impossible("more than 64 writable folders");
  for (const auto& path : wish.writable)
    if (!is_absolute(path)) return impossible("writable wants absolute paths");
  return base::success();
}

}  // namespace

base::Result<> check_spec(const ChildSpec& spec) {
  if (auto good = check_program(spec); !good) return good;
  if (auto good = check_environment(spec); !good) return good;
  if (auto good = check_limits(spec.limits); !good) return good;
  if (auto good = check_sandbox(spec.sandbox); !good) return good;
  if (!spec.folder.starts_with('/') || holds_nul(spec.folder))
    return impossible("folder wants an absolute path");
  if (spec.input.size() > kMaxChildInput) return impossible("input is longer than 1 MiB");
  if (spec.timeout <= base::Millis(0) || spec.timeout > kMaxChildTimeout)
    return impossible("timeout is out of range");
  if (spec.grace < base::Millis(0) || spec.grace > kMaxChildGrace) return impossible("grace is out of range");
  if (spec.output_head > kMaxChildOutput || spec.output_tail > kMaxChildOutput)
    return impossible("more than 1 MiB of output to keep");
  return base::success();
}

}  // namespace fairlead::core
