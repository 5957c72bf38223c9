// The latest events (or log lines), kept for readers that come back: bounded by count and by bytes. Pure.
//
// A reader is only a cursor, the id of the last event that it has seen: it costs nothing here, however slow
// it is. One that fell behind what is kept, or comes from a former daemon, is told so by covers() and has to
// start anew.
// Owned by app/; loop thread only. Listeners are told from inside append() and may only take note (schedule
// a Deferred): they must not append.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "core/ports.hpp"
#include "core/task.hpp"

namespace fairlead::core {

struct Event {
  std::uint64_t id = 0;
  std::string type;    // "tunnel_state", "log", …
  std::string tunnel;  // empty: the daemon as a whole, or a task
  std::string body;    // one JSON object, in one line
  TaskId task{0};      // 0: not about a task
};

// Which events a reader wants; what is empty or 0 is not looked at.
struct EventFilter {
  std::string tunnel = {};
  TaskId task{0};
  std::string_view without = {};  // a type that is left out; a literal
  bool matches(const Event& event) const;
};

// Wall time in milliseconds times 256: greater than every id that an earlier daemon gave out (fewer than 256
// events a millisecond), and below 10^15, what base::Json prints exactly, until the year 2093. A clock set
// back makes old ids look like ids of the future, which covers() refuses just the same.
std::uint64_t first_event_id(base::WallTime started);

// What a ring holds at most. Of the daemon's log that is also what one may ask for.
inline constexpr std::size_t kMostKept = 4096;

class EventRing {
 public:
  struct Limits {
    std::size_t count = kMostKept;
    std::size_t bytes = 2u << 20;
  };

  EventRing(std::uint64_t first_id, Limits limits);
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  // Returns the new event's id. The oldest ones leave until the limits hold; the newest always stays.
  std::uint64_t append(std::string type, std::string tunnel, std::string body, TaskId task = TaskId{0});

  std::uint64_t next_id() const { return next_id_; }
  std::uint64_t last_id() const { return next_id_ - 1; }  // the cursor of a reader who wants only new events

  // Whether a reader that has seen everything up to `cursor` can go on without a gap.
  bool covers(std::uint64_t cursor) const;
  // The first event after `cursor` that matches; moves the cursor to it, or past everything when there is
  // none. Precondition: covers(cursor). Valid until the next append().
  const Event* next(std::uint64_t& cursor, const EventFilter& filter) const;
  // The newest `count` events in order, oldest first; only that tunnel's unless `tunnel` is empty.
  std::vector<const Event*> tail(std::size_t count, std::string_view tunnel) const;

  // Alive while the caller listens; destroyed before the ring.
  class Subscription {
   public:
    Subscription(EventRing& ring, std::uint64_t key) : ring_(ring), key_(key) {}
    ~Subscription() { ring_.listeners_.erase(key_); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    EventRing& ring_;
    std::uint64_t key_;
  };
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::function<void()> on_append);

 private:
  Limits limits_;
  std::deque<Event> events_;  // ids without gaps
  std::uint64_t next_id_;
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, std::function<void()>> listeners_;
  std::uint64_t next_key_ = 0;
};

// Lets the parts publish into a ring. An event belongs to the tunnel that its body names as "tunnel", and to
// the task that it names as "task": {"id": N}.
class RingPublisher : public EventPort {
 public:
  explicit RingPublisher(EventRing& ring) : ring_(ring) {}
  void publish(std::string_view type, const base::Json& body) override;

 private:
  EventRing& ring_;
};

// A log sink that keeps every line as an event "log":
// {"id":N,"time":"…","level":"info","event":"…", then the fields, each as a string}.
// The line belongs to the tunnel in its field "tunnel". The ring outlives the Log.
base::Log::Sink ring_sink(EventRing& ring);

}  // namespace fairlead::core
