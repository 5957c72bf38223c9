// A signal, delivered on the loop.
#pragma once
#include <functional>

namespace fairlead::loop {

class Loop;

class Signal {
 public:
  Signal(Loop& loop, const char* name, int number, std::function<void()> function);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace fairlead::loop
