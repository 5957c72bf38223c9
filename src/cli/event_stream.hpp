// Server-sent events, taken apart: fed with whatever bytes arrive, calls back once for each whole event.
// Follows "Interpreting an event stream" of the HTML standard. Pure; owned by the request that reads the
// stream.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace fairlead::cli {

struct StreamEvent {
  std::string id;    // of the last event that carried one
  std::string type;  // "message" when it has no name
  std::string data;  // lines joined by '\n'
};

class EventStream {
 public:
  explicit EventStream(std::function<void(const StreamEvent&)> on_event) : on_event_(std::move(on_event)) {}

  // False when a line is longer than 1 MiB: give the stream up.
  [[nodiscard]] bool feed(std::string_view bytes);

 private:
  void take_line(std::string_view line);
  void take_field(std::string_view name, std::string_view value);

  std::function<void(const StreamEvent&)> on_event_;
  StreamEvent event_;
  std::string line_;
  bool has_data_ = false;
  bool after_return_ = false;  // a '\n' right after '\r' belongs to it
};

}  // namespace fairlead::cli
