#include "core/task_result.hpp"

#include <algorithm>
#include <array>

#include "core/task.hpp"

namespace fairlead::core {

namespace {

constexpr std::array<std::string_view, 7> kExitClasses = {
    "none", "success", "failure", "signalled", "timed_out", "stopped", "not_started",
};

base::Json output_json(const TaskOutput& output) {
  base::Json json = base::Json::object();
  json.set("head", output.head);
  if (!output.tail.empty()) json.set("tail", output.tail);
  json.set("total", output.total).set("truncated", output.truncated);
  return json;
}

TaskOutput parse_output(base::JsonView json) {
  return {std::string(json["head"].text()), std::string(json["tail"].text()),
          static_cast<std::uint64_t>(json["total"].integer()), json["truncated"].boolean()};
}

}  // namespace

std::string_view to_string(ExitClass value) {
  return kExitClasses[static_cast<std::size_t>(value)];
}

TaskError make_task_error(std::string_view code, std::string_view message) {
  TaskError error{std::string(code), {}, message.size() > kMaxErrorMessage};
  std::size_t end = std::min(message.size(), kMaxErrorMessage);
  // A byte 10xxxxxx continues a character: the cut goes before its first byte.
  while (error.truncated && end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) --end;
  error.message = message.substr(0, end);
  return error;
}

base::Json result_json(const TaskResult& result) {
  base::Json json = base::Json::object();
  json.set("status", result.ok() ? "done" : "failed").set("exit_class", to_string(result.exit_class));
  json.set("exit_status", result.exit_status).set("duration_ms", result.duration.count());
  if (result.exit_class != ExitClass::none || result.out.total > 0) {
    json.set("stdout", output_json(result.out)).set("stderr", output_json(result.err));
  }
  if (!result.data.empty()) {
    auto data = base::Json::parse(result.data);
    json.set("data", data ? std::move(*data) : base::Json(result.data));
  }
  if (!result.sandbox.empty()) json.set("sandbox", result.sandbox);
  if (!result.ok()) {
    base::Json error = base::Json::object();
    error.set("code", result.error.code).set("message", result.error.message);
    json.set("error", std::move(error.set("truncated", result.error.truncated)));
  }
  return json;
}

base::Result<TaskResult> parse_result(base::JsonView json) {
  TaskResult result;
  std::size_t exit_class = 0;
  while (exit_class < kExitClasses.size() && kExitClasses[exit_class] != json["exit_class"].text())
    ++exit_class;
  if (exit_class == kExitClasses.size())
    return base::Error{base::Code::protocol, "is no result of a task: its exit_class is unknown", {}};
  result.exit_class = static_cast<ExitClass>(exit_class);
  result.exit_status = static_cast<int>(json["exit_status"].integer());
  result.duration = base::Millis(json["duration_ms"].integer());
  result.out = parse_output(json["stdout"]);
  result.err = parse_output(json["stderr"]);
  if (json["data"].exists()) result.data = json["data"].dump();
  result.sandbox = json["sandbox"].text();
  const auto error = json["error"];
  result.error = {std::string(error["code"].text()), std::string(error["message"].text()),
                  error["truncated"].boolean()};
  return result;
}

}  // namespace fairlead::core
