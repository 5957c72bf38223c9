#include "host/child_setup.hpp"

#include <utility>

#include "host/landlock.hpp"
#include "host/private_folder.hpp"
#include "host/task_filter.hpp"

namespace fairlead::host {

namespace {

// What programs write to without meaning a file.
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

base::Error lacks(const std::string& what) {
  return {
      base::Code::unsupported, "this machine has no " + what + ", which the child's sandbox requires", {}};
}

base::Result<base::UniqueFd> make_rules(const core::ChildSpec& spec, const std::string& private_folder) {
  const bool off = !spec.sandbox.network;
  auto rules =
      landlock_rules({kWritingRights, off ? kTcp : 0, off ? kScopeSignals | kScopeAbstract : kScopeSignals});
  if (!rules) {
    if (spec.sandbox.required) return rules.error();
    return base::UniqueFd();
  }
  for (const char* device : kDevices) (void)landlock_allow(rules->get(), device, kWritingRights);
  auto writable = spec.sandbox.writable;
  if (spec.sandbox.folder_writable) writable.push_back(spec.folder);
  if (!private_folder.empty()) writable.push_back(private_folder);
  for (const auto& path : writable)
    if (auto allowed = landlock_allow(rules->get(), path, kWritingRights); !allowed) return allowed.error();
  return rules;
}

base::Result<> set_up_sandbox(const core::ChildSpec& spec, const std::string& private_folder,
                              ChildSetup& setup) {
  const auto& wish = spec.sandbox;
  if (wish.kind == core::SandboxKind::none) return base::success();
  setup.filter = task_filter(wish.network);
  if (setup.filter == nullptr && wish.required) return lacks("filter for system calls (seccomp)");
  if (wish.kind != core::SandboxKind::strict) return base::success();
  setup.rules_version = landlock_version();
  if (setup.rules_version == 0) {
    if (wish.required) return lacks("Landlock (Linux 5.13 or newer, with lsm=landlock,… where it is not on)");
    return base::success();
  }
  auto rules = make_rules(spec, private_folder);
  if (!rules) return rules.error();
  setup.rules = std::move(*rules);
  return base::success();
}

std::vector<std::string> variables(const core::ChildSpec& spec, const std::string& private_folder) {
  std::vector<std::string> list;
  const auto add = [&](const std::string& name, const std::string& value) {
    list.emplace_back(name).append("=").append(value);
  };
  for (const auto& [name, value] : spec.environment) add(name, value);
  if (!spec.private_folder.empty()) add(spec.private_folder, private_folder);
  if (!spec.input_file.empty()) add(spec.input_file, input_path(private_folder));
  return list;
}

}  // namespace

base::Result<ChildSetup> set_up_child(const core::ChildSpec& spec, const std::string& private_folder,
                                      const std::function<bool()>& stop) {
  ChildSetup setup;
  setup.environment = variables(spec, private_folder);
  if (auto done = set_up_sandbox(spec, private_folder, setup); !done) return done.error();
  if (!spec.sha256.empty()) {
    auto program = open_program(spec.path(), spec.sha256, stop);
    if (!program) return program.error();
    setup.program = std::move(*program);
  }
  if (!spec.input_file.empty())
    if (auto written = write_input(private_folder, spec.input); !written) return written.error();
  return setup;
}

}  // namespace fairlead::host
