// `ctx`: what a hook is asked about, read in place from the call's JSON. Nothing can be written to it; a name
// that the event's table does not have is an error that says so, with the nearest one that it has. It lives
// for one call: kept and used later, it says that it is over.
#pragma once
#include <cstdint>

#include <lua.h>

#include "base/json.hpp"
#include "core/events.hpp"

namespace fairlead::host {

class Contexts {
 public:
  // Makes the type known to the state; one of these a state, alive as long as it.
  explicit Contexts(lua_State* state);
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  // Pushes a ctx over `fields` and makes every earlier one invalid. `fields` must live until end().
  void push(lua_State* state, core::HookEvent event, base::JsonView fields);
  void end() { ++serial_; }

 private:
  struct Node;
  static int index(lua_State* state);
  static int assign(lua_State* state);
  static int random(lua_State* state);
  int look_up(lua_State* state, const Node& node, const char* name);
  void push_node(lua_State* state, const Node& node);
  double next_random();

  std::uint64_t serial_ = 0;
  std::uint64_t random_ = 0;  // state of the generator, from the call's "seed"
};

}  // namespace fairlead::host
