// Flows: coroutines that ask for effects and wait for the answers. A step runs the flow up to its next effect
// or its end.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include <lua.h>

#include "base/json.hpp"
#include "core/effects.hpp"
#include "host/calls.hpp"

namespace fairlead::host {

class Flows {
 public:
  // What a step came to: an effect that is wanted, the end, or a failure with its message.
  struct Step {
    enum class Kind : std::uint8_t { effect, done, failed } kind = Kind::done;
    core::Effect effect = core::Effect::sleep;
    std::string arguments;  // JSON object, checked by the table
    std::string message;
  };
  // What an effect came to, as the flow sees it: a value; nil and a message; or, where `raise`, an error.
  struct Answer {
    bool good = true;
    bool raise = false;
    base::JsonView value;  // borrowed for the call
    std::string message;
  };

  explicit Flows(Calls::Parts parts);
  Flows(const Flows&) = delete;
  Flows& operator=(const Flows&) = delete;

  // `clock`: the members of ctx.clock. Precondition of start: no flow has this id; of resume: one has, and
  // waits.
  Step start(std::uint64_t id, std::size_t hook, base::JsonView clock, std::chrono::milliseconds limit);
  Step resume(std::uint64_t id, const Answer& answer, base::JsonView clock, std::chrono::milliseconds limit);
  void cancel(std::uint64_t id);
  bool waits(std::uint64_t id) const { return flows_.contains(id); }

 private:
  struct Flow {
    std::size_t hook = 0;
    lua_State* thread = nullptr;
    int thread_reference = LUA_NOREF;
    int handle_reference = LUA_NOREF;  // the table that the script knows as `flow`
  };
  static int effect(lua_State* state);
  static int after_effect(lua_State* state, int status, lua_KContext context);
  static int unknown_name(lua_State* state);
  void push_handle(lua_State* state);
  void set_clock(const Flow& flow, base::JsonView clock);
  Step run(std::uint64_t id, Flow& flow, int arguments, std::chrono::milliseconds limit);
  void forget(std::uint64_t id);

  Calls::Parts parts_;
  std::map<std::uint64_t, Flow> flows_;
  const Flow* running_ = nullptr;
  Step wanted_;  // by the effect that yields
};

}  // namespace fairlead::host
