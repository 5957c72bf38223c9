// A task's timeline as text that grows at its end: a JSON array a line, so that a transition is one write of
// one row. Pure.
//   ["claimed",1763741858123,"queued","claimed",1,"worker:anna","anna",""]     a transition: event, time,
//       from ("" for none), to, epoch, actor, worker, detail
//   ["late_report",1763741858123,1,"worker:anna","anna","{…}"]                 a note: kind, time, epoch, …
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/task.hpp"

namespace fairlead::store {

void append_entry(std::string& timeline, const core::TimelineEntry& entry);
void append_note(std::string& timeline, const core::TimelineNote& note);

struct Timeline {
  std::vector<core::TimelineEntry> entries;
  std::vector<core::TimelineNote> notes;
};
// Lines that are of neither shape are left out.
Timeline parse_timeline(std::string_view text);

}  // namespace fairlead::store
