// The commands that talk to the daemon, a function for each group: it writes their grammar down.
#pragma once
#include "cli/syntax.hpp"

namespace fairlead::cli {

void add_tunnel_commands(Command program);   // up down restart reconnect
void add_status_command(Command program);    // status
void add_logs_command(Command program);      // logs
void add_control_commands(Command program);  // reload log-level version
void add_notify_commands(Command program);   // notify test
void add_task_commands(Command program);     // task
void add_worker_commands(Command program);   // worker
void add_queue_commands(Command program);    // queue

}  // namespace fairlead::cli
