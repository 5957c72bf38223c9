// Reads the decision journal page by page, without a daemon or beside one that writes. Blocking: pool threads
// and the CLI. A page is one short read transaction, so that a slow reader never holds up the writer.
//
//   auto reader = store::JournalReader::open(path, {.since = a_week_ago, .event = "reconnect"});
//   for (auto page = reader->next(); page && !page->empty(); page = reader->next()) …
#pragma once
#include <string>

#include "base/result.hpp"
#include "core/journal.hpp"
#include "store/sqlite/database.hpp"

namespace fairlead::store {

class JournalReader {
 public:
  // Error{not_found}: there is none; Error{unsupported}: it has a newer schema.
  static base::Result<JournalReader> open(const std::string& path, core::JournalQuery query);

  // Oldest first; empty at the end. Bounded in decisions and bytes, whatever the query's limit.
  base::Result<core::DecisionPage> next();

 private:
  JournalReader(Database database, core::JournalQuery query)
      : database_(std::move(database)), query_(std::move(query)) {}

  Database database_;
  core::JournalQuery query_;  // moves on: after_seq, limit
  bool ended_ = false;
};

}  // namespace fairlead::store
