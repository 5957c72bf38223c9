// Files as wholes: read one, replace one atomically, make directories, lock one. All block: call them at
// start-up, from the CLI, or from the thread pool.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::base {

// Refuses what is larger than `limit` bytes, and what is not a regular file.
Result<std::string> read_file(const std::string& path, std::size_t limit = 16u << 20);

// Temporary file beside `path`, fsync, rename, fsync of the folder: after a power cut it is the old or the
// new text.
Result<> replace_file(const std::string& path, std::string_view text, mode_t mode = 0600);

// Writes all of `text` at the end of an open file, going on after short writes and EINTR.
Result<> write_all(int fd, std::string_view text);

// mkdir -p; the last folder gets `mode`, whatever the umask. An existing folder is left as it is.
Result<> make_directories(const std::string& path, mode_t mode = 0700);

// fsync of the folder that holds `path`, so that a new or renamed name survives a power cut.
Result<> sync_parent(const std::string& path);

// Takes an exclusive flock(2) on `path` (made when missing) for as long as the descriptor lives.
// Code::conflict when another process holds it.
Result<UniqueFd> lock_file(const std::string& path);

bool exists(const std::string& path);
std::string parent_of(const std::string& path);                         // "/a/b" → "/a"; "b" → "."
std::string join_path(std::string_view folder, std::string_view name);  // an absolute `name` wins

}  // namespace fairlead::base
