// The gentle limit on what a hook may run: Lua's count hook looks at the CPU time and raises an error that
// names file and line. It cannot reach into C functions and a pcall can swallow it; then the daemon's
// deadline ends the process.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include <lua.h>

namespace fairlead::host {

std::int64_t monotonic_now();  // CLOCK_MONOTONIC, nanoseconds

class CpuLimit {
 public:
  // Looks at every coroutine that is made from `state` from now on, too. One in the process.
  explicit CpuLimit(lua_State* state);
  CpuLimit(const CpuLimit&) = delete;
  CpuLimit& operator=(const CpuLimit&) = delete;

  // While it lives the script has `limit` of CPU time; `who` (borrowed) stands in the message. Inside another
  // one it takes its place until it ends.
  class Scope {
   public:
    Scope(CpuLimit& limit, std::chrono::milliseconds time, const std::string& who);
    ~Scope() { limit_.current_ = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class CpuLimit;
    CpuLimit& limit_;
    const Scope* outer_;
    std::chrono::milliseconds time_;
    std::chrono::nanoseconds ends_at_;  // of the thread's CPU clock
    const std::string& who_;
  };

 private:
  static void on_count(lua_State* state, lua_Debug* where);
  const Scope* current_ = nullptr;
};

}  // namespace fairlead::host
