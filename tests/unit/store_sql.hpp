// SQL beside the store that a test looks at.
#pragma once
#include <string>

#include "cmocka.hpp"
#include "store/sqlite/database.hpp"

inline void run_sql(const std::string& path, const char* sql) {
  auto database = fairlead::store::Database::open(path, fairlead::store::Database::Mode::read_write,
                                                  fairlead::base::Millis(10'000));
  assert_true(database.ok());
  const auto ran = database->run(sql);
  if (!ran) fail_msg("%s", ran.error().text().c_str());
}

inline std::int64_t ask_sql(const std::string& path, const char* sql) {
  auto database = fairlead::store::Database::open(path, fairlead::store::Database::Mode::read_only,
                                                  fairlead::base::Millis(10'000));
  assert_true(database.ok());
  const auto answer = database->integer(sql);
  assert_true(answer.ok());
  return *answer;
}
