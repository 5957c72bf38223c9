#include "http/event_feed.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fairlead::http {

namespace {

std::string event_text(std::uint64_t id, std::string_view type, std::string_view body) {
  std::string text = "id: " + std::to_string(id) + "\nevent: ";
  text.append(type).append("\ndata: ").append(body).append("\n\n");
  return text;
}

}  // namespace

// The first line makes the head of the response leave at once, and tells browsers when to come back.
EventFeed::EventFeed(const core::EventStream& stream, std::function<void()> on_news)
    : ring_(*stream.ring),
      stream_(stream),
      pending_("retry: 1000\n\n"),
      subscription_(ring_.subscribe(std::move(on_news))) {}

bool EventFeed::refill() {
  if (!pending_.empty()) return true;
  if (ended_) return false;
  if (stream_.first) {
    take(*std::exchange(stream_.first, std::nullopt));
  } else if (!ring_.covers(stream_.cursor)) {
    stream_.cursor = ring_.last_id();
    pending_ = event_text(stream_.cursor, "resync", "{\"id\":" + std::to_string(stream_.cursor) + "}");
    ended_ = stream_.is_last != nullptr;
  } else if (const core::Event* event = ring_.next(stream_.cursor, stream_.filter)) {
    take(*event);
  } else if (comment_due_) {
    pending_ = ":\n\n";
    comment_due_ = false;
  }
  return !pending_.empty();
}

void EventFeed::take(const core::Event& event) {
  pending_ = event_text(event.id, event.type, event.body);
  if (stream_.is_last != nullptr && stream_.is_last(event)) ended_ = true;
}

bool EventFeed::ready() {
  return refill() || ended();
}

std::size_t EventFeed::read(std::span<char> out) {
  std::size_t used = 0;
  while (used < out.size() && refill()) {
    const std::size_t part = std::min(out.size() - used, pending_.size() - sent_);
    std::memcpy(out.data() + used, pending_.data() + sent_, part);
    used += part;
    sent_ += part;
    if (sent_ < pending_.size()) break;
    pending_.clear();
    sent_ = 0;
  }
  return used;
}

}  // namespace fairlead::http
