// Notifications: takes a notice, lets the `notification` transform have its say, and hands it to every sender
// that wants it. Owned by app/; loop thread only. Failures never reach who notifies: they end in the log, in
// the counters and in the dead letters, all in status().
//
// A reload keeps the queue of every sender that stays, also of one whose settings change.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/notify_status.hpp"
#include "core/ports.hpp"
#include "notify/outbox.hpp"

namespace fairlead::notify {

class Notifier final : public core::NotifyPort, public core::Reloadable {
 public:
  // Answers once, now or later: with the notice to send, or nothing to keep quiet. Answers that come when the
  // Notifier is gone are ignored.
  using Transformed = std::function<void(std::optional<core::Notice>)>;
  using Transform = std::function<void(core::Notice, Transformed)>;

  // An empty `transform` changes nothing.
  Notifier(Ways ways, base::Log& log, Transform transform, const core::NotifySettings& settings);
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void notify(core::Notice notice) override;

  // One attempt with a message made for it, past transform, filters and limits. `done` is called once, now or
  // later: Code::not_found for an unknown sender, Code::conflict while too many tests are under way,
  // Code::unavailable when it could not be delivered, with the reason. Not called when the Notifier goes
  // first.
  void test(std::string_view name, std::function<void(base::Result<>)> done);

  core::NotifyStatus status() const;
  std::size_t waiting() const;  // messages that are not delivered yet

  std::string_view part() const override { return "notify"; }
  // Nothing here can fail.
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class SendersTicket;
  void send(core::Notice notice);
  void send_to_named(const core::Notice& notice);
  void switch_to(const core::NotifySettings& settings);

  Post post_;
  Transform transform_;
  std::map<std::string, std::unique_ptr<Outbox>, std::less<>> outboxes_;

  struct Test {
    std::unique_ptr<Attempt> attempt;
    std::function<void(base::Result<>)> done;
  };
  std::map<std::uint64_t, Test> tests_;
  std::uint64_t next_test_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what a late transform looks at
};

}  // namespace fairlead::notify
