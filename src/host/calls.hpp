// Answers calls: runs the hooks of an event over one context, by the rules of its kind.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include <lua.h>

#include "base/json.hpp"
#include "core/policy_page.hpp"
#include "host/context.hpp"
#include "host/hook_set.hpp"
#include "host/limits.hpp"

namespace fairlead::host {

class Calls {
 public:
  // All outlive it.
  struct Parts {
    lua_State* state;
    HookSet& hooks;
    Contexts& contexts;
    CpuLimit& limit;
    core::PolicyPage& page;
  };
  explicit Calls(Parts parts)
      : parts_(parts), limits_(core::all_events().size(), std::chrono::milliseconds(20)) {}

  // CPU time that one hook of this event may use before the gentle limit ends it.
  void set_limit(core::HookEvent event, std::chrono::milliseconds limit) {
    limits_[static_cast<std::size_t>(event)] = limit;
  }
  std::chrono::milliseconds limit(core::HookEvent event) const {
    return limits_[static_cast<std::size_t>(event)];
  }

  // `call`: {"id", "event", "ctx", "value"?, "explain"?}. The reply, without a line end:
  //   decide     {"id", "verdict": {…}, "hook": number} or {"id", "verdict": null}; a failing hook ends the
  //   asking:
  //              {"id", "failed": [{"hook", "message"}]}
  //   transform  {"id", "value": …, "hook": number?, "failed": […]?}: the hook is the last that changed it
  //   observe    {"id", "failed": […]?}; as in a transform, a failing hook is passed over
  //
  //   with "explain", also "asked": [{"hook", "said"}] in order
  std::string answer(base::JsonView call);

 private:
  struct Outcome;
  bool invoke(std::size_t hook, std::uint64_t call, int arguments, std::string& error);
  void decide(const core::EventInfo& event, base::JsonView call, Outcome& outcome);
  void transform(const core::EventInfo& event, base::JsonView call, Outcome& outcome);
  void observe(const core::EventInfo& event, base::JsonView call, Outcome& outcome);

  Parts parts_;
  std::vector<std::chrono::milliseconds> limits_;
};

}  // namespace fairlead::host
