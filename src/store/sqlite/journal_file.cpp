#include "store/sqlite/journal_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::store {

namespace {

constexpr base::Millis kBusyTimeout{2'000};  // for somebody who looks with sqlite3 and holds a lock
constexpr std::size_t kKeptDamaged = 3;
constexpr std::int64_t kApplicationId = 0x66'6c'6a'31;  // "flj1": the file is a journal of ours

// auto_vacuum must be set before the first table. In WAL mode, synchronous NORMAL syncs at checkpoints only:
// a power cut can take the last decisions away, never the file's consistency, and a journal may lose a
// moment. The write-ahead log is cut back to journal_size_limit, and cache_size is in KiB when negative.
constexpr const char* kConnection = R"(
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA journal_size_limit = 4194304;
  PRAGMA cache_size = -512;
  PRAGMA temp_store = MEMORY;
)";

constexpr const char* kSchema = R"(
  BEGIN IMMEDIATE;
  CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    context TEXT NOT NULL,
    verdict TEXT NOT NULL,
    why TEXT NOT NULL,
    hook TEXT NOT NULL,
    generation INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    left_out INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX decisions_by_time ON decisions (time_ms);
  PRAGMA application_id = 1718381105;
  PRAGMA user_version = 1;
  COMMIT;
)";

base::Error newer_journal(std::int64_t version, const std::string& path) {
  return {base::Code::unsupported,
          "the decision journal has schema " + std::to_string(version) + ", this fairlead knows " +
              std::to_string(kJournalSchema) + ": use the newer fairlead, or move the file away",
          path};
}

base::Error foreign(const std::string& path) {
  return {base::Code::protocol, "is not a decision journal", path};
}

// Whether the file can be given to SQLite: a reason why not, or nothing.
std::optional<std::string> unusable(const std::string& path, const struct stat& facts) {
  if (!S_ISREG(facts.st_mode)) return "is not a regular file";
  if (::access(path.c_str(), R_OK | W_OK) != 0 && (errno == EACCES || errno == EPERM))
    return "is not readable and writable";
  return std::nullopt;
}

void remove_old_damaged(const std::string& path) {
  const auto prefix = std::filesystem::path(path).filename().string() + ".damaged-";
  std::vector<std::string> found;  // their names hold the time: sorted is oldest first
  std::error_code failure;
  for (std::filesystem::directory_iterator it(base::parent_of(path), failure), end; !failure && it != end;
       it.increment(failure)) {
    const auto name = it->path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with("-wal")) found.push_back(it->path().string());
  }
  std::sort(found.begin(), found.end());
  for (std::size_t i = 0; i + kKeptDamaged < found.size(); ++i) {
    std::filesystem::remove_all(found[i], failure);
    std::filesystem::remove(found[i] + "-wal", failure);
  }
}

base::Result<> make_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return base::os_error("cannot make " + path, errno);
  return base::success();
}

struct Attempt {
  std::optional<Database> database;
  base::Error error;
  bool replace = false;  // the error will not go away by itself: put the file aside
};

base::Result<> prepare_schema(Database& database, const std::string& path) {
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  const auto id = database.integer("PRAGMA application_id");
  if (!id) return id.error();
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*id == kApplicationId && *version > kJournalSchema) return newer_journal(*version, path);
  if (*id == kApplicationId && *version == kJournalSchema) return database.run(kConnection);
  if (*id != 0 || *version != 0 || *tables != 0) return foreign(path);
  if (auto set = database.run(kConnection); !set) return set;
  return database.run(kSchema);
}

Attempt try_open(const std::string& path) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno != ENOENT) return {std::nullopt, base::os_error("cannot look at " + path, errno)};
    // What is left of a file that was taken away belongs to nothing, and must not be replayed into a new one.
    ::unlink((path + "-wal").c_str());
    if (auto made = make_file(path); !made) return {std::nullopt, made.error()};
  } else if (const auto why = unusable(path, facts)) {
    return {std::nullopt, {base::Code::io, *why, path}, true};
  } else if ((facts.st_mode & 077) != 0) {
    ::chmod(path.c_str(), 0600);
  }
  auto database = Database::open(path, Database::Mode::read_write, kBusyTimeout);
  if (!database) return {std::nullopt, database.error()};
  if (auto prepared = prepare_schema(*database, path); !prepared)
    return {std::nullopt, prepared.error(), tells_damage(prepared.error())};
  return {std::move(*database), {}};
}

}  // namespace

// The write-ahead log goes first: beside a fresh file it would be taken for that one's.
base::Result<std::string> put_journal_aside(const std::string& path, base::WallTime now) {
  const auto wanted = path + ".damaged-" + base::iso8601(now);
  std::string name = wanted;
  for (int i = 2; base::exists(name); ++i) name = wanted + "." + std::to_string(i);
  if (::rename((path + "-wal").c_str(), (name + "-wal").c_str()) != 0 && errno != ENOENT)
    return base::os_error("cannot put aside " + path + "-wal", errno);
  ::unlink((path + "-shm").c_str());
  if (::rename(path.c_str(), name.c_str()) != 0) return base::os_error("cannot put aside " + path, errno);
  remove_old_damaged(path);
  return name;
}

base::Result<OpenedJournal> open_journal(const std::string& path, base::WallTime now) {
  auto attempt = try_open(path);
  if (attempt.database) return OpenedJournal{std::move(*attempt.database), {}, {}};
  if (!attempt.replace) return attempt.error;
  const auto why = attempt.error.text();
  auto set_aside = put_journal_aside(path, now);
  if (!set_aside) return base::Error{base::Code::io, why + "; " + set_aside.error().text(), {}};
  attempt = try_open(path);
  if (!attempt.database) return attempt.error;
  return OpenedJournal{std::move(*attempt.database), *set_aside, why};
}

base::Result<Database> open_journal_for_reading(const std::string& path) {
  if (!base::exists(path)) return base::Error{base::Code::not_found, "there is no decision journal", path};
  auto database = Database::open(path, Database::Mode::read_only, kBusyTimeout);
  if (!database) return database.error();
  const auto version = database->integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > kJournalSchema) return newer_journal(*version, path);
  const auto id = database->integer("PRAGMA application_id");
  if (!id) return id.error();
  if (*version == 0 && *id == 0) return base::Error{base::Code::not_found, "the journal is empty", path};
  if (*id != kApplicationId) return foreign(path);
  return database;
}

}  // namespace fairlead::store
