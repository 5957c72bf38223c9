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
      cursor_(stream.cursor),
      tunnel_(stream.tunnel),
      pending_("retry: 1000\n\n"),
      subscription_(ring_.subscribe(std::move(on_news))) {}

bool EventFeed::refill() {
  if (!pending_.empty()) return true;
  if (ended_) return false;
  if (!ring_.covers(cursor_)) {
    cursor_ = ring_.last_id();
    pending_ = event_text(cursor_, "resync", "{\"id\":" + std::to_string(cursor_) + "}");
  } else if (const core::Event* event = ring_.next(cursor_, tunnel_)) {
    pending_ = event_text(event->id, event->type, event->body);
  } else if (comment_due_) {
    pending_ = ":\n\n";
    comment_due_ = false;
  }
  return !pending_.empty();
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
