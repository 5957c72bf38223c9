#include "notify/outbox.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::notify {

namespace {

using std::chrono_literals::operator""h;

constexpr std::size_t kMostDead = 100;
constexpr std::size_t kMostQueued = 100;
constexpr std::size_t kMostTitles = 10;          // of those held back
constexpr base::Millis kLongestRetryAfter = 1h;  // a longer one means: not today

}  // namespace

void DeadLetters::add(core::DeadLetter letter) {
  letters_.push_back(std::move(letter));
  if (letters_.size() > kMostDead) letters_.pop_front();
}

Outbox::Outbox(Post& post, std::shared_ptr<const core::Sender> sender)
    : post_(post),
      sender_(std::move(sender)),
      backoff_(sender_->retry.backoff_initial, sender_->retry.backoff_max),
      retry_(post.ways.loop, "notify-retry", [this] { send_next(); }),
      limit_(sender_->rate, sender_->burst, base::steady_now()),
      limit_over_(post.ways.loop, "notify-rate", [this] { sum_up(); }) {}

Outbox::~Outbox() = default;

void Outbox::add(core::Notice notice) {
  // While some are held back the next ones are too: they would overtake them.
  if (held_count_ > 0 || !limit_.take(base::steady_now())) return hold_back(notice);
  enqueue(std::move(notice));
}

void Outbox::enqueue(core::Notice notice) {
  if (queue_.size() >= kMostQueued)
    return bury(notice, 0, "the queue is full: too many messages wait for delivery");
  queue_.push_back({new_message_id(), std::move(notice)});
  if (!attempt_ && !retry_.active()) send_next();
}

void Outbox::hold_back(const core::Notice& notice) {
  ++held_count_;
  ++counts_.held_back;
  if (held_titles_.size() < kMostTitles) held_titles_.push_back(notice.title);
  held_severity_ = std::max(held_severity_, notice.severity);
  post_.log.info("notice_held_back",
                 {{"sender", sender_->name}, {"notice", notice.event}, {"subject", notice.subject}});
  if (!limit_over_.active()) limit_over_.start(limit_.wait(base::steady_now()));
}

void Outbox::sum_up() {
  const auto now = base::steady_now();
  if (!limit_.take(now)) return limit_over_.start(limit_.wait(now));
  enqueue(take_summary());
}

core::Notice Outbox::take_summary() {
  core::Notice summary;
  summary.event = "held_back";
  summary.severity = std::exchange(held_severity_, core::Severity::info);
  const std::size_t count = std::exchange(held_count_, 0);
  summary.title = std::to_string(count) + (count == 1 ? " more message" : " more messages") + " held back";
  for (const auto& title : held_titles_) summary.text += title + "\n";
  if (count > held_titles_.size()) summary.text += "…";
  held_titles_.clear();
  summary.at = base::wall_now();
  return tidied(std::move(summary));
}

void Outbox::send_next() {
  retry_.stop();
  if (queue_.empty()) return;
  ++attempts_;
  attempt_ = std::make_unique<Attempt>(post_.ways, sender_, queue_.front(), [this](const Verdict& verdict) {
    attempt_.reset();
    on_verdict(verdict);
  });
}

void Outbox::on_verdict(const Verdict& verdict) {
  const Message& message = queue_.front();
  if (verdict.fate == Fate::delivered) {
    ++counts_.delivered;
    counts_.last_delivered = base::wall_now();
    counts_.last_error.clear();
    post_.log.info("notice_delivered", {{"sender", sender_->name},
                                        {"notice", message.notice.event},
                                        {"subject", message.notice.subject},
                                        {"attempts", attempts_}});
    queue_.pop_front();
    attempts_ = 0;
    backoff_.reset();
    return send_next();
  }
  counts_.last_error = verdict.error.text();
  if (verdict.fate == Fate::never) {
    drop_first(verdict.error.text());
  } else if (attempts_ >= sender_->retry.attempts) {
    drop_first(verdict.error.text() + "; given up after " + std::to_string(attempts_) +
               (attempts_ == 1 ? " attempt" : " attempts"));
  } else if (verdict.retry_after.value_or(base::Millis(0)) > kLongestRetryAfter) {
    drop_first(verdict.error.text() + "; it asks to wait for " + base::format_duration(*verdict.retry_after));
  } else {
    return wait_and_retry(verdict);
  }
  send_next();
}

void Outbox::wait_and_retry(const Verdict& verdict) {
  ++counts_.retried;
  const auto wait = std::max(backoff_.next(post_.random), verdict.retry_after.value_or(base::Millis(0)));
  post_.log.warn("notice_delayed", {{"sender", sender_->name},
                                    {"notice", queue_.front().notice.event},
                                    {"attempts", attempts_},
                                    {"wait", base::format_duration(wait)},
                                    {"error", verdict.error.text()}});
  retry_.start(wait);
}

void Outbox::drop_first(const std::string& reason) {
  bury(queue_.front().notice, attempts_, reason);
  queue_.pop_front();
  attempts_ = 0;
  backoff_.reset();
}

void Outbox::bury(const core::Notice& notice, int attempts, const std::string& reason) {
  ++counts_.dead;
  post_.log.error("notice_dead", {{"sender", sender_->name},
                                  {"notice", notice.event},
                                  {"subject", notice.subject},
                                  {"attempts", attempts},
                                  {"error", reason}});
  post_.dead.add(
      {base::wall_now(), sender_->name, notice.event, notice.subject, notice.title, attempts, reason});
}

void Outbox::change(std::shared_ptr<const core::Sender> sender) {
  sender_ = std::move(sender);
  attempt_.reset();
  backoff_ = {sender_->retry.backoff_initial, sender_->retry.backoff_max};
  attempts_ = 0;
  limit_.change(sender_->rate, sender_->burst);
  if (held_count_ > 0) limit_over_.start(limit_.wait(base::steady_now()));
  counts_.last_error.clear();
  send_next();
}

void Outbox::give_up(const std::string& reason) {
  attempt_.reset();
  retry_.stop();
  limit_over_.stop();
  while (!queue_.empty()) drop_first(reason);
  if (held_count_ > 0) bury(take_summary(), 0, reason);
}

core::SenderStatus Outbox::status() const {
  core::SenderStatus status = counts_;
  status.name = sender_->name;
  status.type = sender_->type;
  status.queued = queue_.size();
  if (retry_.active()) status.next_attempt_in = retry_.remaining();
  return status;
}

}  // namespace fairlead::notify
