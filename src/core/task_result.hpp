// What one attempt at a task came to, as its executor says and as it is stored. Pure.
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::core {

enum class ExitClass : std::uint8_t {
  none,         // there was no process (noop, or it was never started)
  success,      // exited with 0
  failure,      // exited with another status
  signalled,    // by a signal that was not ours
  timed_out,    // its timeout passed
  stopped,      // ended by us: cancelled, handed back, or its lease ran out
  not_started,  // its program could not be started
};
std::string_view to_string(ExitClass value);

struct TaskOutput {
  std::string head, tail;   // UTF-8; the tail is empty while all fits into the head
  std::uint64_t total = 0;  // bytes written
  bool truncated = false;   // something between head and tail is missing
};

struct TaskError {
  std::string code;     // core::task_error; "" when it succeeded
  std::string message;  // at most kMaxErrorMessage bytes
  bool truncated = false;
};

struct TaskResult {
  ExitClass exit_class = ExitClass::none;
  int exit_status = 0;  // exit status, or the signal's number
  TaskOutput out, err;
  std::string data;  // JSON text that the executor made of it; may be empty; at most 64 KiB
  base::Millis duration{0};
  std::string sandbox;  // what held the child: "no_new_privs seccomp landlock-3", may be empty
  TaskError error;
  bool ok() const { return error.code.empty(); }
};

// With the message cut to kMaxErrorMessage, never inside a UTF-8 character.
TaskError make_task_error(std::string_view code, std::string_view message);

base::Json result_json(const TaskResult& result);
// Code::protocol when it is no result.
base::Result<TaskResult> parse_result(base::JsonView json);

}  // namespace fairlead::core
