// Where the chain goes on: looks at the head file and the end of the newest files, and puts a torn tail
// aside. Blocking: run by the Writer, before its first write and after its file was taken away under it.
//
// What a power cut leaves is told from what tampering leaves by the head file: lines up to the head were
// synced before it was written, so damage behind the head is torn and is cut off (kept beside, recorded),
// while damage up to the head is left as it is, for `verify` to find. The chain then goes on from the head
// and not from what the file pretends, so that the gap stays visible.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/folder.hpp"
#include "audit/line.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::audit {

struct Recovered {
  Position at;                        // the line that the next one follows
  base::UniqueFd fd;                  // audit.jsonl, open for appending
  std::uint64_t size = 0;             // of audit.jsonl, which ends with a newline or is empty
  std::uint64_t first_seq;            // of the line that audit.jsonl begins with, or will
  Head head;                          // as it is on disk, or ought to be
  bool head_stale = false;            // the head on disk must be written anew
  std::vector<Pending> notes;         // what was found, to be written as lines of the log
  std::vector<std::string> warnings;  // what was found and shows in verify: for the daemon's log
};

// Makes the folder and the file when they are missing. `known` is where the caller knows the chain to be when
// it wrote before; it outranks an older head on disk.
base::Result<Recovered> recover(const std::string& folder, unsigned folder_mode,
                                const std::optional<Position>& known);

}  // namespace fairlead::audit
