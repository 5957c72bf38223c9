// The text of one client's event stream (server-sent events: WHATWG HTML, section 9.2), made as the client
// reads it: at most one event is held here, the rest waits in the ring. Knows no socket.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/http_service.hpp"

namespace fairlead::http {

class EventFeed {
 public:
  // `on_news` is called from inside the ring's append(): it may only take note.
  EventFeed(const core::EventStream& stream, std::function<void()> on_news);

  // Whether read() would yield something now, or the stream has ended.
  bool ready();
  // Copies what fits; 0 when nothing is there now.
  std::size_t read(std::span<char> out);

  void comment() { comment_due_ = true; }  // a line that clients ignore: it finds out whether they live
  void end() { ended_ = true; }            // after what is being sent
  bool ended() const { return ended_ && pending_.empty(); }

 private:
  bool refill();
  void take(const core::Event& event);

  core::EventRing& ring_;
  core::EventStream stream_;
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
  bool comment_due_ = false;
  bool ended_ = false;
  std::unique_ptr<core::EventRing::Subscription> subscription_;
};

}  // namespace fairlead::http
