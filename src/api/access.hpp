// Who may do what: turns the credentials of a connection into a caller with a role.
//
// root and the daemon's own user are operators. A rule for the user decides before rules for groups; of the
// groups (that of the connection and those that the user database lists) the one that may most counts.
// Whoever no rule names has no role. Owned by app/; loop thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/ports.hpp"

namespace fairlead::api {

// What the user database knows of a uid. Empty and no groups for one that it does not know.
struct Account {
  std::string name;
  std::vector<std::uint32_t> groups;
};
using LookUp = std::function<Account(std::uint32_t uid, std::uint32_t gid)>;
// getpwuid_r(3) and getgrouplist(3). Blocks where the user database is slow; so each uid is asked for once.
Account look_up_account(std::uint32_t uid, std::uint32_t gid);

class Access : public core::Reloadable {
 public:
  explicit Access(const core::Config& config, LookUp look_up = look_up_account);

  core::Caller identify(std::uint32_t uid, std::uint32_t gid);

  std::string_view part() const override { return "api"; }
  // Nothing here can fail. The new rules hold from the commit on; the accounts are asked for anew.
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class RolesTicket;
  const Account& account(std::uint32_t uid, std::uint32_t gid);
  core::Role role_of(std::uint32_t uid, std::uint32_t gid);

  std::vector<core::RoleRule> rules_;
  LookUp look_up_;
  std::map<std::uint32_t, Account> accounts_;
};

}  // namespace fairlead::api
