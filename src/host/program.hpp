// A program that must have a certain SHA-256: opened once, hashed from that descriptor, and executed from it
// or from a sealed copy of what was hashed, so that nobody can put other bytes between the look and the run.
// Which of the two, and why: docs/spawner.md.
#pragma once
#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::host {

struct Program {
  base::UniqueFd file;     // for execveat(2) with AT_EMPTY_PATH
  bool is_script = false;  // begins with "#!": its interpreter opens the descriptor again
};

// `stop` is asked after every quarter of a megabyte; true gives up with Code::cancelled. Other failures:
// not_found and io as for execve(2), forbidden: another SHA-256, too_large and unsupported: it cannot be run
// safely.
base::Result<Program> open_program(const std::string& path, const std::string& sha256,
                                   const std::function<bool()>& stop);

}  // namespace fairlead::host
