// Opens the queue's file and brings its schema to what this binary knows. Blocking.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/task_store.hpp"
#include "store/sqlite/database.hpp"

namespace fairlead::store {

// `may_make`: where there is none, it is made. Error{unsupported}: its schema is newer, or it is no queue;
// with Opening::look also where it is older or missing. Error{conflict}: somebody else writes for longer than
// `busy_timeout`. Error{protocol}: it is damaged.
base::Result<Database> open_queue(const std::string& path, core::Opening opening, bool may_make,
                                  base::Millis busy_timeout);

}  // namespace fairlead::store
