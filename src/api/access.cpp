#include "api/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::api {

namespace {

constexpr std::size_t kMaxAccounts = 1024;  // user namespaces can show many uids; then the cache starts anew
constexpr int kMaxGroups = 65536;           // NGROUPS_MAX

std::string caller_name(std::uint32_t uid, const Account& account) {
  std::string name = "uid:" + std::to_string(uid);
  if (!account.name.empty()) name += "(" + account.name + ")";
  return name;
}

}  // namespace

Account look_up_account(std::uint32_t uid, std::uint32_t gid) {
  Account account;
  std::array<char, 16384> memory{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr)
    return account;
  account.name = entry.pw_name;
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(entry.pw_name, gid, groups.data(), &count) < 0) {
    if (count <= static_cast<int>(groups.size()) || count > kMaxGroups) return account;
    groups.resize(static_cast<std::size_t>(count));
  }
  account.groups.assign(groups.begin(), groups.begin() + count);
  return account;
}

// The rules and accounts that take the place of the present ones.
class Access::RolesTicket : public core::Ticket {
 public:
  RolesTicket(Access& access, std::vector<core::RoleRule> rules)
      : access_(access), rules_(std::move(rules)) {}
  void commit() noexcept override {
    access_.rules_.swap(rules_);
    access_.accounts_.clear();
  }

 private:
  Access& access_;
  std::vector<core::RoleRule> rules_;
};

Access::Access(const core::Config& config, LookUp look_up)
    : rules_(config.roles), look_up_(std::move(look_up)) {}

base::Result<std::unique_ptr<core::Ticket>> Access::prepare(const core::ConfigPtr& next) {
  return std::unique_ptr<core::Ticket>(std::make_unique<RolesTicket>(*this, next->roles));
}

const Account& Access::account(std::uint32_t uid, std::uint32_t gid) {
  const auto known = accounts_.find(uid);
  if (known != accounts_.end()) return known->second;
  if (accounts_.size() >= kMaxAccounts) accounts_.clear();
  return accounts_.emplace(uid, look_up_(uid, gid)).first->second;
}

core::Role Access::role_of(std::uint32_t uid, std::uint32_t gid) {
  if (uid == 0 || uid == ::geteuid()) return core::Role::operator_;
  for (const auto& rule : rules_)
    if (!rule.is_group && rule.id == uid) return rule.role;
  const auto& groups = account(uid, gid).groups;
  core::Role role = core::Role::none;
  for (const auto& rule : rules_) {
    if (!rule.is_group) continue;
    const bool member = rule.id == gid || std::find(groups.begin(), groups.end(), rule.id) != groups.end();
    if (member) role = std::max(role, rule.role);  // none < viewer < operator
  }
  return role;
}

core::Caller Access::identify(std::uint32_t uid, std::uint32_t gid) {
  return {uid, gid, caller_name(uid, account(uid, gid)), role_of(uid, gid)};
}

}  // namespace fairlead::api
