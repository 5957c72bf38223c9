// Who may do what: turns the credentials of a connection into a caller with a role, and the class by which
// the audit calls it.
//
// root and the daemon's own user are operators, whatever a rule says of their role. A rule for the user
// decides before rules for groups; of the groups (that of the connection and those that the user database
// lists) the one that may most counts. Whoever no rule names has no role. The user database may be slow (a
// directory server): it is asked on the thread pool, for one user at a time. Owned by app/; loop thread only.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/ports.hpp"
#include "loop/work.hpp"

namespace fairlead::api {

// What the user database knows of a uid. Empty and no groups for one that it does not know.
struct Account {
  std::string name;
  std::vector<std::uint32_t> groups;
};
using LookUp = std::function<Account(std::uint32_t uid)>;  // on a pool thread
// getpwuid_r(3) and getgrouplist(3). Blocks where the user database is slow.
Account look_up_account(std::uint32_t uid);

class Access : public core::Reloadable {
 public:
  Access(loop::Loop& loop, const core::Config& config, LookUp look_up = look_up_account);

  // Nothing: the user's groups decide, and are being looked up; ask again after `on_known`. Where the uid
  // alone decides (root, the daemon's own user, a rule for the user) the answer comes at once, though with
  // the name only when that is known: it was asked for at the start.
  std::optional<core::Caller> identify(std::uint32_t uid, std::uint32_t gid);
  void set_on_known(std::function<void()> function) { on_known_ = std::move(function); }

  std::string_view part() const override { return "api"; }
  // Nothing here can fail. The new rules hold from the commit on; the accounts are asked for anew.
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class RolesTicket;
  void use(std::vector<core::RoleRule>& rules);
  const Account* account(std::uint32_t uid);
  void look_up_next();
  const core::RoleRule* rule_for_user(std::uint32_t uid) const;
  const core::RoleRule* rule_for_groups(std::uint32_t gid, const Account& account) const;

  loop::Loop& loop_;
  std::vector<core::RoleRule> rules_;
  LookUp look_up_;
  std::map<std::uint32_t, Account> accounts_;
  std::deque<std::uint32_t>
      wanted_;  // not looked up yet; the first one is being looked up while `work_` lives
  std::unique_ptr<loop::Work> work_;
  bool outdated_ = false;  // what `work_` brings is from before the last reload
  std::function<void()> on_known_;
};

}  // namespace fairlead::api
