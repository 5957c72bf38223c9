#include "exec/program.hpp"

#include <cstdlib>
#include <map>
#include <utility>

#include "base/text.hpp"

namespace fairlead::exec {

namespace {

constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

core::ChildLimits child_limits(const core::ProgramLimits& limits) {
  return {limits.cpu_seconds, limits.memory_bytes, limits.file_bytes, limits.open_files, limits.processes};
}

core::SandboxWish sandbox_wish(const core::ProgramSettings& settings) {
  core::SandboxWish wish;
  if (!settings.sandbox) return wish;
  wish.kind = core::SandboxKind::strict;
  wish.network = settings.network;
  wish.writable = settings.writable;
  return wish;
}

// Later ones win: the default, what is inherited, what is set, fairlead's own.
std::map<std::string, std::string> variables(const core::ProgramSettings& settings,
                                             const core::TaskRun& run) {
  std::map<std::string, std::string> all{{"PATH", kDefaultPath}};
  for (const auto& name : settings.inherit)
    if (const char* value = std::getenv(name.c_str())) all[name] = value;
  for (const auto& [name, value] : settings.environment) all[name] = value;
  all["FAIRLEAD_TASK_ID"] = std::to_string(core::number(run.id));
  all["FAIRLEAD_EPOCH"] = std::to_string(core::number(run.epoch));
  all["FAIRLEAD_ATTEMPT"] = std::to_string(run.attempt);
  if (!run.envelope.trace_id.empty()) all["FAIRLEAD_TRACE_ID"] = run.envelope.trace_id;
  return all;
}

}  // namespace

core::ChildSpec child_spec(const core::ProgramSettings& settings, const core::TaskRun& run,
                           std::vector<std::string> argv, std::string input) {
  core::ChildSpec spec;
  spec.argv = std::move(argv);
  const auto all = variables(settings, run);
  spec.environment.assign(all.begin(), all.end());
  spec.folder = settings.folder;
  spec.input = std::move(input);
  if (settings.input == core::TaskInput::file) spec.input_file = "FAIRLEAD_INPUT_FILE";
  // Inside the sandbox nothing else could hold a temporary file.
  if (settings.sandbox && !all.contains("TMPDIR")) spec.private_folder = "TMPDIR";
  spec.limits = child_limits(settings.limits);
  spec.sandbox = sandbox_wish(settings);
  spec.timeout = run.envelope.timeout;
  spec.grace = settings.grace;
  spec.output_tail = settings.output_bytes / 2;
  spec.output_head = settings.output_bytes - spec.output_tail;
  spec.lease_until = run.lease_until;
  return spec;
}

namespace {

class ProgramCall final : public core::ExecutorCall {
 public:
  ProgramCall(base::Millis timeout, core::Executor::Done done) : timeout_(timeout), done_(std::move(done)) {}

  void start(core::SpawnPort& spawn, core::ChildSpec spec, core::Executor::OnOutput on_output) {
    core::SpawnPort::OnOutput on_piece;
    if (on_output)
      on_piece = [on_output = std::move(on_output)](const core::ChildPiece& piece) {
        on_output(piece.is_err, piece.bytes);
      };
    child_ = spawn.start(
        std::move(spec), [this](const base::Result<core::ChildResult>& outcome) { finish(outcome); },
        std::move(on_piece));
  }
  void stop() override {
    ending_ = Ending::on_request;
    child_->end();
  }
  void renew_lease(base::BootTime until) override { child_->renew_lease(until); }

 private:
  // May destroy this.
  void finish(const base::Result<core::ChildResult>& outcome) {
    const auto done = std::move(done_);
    done(task_result(outcome, timeout_, ending_));
  }

  base::Millis timeout_;
  core::Executor::Done done_;
  Ending ending_ = Ending::by_itself;
  std::unique_ptr<core::ChildCall> child_;
};

}  // namespace

std::unique_ptr<core::ExecutorCall> run_program(core::SpawnPort& spawn, core::ChildSpec spec,
                                                core::Executor::OnOutput on_output,
                                                core::Executor::Done done) {
  auto call = std::make_unique<ProgramCall>(spec.timeout, std::move(done));
  call->start(spawn, std::move(spec), std::move(on_output));
  return call;
}

}  // namespace fairlead::exec
