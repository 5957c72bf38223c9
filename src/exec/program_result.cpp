// How a child ended, as the result of the attempt that it was: the table of docs/executors.md, "Results".
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"
#include "exec/program.hpp"

namespace fairlead::exec {

namespace {

using core::ExitClass;
namespace task_error = core::task_error;

constexpr std::size_t kMaxData = 64u << 10;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Where the end of a head falls inside a character, its first bytes go, too. A character has four at most.
std::string_view without_cut_end(std::string_view head) {
  std::size_t begin = head.size();
  while (begin > 0 && head.size() - begin < 3 && continues_character(head[begin - 1])) --begin;
  if (begin == 0) return head;
  const auto lead = static_cast<unsigned char>(head[begin - 1]);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  return head.size() - (begin - 1) < length ? head.substr(0, begin - 1) : head;
}

std::string_view without_cut_begin(std::string_view tail) {
  std::size_t cut = 0;
  while (cut < 3 && cut < tail.size() && continues_character(tail[cut])) ++cut;
  return tail.substr(cut);
}

core::TaskOutput task_output(const core::ChildOutput& output) {
  if (!output.truncated()) return {base::to_utf8(output.head + output.tail), {}, output.total, false};
  return {base::to_utf8(without_cut_end(output.head)), base::to_utf8(without_cut_begin(output.tail)),
          output.total, true};
}

// A program that prints one JSON object or array, and nothing else, hands that over as data.
std::string data_of(const core::ChildOutput& out) {
  if (out.truncated() || out.total > kMaxData) return {};
  const std::string text = out.head + out.tail;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[')) return {};
  const auto json = base::Json::parse(text);
  if (!json) return {};
  std::string data = json->dump();
  return data.size() <= kMaxData ? data : std::string();
}

std::string signal_text(int number) {
  const char* name = ::sigabbrev_np(number);
  return "signal " + std::to_string(number) + (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
}

void set_end(core::TaskResult& result, const core::ChildResult& child, base::Millis timeout, Ending ending) {
  const auto say = [&](ExitClass exit_class, std::string_view code, const std::string& message) {
    result.exit_class = exit_class;
    result.error = core::make_task_error(code, message);
  };
  switch (child.end) {
    case core::ChildEnd::exited:
      result.exit_status = child.status;
      if (child.status != 0)
        say(ExitClass::failure, task_error::kRuntime, "exited with status " + std::to_string(child.status));
      else
        result.exit_class = ExitClass::success;
      return;
    case core::ChildEnd::signalled:
      result.exit_status = child.status;
      return say(ExitClass::signalled, task_error::kRuntime, "was ended by " + signal_text(child.status));
    case core::ChildEnd::timed_out:
      return say(ExitClass::timed_out, task_error::kTimeout,
                 "did not end within its timeout of " + base::format_duration(timeout));
    case core::ChildEnd::killed:
      if (ending == Ending::on_request)
        return say(ExitClass::stopped, task_error::kCancelled, "was stopped on request");
      return say(ExitClass::stopped, task_error::kLostWorker,
                 "was killed because its worker's lease ran out");
  }
}

core::TaskResult failed_start(const base::Error& why) {
  core::TaskResult result;
  result.exit_class = ExitClass::not_started;
  std::string_view code = task_error::kNotStarted;
  if (why.code == base::Code::forbidden) code = task_error::kForbidden;
  // The daemon stops. It may have begun, and is ended.
  if (why.code == base::Code::cancelled) {
    result.exit_class = ExitClass::stopped;
    code = task_error::kCancelled;
  }
  // It may have begun, too: whether or not, nothing of it is left.
  if (why.code == base::Code::unavailable) {
    result.exit_class = ExitClass::stopped;
    code = task_error::kRuntime;
  }
  result.error = core::make_task_error(code, why.text());
  return result;
}

}  // namespace

core::TaskResult task_result(const base::Result<core::ChildResult>& outcome, base::Millis timeout,
                             Ending ending) {
  if (!outcome) return failed_start(outcome.error());
  core::TaskResult result;
  result.out = task_output(outcome->out);
  result.err = task_output(outcome->err);
  result.duration = outcome->duration;
  result.sandbox = outcome->level.text();
  if (outcome->end == core::ChildEnd::exited) result.data = data_of(outcome->out);
  set_end(result, *outcome, timeout, ending);
  return result;
}

core::TaskResult refused_result(const base::Error& why) {
  core::TaskResult result;
  result.exit_class = ExitClass::not_started;
  result.error = core::make_task_error(
      why.code == base::Code::forbidden ? task_error::kForbidden : task_error::kValidation, why.text());
  return result;
}

}  // namespace fairlead::exec
