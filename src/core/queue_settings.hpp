// The configuration of store, queue, worker and executors, every rule checked already (config/ does that).
// Pure data.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace fairlead::core {

struct StoreSettings {
  std::string url;  // "": SQLite in the state directory; else a libpq connection string (postgresql://…)
  std::string password_file;  // absolute path, or empty: libpq's own ways (passfile)
  std::string via;            // the tunnel whose line carries the connection, or empty
  bool operator==(const StoreSettings&) const = default;
};

struct QueueSettings {
  base::Millis history_age{30LL * 24 * 3'600'000};  // finished tasks are kept as long, and
  std::uint64_t history_count = 1'000'000;          // … as many
  base::Millis key_memory{7LL * 24 * 3'600'000};    // idempotency keys, after their task's end
  base::Millis stuck_after{24LL * 3'600'000};       // an alarm for a task that is so long in one state
  bool operator==(const QueueSettings&) const = default;
};

struct WorkerSettings {
  bool enabled = false;                       // there is a section `worker`
  std::string name;                           // the machine's host name unless said otherwise
  std::string site, node;                     // site may be empty; node: the name unless said otherwise
  std::vector<std::string> capabilities;      // sorted; the kinds of its executors unless said otherwise
  int concurrency = 4;                        // 1..256, in all
  std::map<std::string, int> per_capability;  // below the whole; absent: no limit of its own
  base::Millis lease{30'000};                 // 5 s .. 10 min
  base::Millis stop_deadline{20'000};         // for tasks under way when the daemon stops
  bool operator==(const WorkerSettings&) const = default;
};

struct ProgramLimits {  // setrlimit(2); 0: not set
  std::uint64_t cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;  // address space
  std::uint64_t file_bytes = 0;    // of one file that it writes
  std::uint64_t open_files = 0;
  std::uint64_t processes = 0;  // of the user
  bool operator==(const ProgramLimits&) const = default;
};

enum class TaskInput : std::uint8_t { standard_input, file };  // how the payload reaches a program

// What a program of a task may do, and gets.
struct ProgramSettings {
  std::vector<std::string> inherit;  // names of variables of the daemon's environment that it gets
  std::vector<std::pair<std::string, std::string>> environment;
  std::string folder = "/";
  TaskInput input = TaskInput::standard_input;
  std::size_t output_bytes = 64u << 10;  // kept of each stream, half of it the end
  base::Millis grace{5'000};             // from TERM to KILL
  ProgramLimits limits;
  bool sandbox = true;                // seccomp, and Landlock where the kernel has it; no_new_privs always
  bool network = true;                // false: UNIX sockets alone
  std::vector<std::string> writable;  // absolute folders; with `sandbox` everything else is read-only
  bool operator==(const ProgramSettings&) const = default;
};

struct ScriptProgram {
  std::string path;               // absolute
  std::string sha256;             // 64 lower-case hex digits
  std::vector<std::string> args;  // before those of the payload
  bool accepts_args = true;       // the payload may name more
  ProgramSettings program;
  bool operator==(const ScriptProgram&) const = default;
};

struct ExecutorSettings {
  std::map<std::string, ScriptProgram> scripts;         // by the name that payloads use
  std::optional<ProgramSettings> run_bash, run_python;  // inline text, only where there is a section
  bool noop = false, sleep = false;
  bool operator==(const ExecutorSettings&) const = default;
};

}  // namespace fairlead::core
