// The two commands of the group `task` that have a file of their own. Private to this folder.
#pragma once
#include "cli/syntax.hpp"
#include "cli/task_wait.hpp"

namespace fairlead::cli {

void add_task_add(Command group);   // task add
void add_task_logs(Command group);  // task logs

// What is wrong with a word that should be a task's id; empty when nothing is.
std::string check_task_id(const std::string& text);
std::string check_duration(const std::string& text);

// Outcomes of a wait: a line for each task, or with `json` one document. `framed`: {"tasks": […]} also for
// one. `before`: how what came before the wait ended; the worse of the two is the exit.
Exit report_ends(Context& context, std::vector<TaskEnd>& ends, bool json, bool framed,
                 Exit before = Exit::ok);

}  // namespace fairlead::cli
