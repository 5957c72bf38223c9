// The page that the daemon and a policy process share: the process writes what it is about to run, so that
// the daemon knows whom to blame when it has to kill it. The process may be hostile: the daemon takes what it
// reads here for a hint within its own bounds.
#pragma once
#include <atomic>
#include <cstdint>

namespace fairlead::core {

struct PolicyPage {
  std::atomic<std::uint64_t> call;  // id of the call or flow under way; 0: none
  std::atomic<std::uint32_t> hook;  // number of the hook that runs, plus one; 0: none
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
constexpr std::uint64_t kPolicyPageSize = 4096;
static_assert(sizeof(PolicyPage) <= kPolicyPageSize);

}  // namespace fairlead::core
