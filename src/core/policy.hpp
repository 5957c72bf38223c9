// The operator's hooks as the parts that have something to decide see them. policy/ asks the policy process;
// app/ owns it. Nothing here ever waits: an answer comes later, on the loop, within the event's deadline.
// Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "core/events.hpp"

namespace fairlead::core {

struct PolicyAnswer {
  bool given = false;  // a hook gave it: `value` is its verdict (shape checked), or what the transforms made
                       // of the text
  base::Json value;
  std::string hook;  // "20-night.lua: infra-sleeps", where one gave it
  std::string
      trouble;  // the hooks could not be asked, or failed: the event's safe default holds, and this is why
};

// One call under way; destroying it forgets the answer.
class PolicyCall {
 public:
  virtual ~PolicyCall() = default;
};

class PolicyPort {
 public:
  virtual ~PolicyPort() = default;
  using OnAnswer = std::function<void(PolicyAnswer)>;

  // Whether any hook is registered for it. Where none is, nothing need be made up for the call.
  virtual bool asks(HookEvent event) const = 0;
  // `context`: the event's fields; the clock and a seed are added. `done` is called once, later; it may
  // destroy the call.
  virtual std::unique_ptr<PolicyCall> decide(HookEvent event, base::Json context, OnAnswer done) = 0;
  // The answer's value is `value` as the hooks have changed it; null where a hook wants nothing of it to
  // remain.
  virtual std::unique_ptr<PolicyCall> transform(HookEvent event, base::Json value, base::Json context,
                                                OnAnswer done) = 0;
  virtual void observe(HookEvent event, base::Json context) = 0;
  // A guardrail did not follow the answer, or not all of it (core/guardrails.hpp): logged and counted.
  virtual void refused(HookEvent event, const PolicyAnswer& answer, const std::string& what) = 0;
};

}  // namespace fairlead::core
