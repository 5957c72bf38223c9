// The audit folder: what its files are called, in which order they stand, and the head file.
// Blocking: pool threads, the CLI, and start-up.
//
//   audit.jsonl                    the file that is written to
//   audit-000000004711.jsonl       a rotated one, named by its first line's seq (".2" and so on before the
//                                  suffix where that name was taken, which only tampering brings about)
//   audit.torn-TIME                a torn tail that was cut off; not part of the chain
//   head                           the last line's seq and hash, as one JSON object
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::audit {

inline constexpr const char* kCurrentName = "audit.jsonl";
inline constexpr const char* kHeadName = "head";

struct LogFile {
  std::string name;
  std::uint64_t first_seq = 0;  // by its name; 0 for the current one
  std::uint64_t ordinal = 1;
  bool current = false;
  bool operator==(const LogFile&) const = default;
};

// Oldest first, the current one last. Error{not_found} without the folder.
base::Result<std::vector<LogFile>> list_files(const std::string& folder);

// Whether `name` is one of a rotated file, and which.
std::optional<LogFile> parse_name(std::string_view name);
// The name under which a file with this first line is put away: one that is not taken.
std::string free_name(const std::string& folder, std::uint64_t first_seq);

// The error in errno about `path`; not_found for ENOENT.
base::Error path_error(std::string_view what, const std::string& path);

// For reading. Refuses symbolic links and what is not a regular file.
base::Result<base::UniqueFd> open_for_reading(const std::string& path);

// Leftovers of an interrupted replacement, and all torn tails but the ten newest.
void remove_leftovers(const std::string& folder);

struct Head {
  Position at;
  std::string file;             // where that line stood when the head was written: for people
  std::uint64_t first_seq = 1;  // of the oldest line that rotation keeps
};

// Error{not_found} when there is none; Error{bad_request} when it is damaged.
base::Result<Head> read_head(const std::string& folder);
base::Result<> write_head(const std::string& folder, const Head& head);

}  // namespace fairlead::audit
