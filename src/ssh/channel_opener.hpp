// Opens channels one at a time: libssh2 keeps the state of an open in the session, so a second one must wait.
// A target that never answers holds the line only until the codec gives up on it (15 s; 60 s on
// libssh2 1.10); those waiting behind it give up by their own deadline and are told so.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "base/clock.hpp"
#include "ssh/codec.hpp"

namespace fairlead::ssh {

class ChannelOpener {
 public:
  // `channel` is set when the result is `opened`. Called from advance(), never from open().
  using Done = std::function<void(OpenResult result, ChannelPtr channel)>;
  using Id = std::uint64_t;

  // `target` empty: a bare session channel. Ids are never 0.
  Id open(std::optional<core::Endpoint> target, base::Millis deadline, Done done);
  // The caller has lost interest; a channel that opens later is closed at once.
  void cancel(Id id);
  // Drives the open that is under way and starts the next. Callbacks may call open() and cancel().
  // True when something moved; sets *failed when the session is over.
  bool advance(Codec& codec, bool* failed);
  // The request is on the wire, not waiting behind another.
  bool under_way(Id id) const { return started_ && !queue_.empty() && queue_.front().id == id; }
  bool behind_another(Id id) const { return !queue_.empty() && queue_.front().id != id; }
  bool idle() const { return queue_.empty(); }

 private:
  struct Request {
    Id id;
    std::optional<core::Endpoint> target;
    base::SteadyTime deadline;
    Done done;  // empty: cancelled
  };
  void finish(OpenResult result, ChannelPtr channel);
  bool expire();

  std::deque<Request> queue_;  // the front one is under way once started_
  bool started_ = false;
  Id next_id_ = 1;
};

}  // namespace fairlead::ssh
