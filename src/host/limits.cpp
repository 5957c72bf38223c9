#include "host/limits.hpp"

#include <lauxlib.h>

#include <ctime>

namespace fairlead::host {

namespace {

constexpr int kInstructions = 10'000;  // between two looks at the clock: some 50 µs

// The count hook carries no pointer of its own.
CpuLimit* the_limit = nullptr;

std::chrono::nanoseconds cpu_now() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

std::int64_t monotonic_now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

CpuLimit::CpuLimit(lua_State* state) {
  the_limit = this;
  lua_sethook(state, &CpuLimit::on_count, LUA_MASKCOUNT, kInstructions);
}

CpuLimit::Scope::Scope(CpuLimit& limit, std::chrono::milliseconds time, const std::string& who)
    : limit_(limit), outer_(limit.current_), time_(time), ends_at_(cpu_now() + time), who_(who) {
  limit_.current_ = this;
}

void CpuLimit::on_count(lua_State* state, lua_Debug* where) {
  const Scope* scope = the_limit->current_;
  if (scope == nullptr || cpu_now() < scope->ends_at_) return;
  lua_getinfo(state, "Sl", where);
  luaL_error(state, "%s:%d: \"%s\" has used its %d ms", where->short_src, where->currentline,
             scope->who_.c_str(), static_cast<int>(scope->time_.count()));
}

}  // namespace fairlead::host
