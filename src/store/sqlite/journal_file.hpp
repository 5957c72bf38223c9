// The journal's file: its schema, and how a file that cannot be used is put aside. Blocking: pool threads and
// the CLI.
//
//   decisions.sqlite                 the journal, 0600, with -wal and -shm beside it while it is open
//   decisions.sqlite.damaged-TIME    one that could not be read; the three newest are kept
#pragma once
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/sqlite/database.hpp"

namespace fairlead::store {

inline constexpr const char* kJournalName = "decisions.sqlite";
inline constexpr int kJournalSchema = 1;  // PRAGMA user_version

struct OpenedJournal {
  Database database;
  std::string set_aside;  // empty, or the name of the file that was put aside for it
  std::string why;        // … and what was wrong with it
};

// For writing; made when it is missing. A file that is damaged, is not ours or cannot be opened is renamed
// and a fresh one is begun. Error{unsupported}: it has a newer schema, and stays as it is.
base::Result<OpenedJournal> open_journal(const std::string& path, base::WallTime now);

// Puts a file that turned out to be damaged aside, its write-ahead log too; the new name. Nobody has it open.
base::Result<std::string> put_journal_aside(const std::string& path, base::WallTime now);

// For reading, beside a daemon that writes or without one. Error{not_found}: there is none.
base::Result<Database> open_journal_for_reading(const std::string& path);

}  // namespace fairlead::store
