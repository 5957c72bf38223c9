// The decision journal, as the parts that decide see it: what was asked, what was answered, by which hook,
// how long it took (docs/decisions.md). store/ keeps it; app/ owns it. Loop thread only.
//
//   store::Journal journal(loop, log, settings, redact);        // app/: opens the file soon, off the loop
//   journal.record({.event = "reconnect", .kind = "decide", .context = ctx_json, .verdict = verdict_json,
//                   .hook = "20-night.lua:7 patience", .generation = 4, .duration = took});
//   for (const auto& decision : journal.recent(8)) replay(*decision);  // the canary's sample, from memory
//   journal.flush(5s, [](base::Result<> written) { … });        // at stop
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fairlead::core {

// In the place of a verdict; no JSON text, so that no verdict can look like it.
inline constexpr const char* kSafeDefault = "safe_default";

struct Decision {
  std::uint64_t seq = 0;  // given by the file, growing; 0 before it is stored
  base::WallTime time;    // given by record()
  std::string event;      // "reconnect": of the closed table of events
  std::string kind;       // "decide", "transform", …
  std::string context;    // JSON text
  std::string verdict;    // JSON text, or kSafeDefault
  std::string why;        // the safe default was taken; else empty
  std::string hook;       // "20-night.lua:7 patience"; empty: the core's own answer
  std::uint64_t generation = 0;
  std::chrono::microseconds duration{0};
  std::uint64_t left_out = 0;  // decisions of this event that were not stored between the last one and this
};
using DecisionPtr = std::shared_ptr<const Decision>;

struct JournalQuery {
  std::optional<base::WallTime> since, until;  // since <= time < until
  std::string event;                           // empty: every event
  std::uint64_t after_seq = 0;                 // only later ones: to go on where a page ended
  std::size_t limit = 0;                       // so many at most; 0: all
};
using DecisionPage = std::vector<Decision>;  // oldest first, as stored: redacted

struct JournalStatus {
  std::uint64_t stored = 0;    // since the daemon's start
  std::uint64_t left_out = 0;  // by sampling
  std::uint64_t dropped = 0;   // because the queue was full
  std::size_t queued = 0;
  std::uint64_t bytes = 0;  // of the file
  std::string error;        // empty, or why decisions do not reach the file
  std::string set_aside;    // empty, or the name under which the last damaged file was put
};

// A read under way; destroying it cancels: `done` is not called afterwards.
class JournalRead {
 public:
  virtual ~JournalRead() = default;
};

class JournalPort {
 public:
  virtual ~JournalPort() = default;

  // Never blocks and never fails: what cannot be kept is counted.
  virtual void record(Decision decision) = 0;

  // The newest decisions of each event, at most `per_event` of each, oldest first; from memory, not redacted.
  virtual std::vector<DecisionPtr> recent(std::size_t per_event) const = 0;

  // The first page of what the query asks for; an empty one is the end. For the next one, ask again with
  // `after_seq` of the last decision. Error{not_found}: nothing was ever stored.
  virtual std::unique_ptr<JournalRead> read(JournalQuery query,
                                            std::function<void(base::Result<DecisionPage>)> done) = 0;

  virtual JournalStatus status() const = 0;
};

}  // namespace fairlead::core
