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

std::string caller_name(std::uint32_t uid, const Account* account) {
  std::string name = "uid:" + std::to_string(uid);
  if (account != nullptr && !account->name.empty()) name += "(" + account->name + ")";
  return name;
}

}  // namespace

Account look_up_account(std::uint32_t uid) {
  Account account;
  std::array<char, 16384> memory{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr)
    return account;
  account.name = entry.pw_name;
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
    if (count <= static_cast<int>(groups.size()) || count > kMaxGroups) return account;
    groups.resize(static_cast<std::size_t>(count));
  }
  account.groups.assign(groups.begin(), groups.begin() + count);
  return account;
}

// The rules that take the place of the present ones.
class Access::RolesTicket : public core::Ticket {
 public:
  RolesTicket(Access& access, std::vector<core::RoleRule> rules)
      : access_(access), rules_(std::move(rules)) {}
  void commit() noexcept override { access_.use(rules_); }

 private:
  Access& access_;
  std::vector<core::RoleRule> rules_;
};

Access::Access(loop::Loop& loop, const core::Config& config, LookUp look_up)
    : loop_(loop), look_up_(std::move(look_up)) {
  std::vector<core::RoleRule> rules = config.roles;
  use(rules);
}

base::Result<std::unique_ptr<core::Ticket>> Access::prepare(const core::ConfigPtr& next) {
  return std::unique_ptr<core::Ticket>(std::make_unique<RolesTicket>(*this, next->roles));
}

void Access::use(std::vector<core::RoleRule>& rules) {
  rules_.swap(rules);
  accounts_.clear();
  outdated_ =
      work_ != nullptr;  // not dropped: its thread would stay taken, and each reload could take one more
  // Those who need not wait for their name should have one all the same.
  (void)account(0);
  (void)account(::geteuid());
  for (const auto& rule : rules_)
    if (!rule.is_group) (void)account(rule.id);
  look_up_next();
}

const Account* Access::account(std::uint32_t uid) {
  const auto known = accounts_.find(uid);
  if (known != accounts_.end()) return &known->second;
  const bool waits = std::find(wanted_.begin(), wanted_.end(), uid) != wanted_.end();
  if (!waits && wanted_.size() < kMaxAccounts) wanted_.push_back(uid);  // else it is asked for again
  look_up_next();
  return nullptr;
}

void Access::look_up_next() {
  if (work_ || wanted_.empty()) return;
  const std::uint32_t uid = wanted_.front();
  work_ = loop::submit<Account>(
      loop_, "account", [look_up = look_up_, uid] { return look_up(uid); },
      [this, uid](Account account) {
        work_.reset();
        if (std::exchange(outdated_, false)) return look_up_next();
        wanted_.pop_front();
        if (accounts_.size() >= kMaxAccounts) accounts_.clear();
        accounts_[uid] = std::move(account);
        look_up_next();
        if (on_known_) on_known_();
      });
}

const core::RoleRule* Access::rule_for_user(std::uint32_t uid) const {
  for (const auto& rule : rules_)
    if (!rule.is_group && rule.id == uid) return &rule;
  return nullptr;
}

const core::RoleRule* Access::rule_for_groups(std::uint32_t gid, const Account& account) const {
  const auto& groups = account.groups;
  const core::RoleRule* best = nullptr;
  for (const auto& rule : rules_) {
    if (!rule.is_group) continue;
    const bool member = rule.id == gid || std::find(groups.begin(), groups.end(), rule.id) != groups.end();
    if (member && (best == nullptr || rule.role > best->role)) best = &rule;  // viewer < operator
  }
  return best;
}

std::optional<core::Caller> Access::identify(std::uint32_t uid, std::uint32_t gid) {
  const Account* known = account(uid);
  const bool always = uid == 0 || uid == ::geteuid();
  const core::RoleRule* rule = rule_for_user(uid);
  if (rule == nullptr && !always) {
    if (known == nullptr) return std::nullopt;
    rule = rule_for_groups(gid, *known);
  }
  core::Caller caller{uid, gid, caller_name(uid, known)};
  if (rule != nullptr) caller.role = rule->role;
  if (rule != nullptr) caller.caller_class = rule->caller_class;
  if (always) caller.role = core::Role::operator_;
  return caller;
}

}  // namespace fairlead::api
