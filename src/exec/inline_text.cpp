// `run_bash` and `run_python`: text that a task brings, where the configuration allows it by name. The text
// and its arguments are words of an argv array; nothing is put together into a command line.
#include <utility>

#include "base/file.hpp"
#include "exec/executors.hpp"
#include "exec/payload.hpp"
#include "exec/program.hpp"

namespace fairlead::exec {

namespace {

struct Interpreter {
  std::string_view kind;
  std::vector<std::string> places;   // absolute; the first that exists is taken
  std::vector<std::string> options;  // before the text
  std::vector<std::string> name;     // between the text and its arguments: what bash calls $0
};

Interpreter bash() {
  return {"run_bash", {"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"}, {"-c"}, {"bash"}};
}
// -I: no variable of the environment, no folder but the system's is looked at for modules.
Interpreter python() {
  return {"run_python",
          {"/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"},
          {"-I", "-X", "utf8", "-c"},
          {}};
}

std::string first_there(const std::vector<std::string>& places) {
  for (const auto& place : places)
    if (base::exists(place)) return place;
  return places.front();  // its absence is told when a task wants it
}

class InlineText final : public core::Executor {
 public:
  InlineText(loop::Loop& loop, core::SpawnPort& spawn, Interpreter interpreter,
             core::ProgramSettings settings)
      : loop_(loop),
        spawn_(spawn),
        interpreter_(std::move(interpreter)),
        path_(first_there(interpreter_.places)),
        settings_(std::move(settings)) {}

  std::string_view kind() const override { return interpreter_.kind; }

  base::Result<> validate_pre(const core::TaskEnvelope& task) const override {
    const auto payload = parse_program_payload(task.payload, "text");
    if (!payload) return payload.error();
    return base::success();
  }

  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run, OnOutput on_output,
                                              Done done) override {
    auto payload = parse_program_payload(run.envelope.payload, "text");
    if (!payload) return end_soon(loop_, refused_result(payload.error()), std::move(done));
    std::vector<std::string> argv{path_};
    const auto append = [&](const std::vector<std::string>& words) {
      argv.insert(argv.end(), words.begin(), words.end());
    };
    append(interpreter_.options);
    argv.push_back(std::move(payload->what));
    append(interpreter_.name);
    append(payload->args);
    auto spec = child_spec(settings_, run, std::move(argv), std::move(payload->input));
    return run_program(spawn_, std::move(spec), std::move(on_output), std::move(done));
  }

  base::Result<> validate_post(const core::TaskEnvelope&, const core::TaskResult&) const override {
    return base::success();
  }

 private:
  loop::Loop& loop_;
  core::SpawnPort& spawn_;
  Interpreter interpreter_;
  std::string path_;
  core::ProgramSettings settings_;
};

}  // namespace

std::unique_ptr<core::Executor> make_run_bash(loop::Loop& loop, core::SpawnPort& spawn,
                                              core::ProgramSettings settings) {
  return std::make_unique<InlineText>(loop, spawn, bash(), std::move(settings));
}

std::unique_ptr<core::Executor> make_run_python(loop::Loop& loop, core::SpawnPort& spawn,
                                                core::ProgramSettings settings) {
  return std::make_unique<InlineText>(loop, spawn, python(), std::move(settings));
}

}  // namespace fairlead::exec
