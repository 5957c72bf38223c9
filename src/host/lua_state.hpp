// A Lua state with a memory cap of its own and only what hooks may use. The whole program uses the C++ build
// of Lua: its errors are C++ exceptions, so destructors run; no function of ours may let an exception of its
// own reach Lua.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <lua.h>

namespace fairlead::host {

class LuaState {
 public:
  // `heap_limit`: bytes; beyond it a script sees the error "not enough memory".
  explicit LuaState(std::size_t heap_limit);
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  lua_State* get() const { return state_; }

 private:
  struct Heap {
    std::size_t used = 0;
    std::size_t limit = 0;
  };
  static void* allocate(void* heap, void* block, std::size_t old_size, std::size_t new_size);

  Heap heap_;
  lua_State* state_ = nullptr;
};

// Pushes a new environment for one file: copies of the libraries (string, table, math, utf8, coroutine) and
// of the trimmed base functions. Reading or assigning a global that is not there is an error that names it.
void push_environment(lua_State* state);

// Puts the value on the top of the stack into the environment below it, under `name`; pops the value. The
// names given here are what the environment offers beside the libraries.
void offer(lua_State* state, const char* name);

// Makes `object` the one of its class that serves this state: the C functions that Lua calls find it again
// with bound_object(), whatever coroutine they are called from. The object outlives the calls.
template <class T>
inline const char kBindingOf = 0;  // its address is the key in the registry
template <class T>
void bind_object(lua_State* state, T& object) {
  lua_pushlightuserdata(state, &object);
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kBindingOf<T>);
}
template <class T>
T& bound_object(lua_State* state) {
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kBindingOf<T>);
  auto* object = static_cast<T*>(lua_touserdata(state, -1));
  lua_pop(state, 1);
  return *object;
}

// Raises `message` as a Lua error, with file and line of the script that called us in front.
[[noreturn]] void raise_error(lua_State* state, std::string_view message);

// The duration that stands at `at`, a number of seconds or a text such as "5m", in seconds; negative: none
// stands there.
double seconds_at(lua_State* state, int at);

// The message of the error value on the top of the stack, popped; never empty.
std::string pop_error(lua_State* state);

// Compiles `text` (text only, never a binary chunk) as `path`; leaves the function, or returns why not.
bool compile(lua_State* state, std::string_view text, const std::string& path, std::string& error);

}  // namespace fairlead::host
