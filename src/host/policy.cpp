// `fairlead-host policy`: one generation of hooks. Reads messages, one JSON object a line, and answers each
// in order:
//
//   (first, unasked)                              {"ready": {"api", "level": […], "missing": […]}}
//   {"do": "load", "files": [{"path", "kind", "text"}], "limits": {event: milliseconds}}
//                                                 {"loaded": {"hooks": […], "off": […], "warnings": […]}}
//                                                 or {"refused": [{"file", "line", "message"}]}
//   {"do": "test"}                                {"tests": […], "problems": […]}
//   {"do": "skip", "hook": number}                nothing
//   {"id", "event", "ctx", "value"?, "explain"?}  see calls.hpp
//   {"flow", "start": hook, "clock"}              {"flow", "effect", "arguments"}, {"flow", "failed"} or
//   {"flow", "done"}
//   {"flow", "good"|"error": …, "raise"?, "clock"}  the same
//   {"flow", "cancel": true}                      nothing
//
// In between, {"log": text, "hook": number} is what a script wrote with log(…); without a hook while a file
// loads.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/calls.hpp"
#include "host/channel.hpp"
#include "host/flows.hpp"
#include "host/lua_state.hpp"
#include "host/modes.hpp"
#include "host/sandbox.hpp"
#include "host/test_bench.hpp"
#include "host/verdict.hpp"

namespace fairlead::host {

namespace {

constexpr int kPageFd = 4;
constexpr std::size_t kHeapLimit = 32u << 20;
constexpr std::size_t kAddressSpace = 64u << 20;
constexpr int kMostLogLines = 20;  // for one message

base::Json as_json(const std::vector<std::string>& texts) {
  base::Json list = base::Json::array();
  for (const std::string& text : texts) list.push(text);
  return list;
}

FileKind kind_of(std::string_view kind) {
  if (kind == "standard") return FileKind::standard;
  if (kind == "library") return FileKind::library;
  return kind == "test" ? FileKind::test : FileKind::hook;
}

class Policy {
 public:
  Policy(Channel& channel, core::PolicyPage& page)
      : channel_(channel),
        lua_(kHeapLimit),
        limit_(lua_.get()),
        contexts_(lua_.get()),
        hooks_(lua_.get(), limit_, page, [this](const std::string& text) { log(text); }),
        parts_{lua_.get(), hooks_, contexts_, limit_, page},
        calls_(parts_),
        flows_(parts_),
        bench_(parts_, calls_, flows_) {
    open_verdicts(lua_.get());
  }

  void run() {
    while (const auto line = channel_.next_line()) {
      const auto message = base::Json::parse(*line);
      if (!message) return;  // whoever sends that is not fairlead
      log_lines_ = 0;
      handle(message->view());
    }
  }

 private:
  void handle(base::JsonView message) {
    if (message["event"].exists()) return channel_.send(calls_.answer(message));
    if (message["flow"].exists()) return flow(message);
    const std::string_view what = message["do"].text();
    if (what == "load") load(message);
    if (what == "test") channel_.send(bench_.run(files_).dump());
    if (what == "skip") skip(message["hook"]);
  }

  void load(base::JsonView message) {
    for (const base::JsonView file : message["files"].items())
      files_.push_back({std::string(file["path"].text()), kind_of(file["kind"].text()),
                        std::string(file["text"].text()), static_cast<std::uint32_t>(files_.size())});
    for (const base::JsonView limit : message["limits"].items())
      if (const core::EventInfo* event = core::find_event(limit.key()))
        calls_.set_limit(event->event, std::chrono::milliseconds(limit.integer(1)));
    base::Json reply = base::Json::object();
    if (!hooks_.load(files_)) {
      reply.set("refused", as_json(hooks_.problems()));
    } else {
      base::Json list = base::Json::array();
      for (const Hook& hook : hooks_.hooks()) {
        base::Json one = base::Json::object();
        one.set("event", core::to_string(hook.event))
            .set("name", hook.name)
            .set("file", hook.file)
            .set("line", hook.line);
        one.set("standard", hook.standard);
        if (hook.event == core::HookEvent::every) one.set("seconds", hook.every_seconds);
        list.push(std::move(one));
      }
      base::Json loaded = base::Json::object();
      loaded.set("hooks", std::move(list)).set("off", as_json(hooks_.switched_off()));
      loaded.set("warnings", as_json(hooks_.warnings()));
      reply.set("loaded", std::move(loaded));
    }
    channel_.send(reply.dump());
  }

  void skip(base::JsonView hook) {
    const auto number = static_cast<std::size_t>(hook.integer(-1));
    if (number < hooks_.hooks().size()) hooks_.skip(number);
  }

  void flow(base::JsonView message) {
    const auto id = static_cast<std::uint64_t>(message["flow"].integer());
    const auto limit = calls_.limit(core::HookEvent::every);
    if (message["cancel"].exists()) return flows_.cancel(id);
    if (message["start"].exists()) {
      const auto hook = static_cast<std::size_t>(message["start"].integer(-1));
      if (hook < hooks_.hooks().size() && !flows_.waits(id))
        report(id, flows_.start(id, hook, message["clock"], limit));
      return;
    }
    if (!flows_.waits(id)) return;  // it was cancelled while the answer was on its way
    Flows::Answer answer;
    answer.good = !message["error"].exists();
    answer.value = message["good"];
    answer.message = message["error"].text();
    answer.raise = message["raise"].boolean();
    report(id, flows_.resume(id, answer, message["clock"], limit));
  }

  void report(std::uint64_t id, const Flows::Step& step) {
    std::string line = "{\"flow\":" + std::to_string(id);
    if (step.kind == Flows::Step::Kind::effect)
      line += ",\"effect\":\"" + std::string(core::describe(step.effect).name) +
              "\",\"arguments\":" + step.arguments;
    else if (step.kind == Flows::Step::Kind::failed)
      line += ",\"failed\":" + base::Json(step.message).dump();
    else
      line += ",\"done\":true";
    channel_.send(line + "}");
  }

  void log(const std::string& text) {
    if (++log_lines_ > kMostLogLines) return;
    const bool last = log_lines_ == kMostLogLines;
    base::Json line = base::Json::object();
    line.set("log", last ? "(more lines than a call may log: the rest is dropped)" : text);
    const auto running = parts_.page.hook.load(std::memory_order_relaxed);
    if (running > 0) line.set("hook", running - 1);
    channel_.send(line.dump());
  }

  Channel& channel_;
  LuaState lua_;
  CpuLimit limit_;
  Contexts contexts_;
  HookSet hooks_;
  Calls::Parts parts_;
  Calls calls_;
  Flows flows_;
  TestBench bench_;
  std::vector<SourceFile> files_;
  int log_lines_ = 0;
};

}  // namespace

int run_policy() {
  // A hook that never ends would not see the end of the socket. A daemon that dies before this line shows
  // there.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  void* shared = ::mmap(nullptr, core::kPolicyPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, kPageFd, 0);
  if (shared == MAP_FAILED) return EXIT_FAILURE;
  const Sandbox sandbox = enter_sandbox(kSocketFd, kAddressSpace);
  Channel channel(kSocketFd);
  base::Json ready = base::Json::object();
  ready.set("api", kApiVersion).set("level", as_json(sandbox.level)).set("missing", as_json(sandbox.missing));
  channel.send(base::Json::object().set("ready", std::move(ready)).dump());
  Policy(channel, *static_cast<core::PolicyPage*>(shared)).run();
  // Not through exit handlers: what the sandbox forbids would end the process with a signal.
  ::_exit(EXIT_SUCCESS);
}

}  // namespace fairlead::host
