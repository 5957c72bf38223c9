#include "core/event_ring.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace fairlead::core {

namespace {

constexpr std::size_t kOverhead = sizeof(Event);
constexpr std::size_t kMaxField = 4096;  // of a log line's value, as on stderr

std::size_t weight(const Event& event) {
  return kOverhead + event.type.size() + event.tunnel.size() + event.body.size();
}

}  // namespace

bool EventFilter::matches(const Event& event) const {
  return (tunnel.empty() || event.tunnel == tunnel) && (task == TaskId{0} || event.task == task) &&
         (without.empty() || event.type != without);
}

std::uint64_t first_event_id(base::WallTime started) {
  const auto millis = std::chrono::duration_cast<base::Millis>(started.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(millis, 1)) << 8;
}

EventRing::EventRing(std::uint64_t first_id, Limits limits)
    : limits_(limits), next_id_(std::max<std::uint64_t>(first_id, 1)) {}

std::uint64_t EventRing::append(std::string type, std::string tunnel, std::string body, TaskId task) {
  events_.push_back(Event{next_id_++, std::move(type), std::move(tunnel), std::move(body), task});
  bytes_ += weight(events_.back());
  while (events_.size() > 1 && (events_.size() > limits_.count || bytes_ > limits_.bytes)) {
    bytes_ -= weight(events_.front());
    events_.pop_front();
  }
  const std::uint64_t id = last_id();
  for (auto at = listeners_.begin(); at != listeners_.end();) {
    const auto current = at++;  // a listener may end its own subscription
    const auto on_append = current->second;
    on_append();
  }
  return id;
}

bool EventRing::covers(std::uint64_t cursor) const {
  const std::uint64_t oldest = events_.empty() ? next_id_ : events_.front().id;
  return cursor >= oldest - 1 && cursor < next_id_;
}

const Event* EventRing::next(std::uint64_t& cursor, const EventFilter& filter) const {
  if (events_.empty() || cursor >= last_id()) return nullptr;
  for (std::size_t i = cursor + 1 - events_.front().id; i < events_.size(); ++i) {
    if (!filter.matches(events_[i])) continue;
    cursor = events_[i].id;
    return &events_[i];
  }
  cursor = last_id();
  return nullptr;
}

std::vector<const Event*> EventRing::tail(std::size_t count, std::string_view tunnel) const {
  std::vector<const Event*> out;
  for (auto event = events_.rbegin(); event != events_.rend() && out.size() < count; ++event)
    if (tunnel.empty() || event->tunnel == tunnel) out.push_back(&*event);
  std::reverse(out.begin(), out.end());
  return out;
}

std::unique_ptr<EventRing::Subscription> EventRing::subscribe(std::function<void()> on_append) {
  listeners_.emplace(next_key_, std::move(on_append));
  return std::make_unique<Subscription>(*this, next_key_++);
}

void RingPublisher::publish(std::string_view type, const base::Json& body) {
  ring_.append(std::string(type), std::string(body["tunnel"].text()), body.dump(),
               TaskId{body["task"]["id"].integer()});
}

base::Log::Sink ring_sink(EventRing& ring) {
  return [&ring](const base::Record& record) {
    base::Json line = base::Json::object();
    std::string tunnel;
    line.set("id", ring.next_id()).set("time", base::iso8601(record.time));
    line.set("level", base::to_string(record.level)).set("event", record.event);
    for (const auto& field : record.fields) {
      if (field.key == "tunnel") tunnel = field.value;
      // A field never takes the place of the line's own members.
      if (line[field.key].exists()) continue;
      line.set(field.key, base::printable(field.value, kMaxField));
    }
    ring.append("log", std::move(tunnel), line.dump());
  };
}

}  // namespace fairlead::core
