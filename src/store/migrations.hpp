// The numbered steps that bring a store's schema to what this binary knows: NNNN_name.sql in the folder
// `migrations` of each backend, embedded by scripts/embed-migrations. A step that was released is never
// edited; a change is a new step. Each backend applies what is missing in order, in one transaction, under
// its own lock, and keeps the number of the last one (SQLite: PRAGMA user_version).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairlead::store {

struct Migration {
  int number;             // 1, 2, 3 …
  std::string_view name;  // "queue"
  const char* sql;        // one or more statements
};

std::span<const Migration> sqlite_migrations();
std::span<const Migration> postgres_migrations();

// The schema that a binary with these steps knows; 0 without any.
inline int newest(std::span<const Migration> steps) {
  return steps.empty() ? 0 : steps.back().number;
}

// Error{unsupported}: what was found is newer than this binary, which must then leave the store alone: a
// newer fairlead may rely on what this one would not keep up.
base::Error newer_schema(std::int64_t found, int known, const std::string& place);
// Error{unsupported}: it is older, or (found 0) not there yet, and whoever opened it only looks.
base::Error older_schema(std::int64_t found, int known, const std::string& place);

}  // namespace fairlead::store
