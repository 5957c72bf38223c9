#include "store/timeline.hpp"

#include <array>
#include <optional>

#include "base/json.hpp"

namespace fairlead::store {

namespace {

constexpr std::array kNoteKinds = {core::NoteKind::cancel_requested, core::NoteKind::requeue_requested,
                                   core::NoteKind::late_report};

// Written by hand: a tree for every transition would cost more than the row's write.
void append_text(std::string& line, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      line += "\\u00";
      line += kHex[static_cast<unsigned char>(c) >> 4];
      line += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

std::int64_t millis_of(base::WallTime time) {
  return std::chrono::duration_cast<base::Millis>(time.time_since_epoch()).count();
}

void append_texts(std::string& line, std::initializer_list<std::string_view> texts) {
  for (const auto text : texts) {
    line += ',';
    append_text(line, text);
  }
}

std::optional<core::TaskEvent> event_named(std::string_view name) {
  for (const auto& row : core::task_transitions())
    if (to_string(row.event) == name) return row.event;
  return std::nullopt;
}

void parse_line(std::string_view line, Timeline& timeline) {
  const auto tree = base::Json::parse(line);
  if (!tree || !tree->view().is_array()) return;
  const auto fields = tree->view().items();
  const auto text = [&](std::size_t at) { return std::string(fields[at].text()); };
  const auto time = [&] { return base::WallTime(base::Millis(fields[1].integer())); };
  if (fields.size() == 8) {
    const auto event = event_named(fields[0].text());
    const auto to = core::parse_task_state(fields[3].text());
    if (!event || !to) return;
    timeline.entries.push_back({time(), *event, core::parse_task_state(fields[2].text()), *to, text(5),
                                text(6), core::Epoch{fields[4].integer()}, text(7)});
  } else if (fields.size() == 6) {
    for (const auto kind : kNoteKinds)
      if (to_string(kind) == fields[0].text())
        timeline.notes.push_back({time(), kind, text(3), text(4), core::Epoch{fields[2].integer()}, text(5)});
  }
}

}  // namespace

void append_entry(std::string& timeline, const core::TimelineEntry& entry) {
  timeline += '[';
  append_text(timeline, to_string(entry.event));
  timeline.append(",").append(std::to_string(millis_of(entry.time)));
  append_texts(timeline, {entry.from ? to_string(*entry.from) : "", to_string(entry.to)});
  timeline.append(",").append(std::to_string(number(entry.epoch)));
  append_texts(timeline, {entry.actor, entry.worker, entry.detail});
  timeline += "]\n";
}

void append_note(std::string& timeline, const core::TimelineNote& note) {
  timeline += '[';
  append_text(timeline, to_string(note.kind));
  timeline.append(",").append(std::to_string(millis_of(note.time)));
  timeline.append(",").append(std::to_string(number(note.epoch)));
  append_texts(timeline, {note.actor, note.worker, note.detail});
  timeline += "]\n";
}

Timeline parse_timeline(std::string_view text) {
  Timeline timeline;
  while (!text.empty()) {
    const auto end = text.find('\n');
    parse_line(text.substr(0, end), timeline);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return timeline;
}

}  // namespace fairlead::store
