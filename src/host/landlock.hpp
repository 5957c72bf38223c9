// Landlock, landlock(7), by its bare system calls: for the policy process and for sandboxed children. What a
// kernel's version does not know is left out, so that the rest still holds.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::host {

// What a set of rules takes away, but where a rule gives it back. The bits are the kernel's.
struct LandlockRights {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scope = 0;
};
extern const std::uint64_t kEveryFileRight;  // reading, executing, writing, making, removing
extern const std::uint64_t kWritingRights;   // all of these but reading and executing
extern const std::uint64_t kTcp;             // bind and connect
extern const std::uint64_t kScopeSignals;    // to processes outside
extern const std::uint64_t kScopeAbstract;   // abstract UNIX sockets of processes outside

// Of the rules that can be had here: 0 (none) to 6, the newest that is known to this file.
int landlock_version();

// An empty set of rules. Precondition: landlock_version() > 0.
base::Result<base::UniqueFd> landlock_rules(LandlockRights taken);
// Gives back `rights` over a file, or a folder and all below it; `taken` as above.
base::Result<> landlock_allow(int rules, const std::string& path, std::uint64_t rights);
// For ever, for this thread and what it starts; wants no_new_privs. False: errno. System calls alone, so that
// it can be called after vfork(2).
bool landlock_enter(int rules);

}  // namespace fairlead::host
