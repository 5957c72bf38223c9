#include "store/sqlite/queue_open.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <utility>

#include "base/file.hpp"
#include "base/unique_fd.hpp"
#include "store/migrations.hpp"

namespace fairlead::store {

namespace {

constexpr std::int64_t kQueueId = 0x66'6c'71'31;  // "flq1": the file is a queue of ours
constexpr const char* kMarkQueue = "PRAGMA application_id = 1718382897";

// FULL: a commit has reached the disk when it is answered. The write-ahead log is cut back to
// journal_size_limit, and cache_size is in KiB when negative.
constexpr const char* kQueueConnection = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 16777216;
  PRAGMA cache_size = -4096;
  PRAGMA temp_store = MEMORY;
)";

base::Error no_queue(const std::string& path, const std::string& what) {
  return {base::Code::unsupported, what + " stands where the queue belongs: move it away", path};
}

base::Result<> make_queue_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd && errno != EEXIST) return base::os_error("cannot make " + path, errno);
  return base::success();
}

base::Result<> check_file(const std::string& path, bool may_make) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno != ENOENT) return base::os_error("cannot look at " + path, errno);
    if (may_make) return make_queue_file(path);
    return base::Error{base::Code::io,
                       "the queue's file is gone: put it back, or restart fairlead to begin an empty queue",
                       path};
  }
  if (!S_ISREG(facts.st_mode)) return no_queue(path, "something that is no file");
  if ((facts.st_mode & 077) != 0) ::chmod(path.c_str(), 0600);
  return base::success();
}

// The version found. Reads only: a file that is not ours is left as it is. Called inside of a transaction:
// what was read before another daemon's migration and what was read after it would together look like a file
// of somebody else.
base::Result<std::int64_t> recognise(Database& database, const std::string& path) {
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  const auto id = database.integer("PRAGMA application_id");
  if (!id) return id.error();
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*id == kQueueId ? *version < 1 : *id != 0 || *version != 0 || *tables != 0)
    return no_queue(path, "a database of somebody else");
  if (*version > newest(sqlite_migrations()))
    return newer_schema(*version, newest(sqlite_migrations()), path);
  return *version;
}

base::Result<std::int64_t> look_at(Database& database, const std::string& path) {
  Transaction transaction(database);
  if (auto begun = transaction.begin_reading(); !begun) return begun.error();
  return recognise(database, path);
}

// Rights are counted on CLOCK_BOOTTIME: those of an earlier boot have ended.
base::Result<> end_rights_of_earlier_boots(Database& database) {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  auto stored = database.prepare("SELECT boot FROM queue");
  if (!stored) return stored.error();
  const auto row = stored->step();
  if (!row) return row.error();
  if (*row && stored->text(0) == boot) return base::success();
  stored->reset();
  for (const char* sql : {"UPDATE workers SET lease_until = 0, beat_at = 0",
                          "UPDATE tasks SET own_end = 0 WHERE own_end IS NOT NULL"})
    if (auto done = database.run(sql); !done) return done;
  auto remember = database.prepare("UPDATE queue SET boot = ?");
  if (!remember) return remember.error();
  if (auto done = remember->bind(1, boot).step(); !done) return done.error();
  return base::success();
}

// Under the write lock, so that of two daemons that begin together one finds it done.
base::Result<> migrate(Database& database, const std::string& path) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  const auto version = recognise(database, path);
  if (!version) return version.error();
  for (const auto& step : sqlite_migrations()) {
    if (step.number <= *version) continue;
    if (auto done = database.run(step.sql); !done) return done;
    const auto mark = "PRAGMA user_version = " + std::to_string(step.number);
    if (auto done = database.run(mark.c_str()); !done) return done;
  }
  if (*version == 0)
    if (auto done = database.run(kMarkQueue); !done) return done;
  if (auto done = end_rights_of_earlier_boots(database); !done) return done;
  return transaction.commit();
}

}  // namespace

base::Result<Database> open_queue(const std::string& path, core::Opening opening, bool may_make,
                                  base::Millis busy_timeout) {
  const bool look = opening == core::Opening::look;
  const int known = newest(sqlite_migrations());
  if (look && !base::exists(path)) return older_schema(0, known, path);
  if (auto checked = check_file(path, may_make); !checked) return checked.error();
  auto database = Database::open(path, Database::Mode::read_write, busy_timeout);
  if (!database) return database.error();
  const auto version = look_at(*database, path);
  if (!version) return version.error();
  if (look && *version < known) return older_schema(*version, known, path);
  if (auto set = database->run(kQueueConnection); !set) return set.error();
  if (auto migrated = migrate(*database, path); !migrated) return migrated.error();
  return database;
}

}  // namespace fairlead::store
