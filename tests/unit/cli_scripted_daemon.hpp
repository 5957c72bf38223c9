// A daemon for tests of the command line: an HTTP client whose answers come from a function. It answers on
// the loop as the real one does, and nudges the event stream after each status, so that no test waits for a
// clock.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "loop/loop.hpp"

namespace fairlead::test {

struct ScriptedAnswer {
  int status = 200;
  std::string body;
};
using Script = std::function<base::Result<ScriptedAnswer>(const core::HttpRequest&)>;
// What an event stream sends; then it ends.
using StreamScript = std::function<std::string(const core::HttpRequest&)>;

class ScriptedClient : public core::HttpClient {
 public:
  ScriptedClient(loop::Loop& loop, const Script& script, const StreamScript& stream)
      : loop_(loop), script_(script), stream_(stream) {}

  std::unique_ptr<core::HttpCall> start(core::HttpRequest request, Done done, OnData on_data) override {
    auto call = std::make_unique<Call>();
    if (on_data && stream_) {
      call->answer = std::make_unique<loop::Deferred>(
          loop_, "scripted_stream", [text = stream_(request), done = std::move(done), on_data] {
            on_data(text);
            done(core::HttpResponse{200, {}});
          });
      call->answer->schedule();
      return call;
    }
    if (on_data) {
      nudge_ = [on_data] { on_data("event: tunnel_state\ndata: {}\n\n"); };
      return call;
    }
    call->answer = std::make_unique<loop::Deferred>(
        loop_, "scripted_answer", [this, request = std::move(request), done = std::move(done)] {
          auto answer = script_(request);
          if (nudge_) nudge_();
          if (answer)
            done(core::HttpResponse{answer->status, answer->body});
          else
            done(answer.error());
        });
    call->answer->schedule();
    return call;
  }

 private:
  struct Call : core::HttpCall {
    std::unique_ptr<loop::Deferred> answer;
  };
  loop::Loop& loop_;
  const Script& script_;
  const StreamScript& stream_;
  std::function<void()> nudge_;
};

struct Ran {
  int exit = -1;
  std::string out, err;
};

// `fairlead ARGUMENTS…` against that daemon.
inline Ran run(std::vector<std::string> arguments, const Script& script,
               const StreamScript& stream = nullptr) {
  cli::CommandLine line("fairlead", FAIRLEAD_VERSION, "test", "");
  cli::add_tunnel_commands(line.program());
  cli::add_status_command(line.program());
  cli::add_logs_command(line.program());
  cli::add_control_commands(line.program());
  cli::add_notify_commands(line.program());
  cli::add_task_commands(line.program());
  cli::add_worker_commands(line.program());
  cli::add_queue_commands(line.program());
  std::ostringstream out, err;
  auto parsed = line.parse(std::move(arguments), out, err);
  if (!parsed.exit) {
    cli::Context context{out,
                         err,
                         {},
                         [] {
                           return base::Result<cli::DaemonAddress>(
                               cli::DaemonAddress{"/nonexistent/control.sock", "fairlead daemon"});
                         },
                         [&](loop::Loop& loop) {
                           return base::Result<std::unique_ptr<core::HttpClient>>(
                               std::make_unique<ScriptedClient>(loop, script, stream));
                         }};
    parsed.exit = parsed.run(context);
  }
  return {static_cast<int>(*parsed.exit), out.str(), err.str()};
}

}  // namespace fairlead::test
