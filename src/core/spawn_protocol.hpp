// What the daemon (exec/) and `fairlead-host spawner` (host/) say to each other: one JSON object a line.
// Pure: text to values and back; whatever arrives is checked here, once, by either side.
//
//   to the spawner      {"do":"start","id":7,"argv":[…],…}  {"do":"renew","id":7,"lease_until_ms":…}
//   {"do":"end","id":7} from the spawner    {"child":"started","id":7,"pid":123}
//   {"child":"failed","id":7,"code":"io","message":"…"}
//   {"child":"output","id":7,"stream":"out","bytes":"…","cut":false}
//   {"child":"ended","id":7,"end":"exited","status":0,"duration_ms":3,"level":{…},"out":{…},"err":{…}}
//
// Input and output are bytes, so they travel as base64. A child that ends at once may have no "started". Of a
// start, what has a default may be left out.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/child.hpp"

namespace fairlead::core {

using ChildId = std::uint64_t;  // chosen by the daemon, 1 to 2^53; never used twice on one connection

constexpr std::size_t kMaxChildren = 256;  // at a time
constexpr std::size_t kMaxChildInput = 1u << 20;
constexpr std::size_t kMaxChildOutput = 1u << 20;   // head, and tail, of each stream
constexpr std::size_t kMaxSpawnRequest = 4u << 20;  // bytes of a line: ARG_MAX and the input fit
constexpr std::size_t kMaxSpawnReport = 6u << 20;   // two heads and two tails in base64 fit
constexpr std::size_t kMaxChildPath = 4096;         // PATH_MAX
constexpr std::size_t kMaxWritable = 64;            // paths that a sandboxed child may write to
constexpr base::Millis kMaxChildGrace{10 * 60'000};
constexpr base::Millis kMaxChildTimeout{366LL * 24 * 3'600'000};

// Whether a child can be started so; Code::bad_request names the field.
base::Result<> check_spec(const ChildSpec& spec);

struct StartChild {
  ChildId id = 0;
  ChildSpec spec;
};
struct RenewLease {
  ChildId id = 0;
  base::BootTime until;
};
struct EndChild {
  ChildId id = 0;
};
using SpawnRequest = std::variant<StartChild, RenewLease, EndChild>;

struct ChildStarted {
  ChildId id = 0;
  std::int64_t pid = 0;
};
struct ChildFailed {
  ChildId id = 0;
  base::Error error;  // one of those of SpawnPort::Done
};
struct ChildWrote {
  ChildId id = 0;
  ChildPiece piece;
};
struct ChildEnded {
  ChildId id = 0;
  ChildResult result;
};
using SpawnReport = std::variant<ChildStarted, ChildFailed, ChildWrote, ChildEnded>;

// Precondition for a start: check_spec() has passed.
std::string encode(const SpawnRequest& request);
std::string encode(const SpawnReport& report);

// Code::protocol: no such message, and the connection is not worth keeping. A start that is well-formed but
// asks for something impossible is a value: check_spec() is the receiver's.
base::Result<SpawnRequest> decode_request(std::string_view line);
base::Result<SpawnReport> decode_report(std::string_view line);

}  // namespace fairlead::core
