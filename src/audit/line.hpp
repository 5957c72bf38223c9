// One line of the audit log: how it is written and read back. Pure.
//
// A line is one JSON object: time, seq, tunnel, actor, actor_class, event, detail, prev. `prev` is the
// SHA-256 of the exact bytes of the line before it, without its newline; docs/audit.md describes the format.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "core/ports.hpp"

namespace fairlead::audit {

inline constexpr std::size_t kMaxLine = 64u << 10;  // ours stay below 8 KiB; a longer one is not ours

// A place in the chain: the last line's number and hash. The default is the place before the first line.
struct Position {
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');
  bool operator==(const Position&) const = default;
};

// "SEQ:HASH", as the `audit_head` log event prints it and `fairlead audit verify --head` takes it.
std::string to_string(const Position& position);
base::Result<Position> parse_position(std::string_view text);
bool is_hash(std::string_view text);  // 64 lower-case hexadecimal digits

// An entry with the time at which it happened; it gets its place in the chain when it is written.
struct Pending {
  base::WallTime time;
  core::AuditEntry entry;
};

// Every text made printable and cut (detail: 1 KiB), so that what waits in memory is bounded too.
core::AuditEntry bounded(const core::AuditEntry& entry);
// An entry of the log about itself.
Pending own_entry(std::string event, std::string detail);

// Without the newline. `before` is the line that it follows.
std::string format_line(const Pending& pending, const Position& before);

struct Line {
  std::uint64_t seq = 0;  // from 1
  std::string prev;
  base::Json body;
};
// Error{bad_request}: not a line of ours; the message says why.
base::Result<Line> parse_line(std::string_view text);

}  // namespace fairlead::audit
