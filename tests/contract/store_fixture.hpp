// What the tests of the store port need of a backend: data that are fresh, daemons on them, and time. One for
// each backend, made by make_fixture(), which its own source defines (sqlite_fixture.cpp, …).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"

namespace fairlead::contract {

struct HeldLock {
  std::string key;
  core::TaskId task{0};
  bool operator==(const HeldLock&) const = default;
};

class StoreFixture {
 public:
  virtual ~StoreFixture() = default;

  // Why the tests cannot run here (no server is installed); empty: they can.
  virtual std::string missing() { return {}; }
  // Nothing at all is there: no table, no file.
  virtual void fresh() = 0;
  // An empty store, called before each test: as after fresh(), unless a backend has a faster way.
  virtual void empty() { fresh(); }
  // A daemon's store on the present data; each call is one more daemon. Not begun yet.
  virtual std::unique_ptr<core::TaskStore> connect(loop::Loop& loop, base::Log& log) = 0;
  // Shifts every stored time into the past, as if `time` had gone by. No call is under way.
  virtual void pass_time(base::Millis time) = 0;
  // The store's clock jumps, for all daemons that are connected, while no time goes by; false: cannot be made
  // here.
  virtual bool step_clock(base::Millis by) = 0;
  // Sorted by key.
  virtual std::vector<HeldLock> held_locks() = 0;
  // A schema that this binary does not know yet, or (false) the own one again.
  virtual void pretend_newer_schema(bool newer) = 0;
};

std::unique_ptr<StoreFixture> make_fixture();

}  // namespace fairlead::contract
