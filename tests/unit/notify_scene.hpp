// What the tests of notifications share: a loop, receivers whose answers come from the test, and secret
// files.
#pragma once
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "core/child.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "notify/attempt.hpp"
#include "run_loop.hpp"
#include "temp_folder.hpp"

namespace scene {

using namespace fairlead;
using namespace std::chrono_literals;

// An HTTP client that keeps what is asked. Answers come from `script`; without one nothing is ever answered.
class ScriptedHttp : public core::HttpClient {
 public:
  using Script = std::function<base::Result<core::HttpResponse>(const core::HttpRequest&)>;
  explicit ScriptedHttp(loop::Loop& loop) : loop_(loop) {}

  Script script;
  std::vector<core::HttpRequest> requests;
  int open = 0;  // calls that were not destroyed yet

  std::unique_ptr<core::HttpCall> start(core::HttpRequest request, Done done, OnData) override {
    requests.push_back(request);
    auto call = std::make_unique<Call>(open);
    if (!script) return call;
    call->answer = std::make_unique<loop::Deferred>(
        loop_, "scripted answer",
        [this, request = std::move(request), done = std::move(done)] { done(script(request)); });
    call->answer->schedule();
    return call;
  }

  // 200 to everything.
  void accept() {
    script = [](const core::HttpRequest&) { return core::HttpResponse{200, "ok"}; };
  }
  // These, one for each request; afterwards 200.
  void answer(std::deque<core::HttpResponse> answers) {
    const auto left = std::make_shared<std::deque<core::HttpResponse>>(std::move(answers));
    script = [left](const core::HttpRequest&) -> base::Result<core::HttpResponse> {
      if (left->empty()) return core::HttpResponse{200, "ok"};
      auto next = std::move(left->front());
      left->pop_front();
      return next;
    };
  }

 private:
  struct Call : core::HttpCall {
    explicit Call(int& count) : open_(count) { ++open_; }
    ~Call() override { --open_; }
    std::unique_ptr<loop::Deferred> answer;
    int& open_;
  };
  loop::Loop& loop_;
};

inline std::string header(const core::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return {};
}

// A spawner that keeps what is to be run; every child ends as `outcome` says.
class ScriptedSpawner : public core::SpawnPort {
 public:
  explicit ScriptedSpawner(loop::Loop& loop) : loop_(loop) {}
  std::vector<core::ChildSpec> specs;
  base::Result<core::ChildResult> outcome{core::ChildResult{}};

  std::unique_ptr<core::ChildCall> start(core::ChildSpec spec, Done done, OnOutput) override {
    specs.push_back(std::move(spec));
    auto call = std::make_unique<Call>();
    call->end = std::make_unique<loop::Deferred>(loop_, "scripted child",
                                                 [this, done = std::move(done)] { done(outcome); });
    call->end->schedule();
    return call;
  }

 private:
  struct Call : core::ChildCall {
    std::unique_ptr<loop::Deferred> end;
  };
  loop::Loop& loop_;
};

template <typename T>
base::Error error_of(const base::Result<T>& result) {
  if (result) fail_msg("it went well, and should not");
  return result.error();
}

inline core::Notice notice(std::string title, core::Severity severity = core::Severity::high) {
  core::Notice notice;
  notice.event = "tunnel_failed";
  notice.subject = "hub";
  notice.severity = severity;
  notice.title = std::move(title);
  notice.text = "reconnecting, for 2m\nauth refused: <publickey> & more";
  notice.at = base::WallTime(std::chrono::seconds(1'772'366'400));  // 2026-03-01T12:00:00Z
  return notice;
}

inline core::Sender webhook(std::string name) {
  core::Sender sender;
  sender.name = std::move(name);
  sender.type = core::SenderType::webhook;
  sender.url = "https://events.example.net/in";
  sender.retry = {3, 1ms, 2ms};
  return sender;
}

}  // namespace scene
