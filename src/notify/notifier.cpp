#include "notify/notifier.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace fairlead::notify {

namespace {

constexpr std::size_t kMostTests = 16;

bool wants(const core::Sender& sender, const core::Notice& notice) {
  if (notice.severity < sender.severity) return false;
  return sender.events.empty() ||
         std::find(sender.events.begin(), sender.events.end(), notice.event) != sender.events.end();
}

core::Notice test_notice(std::string_view sender) {
  core::Notice notice;
  notice.event = "test";
  notice.severity = core::Severity::info;
  notice.title = "fairlead: test message";
  notice.text = "The sender \"" + std::string(sender) + "\" works. Nothing has happened.";
  notice.at = base::wall_now();
  return notice;
}

}  // namespace

class Notifier::SendersTicket final : public core::Ticket {
 public:
  SendersTicket(Notifier& notifier, core::ConfigPtr next) : notifier_(notifier), next_(std::move(next)) {}
  void commit() noexcept override { notifier_.switch_to(next_->notify); }

 private:
  Notifier& notifier_;
  core::ConfigPtr next_;
};

Notifier::Notifier(Ways ways, base::Log& log, Transform transform, const core::NotifySettings& settings)
    : post_{std::move(ways), log, base::Random(base::random_seed()), {}}, transform_(std::move(transform)) {
  switch_to(settings);
}

Notifier::~Notifier() {
  *alive_ = false;
}

void Notifier::notify(core::Notice notice) {
  if (!transform_) return send(std::move(notice));
  transform_(std::move(notice), [this, alive = alive_](std::optional<core::Notice> kept) {
    if (*alive && kept) send(std::move(*kept));
  });
}

void Notifier::send(core::Notice notice) {
  notice = tidied(std::move(notice));
  post_.log.info("notice", {{"notice", notice.event},
                            {"subject", notice.subject},
                            {"severity", to_string(notice.severity)},
                            {"title", notice.title}});
  if (!notice.senders.empty()) return send_to_named(notice);
  for (const auto& [name, outbox] : outboxes_)
    if (wants(outbox->sender(), notice)) outbox->add(notice);
}

void Notifier::send_to_named(const core::Notice& notice) {
  for (const auto& name : notice.senders) {
    const auto found = outboxes_.find(name);
    if (found != outboxes_.end())
      found->second->add(notice);
    else
      post_.log.warn("notice_without_sender",
                     {{"sender", base::printable(name, 64)}, {"notice", notice.event}});
  }
}

void Notifier::test(std::string_view name, std::function<void(base::Result<>)> done) {
  const auto found = outboxes_.find(name);
  if (found == outboxes_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, outbox] : outboxes_) names.emplace_back(known);
    const auto near = base::nearest(name, names);
    return done(base::Error{
        base::Code::not_found,
        "no sender has this name" + (near.empty() ? "" : "; did you mean " + std::string(near) + "?"),
        base::printable(name, 64)});
  }
  if (tests_.size() >= kMostTests)
    return done(base::Error{base::Code::conflict, "too many tests are under way: try again in a moment", {}});
  const std::uint64_t id = next_test_++;
  Test& test = tests_[id];
  test.done = std::move(done);
  test.attempt = std::make_unique<Attempt>(
      post_.ways, found->second->shared_sender(), Message{new_message_id(), tidied(test_notice(name))},
      [this, id](const Verdict& verdict) {
        const auto ended = tests_.extract(id);
        if (verdict.fate == Fate::delivered) return ended.mapped().done(base::success());
        ended.mapped().done(base::Error{base::Code::unavailable, verdict.error.text(), {}});
      });
}

core::NotifyStatus Notifier::status() const {
  core::NotifyStatus status;
  for (const auto& [name, outbox] : outboxes_) status.senders.push_back(outbox->status());
  const auto& letters = post_.dead.letters();
  status.dead_letters.assign(letters.begin(), letters.end());
  return status;
}

std::size_t Notifier::waiting() const {
  std::size_t count = 0;
  for (const auto& [name, outbox] : outboxes_) count += outbox->waiting();
  return count;
}

base::Result<std::unique_ptr<core::Ticket>> Notifier::prepare(const core::ConfigPtr& next) {
  return std::unique_ptr<core::Ticket>(std::make_unique<SendersTicket>(*this, next));
}

void Notifier::switch_to(const core::NotifySettings& settings) {
  std::erase_if(outboxes_, [&](const auto& entry) {
    if (settings.senders.contains(entry.first)) return false;
    entry.second->give_up("the sender was removed from the configuration");
    return true;
  });
  for (const auto& [name, sender] : settings.senders) {
    auto& outbox = outboxes_[name];
    if (!outbox)
      outbox = std::make_unique<Outbox>(post_, std::make_shared<const core::Sender>(sender));
    else if (outbox->sender() != sender)
      outbox->change(std::make_shared<const core::Sender>(sender));
  }
}

}  // namespace fairlead::notify
