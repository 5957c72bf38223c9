// The page that the daemon and a policy process share: the process writes what it is about to run, so that
// the daemon knows whom to blame when it has to kill it. The process may be hostile: the daemon takes what it
// reads here for a hint within its own bounds.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fairlead::core {

constexpr std::uint64_t kFlowOnPage = 1ULL << 63;  // tells a flow's id from a call's

struct PolicyPage {
  std::atomic<std::uint64_t>
      call;  // id of the call, or kFlowOnPage and the id of the flow, under way; 0: none
  std::atomic<std::int64_t> since;  // CLOCK_MONOTONIC when the hook began, nanoseconds
  std::atomic<std::uint32_t> hook;  // number of the hook that runs, plus one; 0: none
  std::atomic<std::uint32_t> file;  // number of the file whose top level or test runs, plus one; 0: none
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
// What stands on the page while it lives.
class PolicyPageMark {
 public:
  PolicyPageMark(PolicyPage& page, std::uint64_t call, std::size_t hook, std::int64_t now) : page_(page) {
    page_.call.store(call, std::memory_order_relaxed);
    page_.since.store(now, std::memory_order_relaxed);
    page_.hook.store(static_cast<std::uint32_t>(hook) + 1, std::memory_order_release);
  }
  ~PolicyPageMark() { page_.hook.store(0, std::memory_order_release); }
  PolicyPageMark(const PolicyPageMark&) = delete;
  PolicyPageMark& operator=(const PolicyPageMark&) = delete;

 private:
  PolicyPage& page_;
};

// The same for a file's top level, or a test in it.
class PolicyPageFile {
 public:
  PolicyPageFile(PolicyPage& page, std::uint32_t number) : page_(page) { page_.file = number + 1; }
  ~PolicyPageFile() { page_.file = 0; }
  PolicyPageFile(const PolicyPageFile&) = delete;
  PolicyPageFile& operator=(const PolicyPageFile&) = delete;

 private:
  PolicyPage& page_;
};

constexpr std::uint64_t kPolicyPageSize = 4096;
static_assert(sizeof(PolicyPage) <= kPolicyPageSize);

}  // namespace fairlead::core
