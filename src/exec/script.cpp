// `script`: programs that the configuration allows by name, path and SHA-256.
#include <utility>

#include "base/text.hpp"
#include "exec/executors.hpp"
#include "exec/payload.hpp"
#include "exec/program.hpp"

namespace fairlead::exec {

namespace {

constexpr std::size_t kLongestName = 64;

class Script final : public core::Executor {
 public:
  Script(loop::Loop& loop, core::SpawnPort& spawn, std::map<std::string, core::ScriptProgram> programs)
      : loop_(loop), spawn_(spawn), programs_(std::move(programs)) {}

  std::string_view kind() const override { return "script"; }

  base::Result<> validate_pre(const core::TaskEnvelope& task) const override {
    const auto payload = parse_program_payload(task.payload, "program");
    if (!payload) return payload.error();
    const auto program = allowed(*payload);
    if (!program) return program.error();
    return base::success();
  }

  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run, OnOutput on_output,
                                              Done done) override {
    auto payload = parse_program_payload(run.envelope.payload, "program");
    if (!payload) return end_soon(loop_, refused_result(payload.error()), std::move(done));
    const auto program = allowed(*payload);
    if (!program) return end_soon(loop_, refused_result(program.error()), std::move(done));
    const core::ScriptProgram& script = **program;
    std::vector<std::string> argv{script.path};
    argv.insert(argv.end(), script.args.begin(), script.args.end());
    argv.insert(argv.end(), payload->args.begin(), payload->args.end());
    auto spec = child_spec(script.program, run, std::move(argv), std::move(payload->input));
    spec.sha256 = script.sha256;
    return run_program(spawn_, std::move(spec), std::move(on_output), std::move(done));
  }

  base::Result<> validate_post(const core::TaskEnvelope&, const core::TaskResult&) const override {
    return base::success();
  }

 private:
  base::Result<const core::ScriptProgram*> allowed(const ProgramPayload& payload) const {
    const auto found = programs_.find(payload.what);
    if (found == programs_.end()) return unknown(payload.what);
    if (!payload.args.empty() && !found->second.accepts_args)
      return base::Error{
          base::Code::forbidden,
          "payload.args: \"" + payload.what +
              "\" takes none from tasks; `accepts_args: true` in its configuration allows them",
          {}};
    return &found->second;
  }

  base::Error unknown(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const auto& [known, program] : programs_) names.push_back(known);
    const auto near = base::nearest(name, names);
    const std::string cure = near.empty() ? "add it to executors.script.programs in the configuration"
                                          : "did you mean \"" + std::string(near) + "\"?";
    return {base::Code::forbidden,
            "payload.program: \"" + base::printable(name, kLongestName) + "\" is not allowed here; " + cure,
            {}};
  }

  loop::Loop& loop_;
  core::SpawnPort& spawn_;
  std::map<std::string, core::ScriptProgram> programs_;
};

}  // namespace

std::unique_ptr<core::Executor> make_script(loop::Loop& loop, core::SpawnPort& spawn,
                                            std::map<std::string, core::ScriptProgram> programs) {
  return std::make_unique<Script>(loop, spawn, std::move(programs));
}

}  // namespace fairlead::exec
