// Walks the whole chain and says what is wrong with it. Blocking, in memory that does not grow with the log:
// for the CLI and tests. May run beside a daemon that writes.
//
// What each finding means, and what cannot be found, stands in docs/audit.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line.hpp"
#include "base/json.hpp"

namespace fairlead::audit {

enum class Kind : std::uint8_t {
  changed,        // a line's bytes are not those that the next line, or the head, was made from
  missing,        // numbers are left out
  reordered,      // a line stands behind one with a higher number
  inserted,       // a number stands there twice
  malformed,      // not a line of ours
  too_long,       // over 64 KiB
  cut,            // the head, or the head given by the caller, names a later line than the last
  head_mismatch,  // the head names another hash, or a line before the oldest
  head_missing,   // no head file, or a damaged one: a cut end would not show
  unreadable,     // the folder or a file cannot be read
  torn,           // warning: a power cut left half a line, or one is being written at this moment
  head_behind,    // warning: whole lines stand behind the head: written as the power went
  starts_later,   // note: rotation deleted older files
};
std::string_view to_string(Kind kind);

enum class Severity : std::uint8_t { note, warning, failure };
Severity severity_of(Kind kind);
std::string_view to_string(Severity severity);

struct Finding {
  Kind kind;
  std::string file;        // in the folder; empty: about the folder
  std::uint64_t line = 0;  // in that file, from 1; 0: about the file
  std::uint64_t seq = 0;   // 0: not known
  std::string message;
};

struct Report {
  bool ok = true;  // no failure among the findings
  std::uint64_t lines = 0;
  std::uint64_t first_seq = 0, last_seq = 0;
  std::string last_hash;  // of the line with last_seq
  std::vector<Finding> findings;
  std::uint64_t left_off = 0;  // findings beyond the first thousand
};

// `expected`: a head that was kept elsewhere, which must be in the chain.
Report verify(const std::string& folder, const std::optional<Position>& expected = std::nullopt);

std::string to_text(const Report& report);  // lines for people, each ended
base::Json to_json(const Report& report);   // schema fairlead.audit_verify/1

}  // namespace fairlead::audit
