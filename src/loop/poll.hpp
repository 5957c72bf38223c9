// Readiness of a descriptor. The descriptor stays the caller's: destroy the Poll before closing it.
#pragma once
#include <functional>

namespace fairlead::loop {

class Loop;

struct Ready {
  bool read = false;   // also set on error and hang-up: the next read tells which
  bool write = false;  // also set on error
};

class Poll {
 public:
  // `function` may destroy the Poll.
  Poll(Loop& loop, const char* name, int fd, std::function<void(Ready)> function);
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  void want(bool read, bool write);  // cheap when nothing changes; (false, false) stops

 private:
  struct State;
  State* state_;
};

}  // namespace fairlead::loop
