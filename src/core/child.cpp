#include "core/child.hpp"

namespace fairlead::core {

namespace {

constexpr const char* kNoNewPrivs = "no_new_privs";
constexpr const char* kSeccomp = "seccomp";
constexpr const char* kLandlock = "landlock";
constexpr const char* kNoNetwork = "no network";

}  // namespace

std::string SandboxLevel::text() const {
  std::string text;
  const auto add = [&](const std::string& step) { text += (text.empty() ? "" : ", ") + step; };
  if (no_new_privs) add(kNoNewPrivs);
  if (seccomp) add(kSeccomp);
  if (landlock > 0) add(kLandlock + (" " + std::to_string(landlock)));
  if (network_off) add(kNoNetwork);
  return text.empty() ? "none" : text;
}

std::vector<std::string> missing(const SandboxWish& wish, const SandboxLevel& level) {
  std::vector<std::string> steps;
  if (wish.kind == SandboxKind::none) return steps;
  if (!level.no_new_privs) steps.emplace_back(kNoNewPrivs);
  if (!level.seccomp) steps.emplace_back(kSeccomp);
  if (wish.kind == SandboxKind::strict && level.landlock == 0) steps.emplace_back(kLandlock);
  if (!wish.network && !level.network_off) steps.emplace_back(kNoNetwork);
  return steps;
}

}  // namespace fairlead::core
