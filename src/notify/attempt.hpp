// One attempt to deliver one message: reads the sender's secrets off the loop, then asks the HTTP client or
// the spawner, and judges the answer. Owned by an outbox or by a test that the operator asked for; loop
// thread only. Destroying it ends what is under way. What it tells of a failure names no secret, and no URL.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/child.hpp"
#include "core/notify_settings.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "loop/work.hpp"
#include "notify/message.hpp"
#include "notify/verdict.hpp"

namespace fairlead::notify {

// The ways out of this machine. All outlive the attempts.
struct Ways {
  loop::Loop& loop;
  std::function<base::Result<core::HttpClient*>()> http_client;  // loads its module on first use
  core::SpawnPort* spawner = nullptr;                            // null: no commands
  std::string source;                                            // of CloudEvents: "urn:fairlead:HOSTNAME"
};

class Attempt {
 public:
  // `done` is called once, later; it may destroy the attempt.
  using Done = std::function<void(Verdict)>;
  Attempt(const Ways& ways, std::shared_ptr<const core::Sender> sender, Message message, Done done);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

 private:
  struct Secrets {
    base::Result<std::string> url{std::string()}, token{std::string()}, key{std::string()};
  };
  static Secrets read_secrets(const core::Sender& sender);
  void on_secrets(Secrets secrets);
  base::Result<core::HttpRequest> request() const;
  void ask(core::HttpRequest request);
  void run_command();
  void end(Verdict verdict);
  std::string without_secrets(std::string text) const;

  const Ways& ways_;
  std::shared_ptr<const core::Sender> sender_;
  Message message_;
  Done done_;
  std::string url_, token_, key_;  // secrets, or empty
  std::unique_ptr<loop::Work> reading_;
  std::unique_ptr<core::HttpCall> http_call_;
  std::unique_ptr<core::ChildCall> child_;
  Verdict verdict_;
  loop::Deferred deliver_;  // so that no verdict comes from inside the call that caused it
};

}  // namespace fairlead::notify
