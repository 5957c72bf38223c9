// The messages of one sender on their way: a bounded queue, one attempt at a time and in order, waits between
// failed attempts, and the rate limit with the summary of what it held back. Owned by the Notifier; loop
// thread only.
//
// A message leaves the queue delivered, or as a dead letter. What was held back never was in the queue: it is
// counted, and one message sums it up as soon as the limit allows one.
#pragma once
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "core/backoff.hpp"
#include "core/notify_status.hpp"
#include "loop/timer.hpp"
#include "notify/attempt.hpp"
#include "notify/rate_limit.hpp"

namespace fairlead::notify {

// Bounded: the latest.
class DeadLetters {
 public:
  void add(core::DeadLetter letter);
  const std::deque<core::DeadLetter>& letters() const { return letters_; }

 private:
  std::deque<core::DeadLetter> letters_;
};

// What the outboxes share; outlives them.
struct Post {
  Ways ways;
  base::Log& log;
  base::Random random;
  DeadLetters dead;
};

class Outbox {
 public:
  Outbox(Post& post, std::shared_ptr<const core::Sender> sender);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  const core::Sender& sender() const { return *sender_; }
  std::shared_ptr<const core::Sender> shared_sender() const { return sender_; }

  // `notice` is tidied.
  void add(core::Notice notice);
  // Other settings for the same name: the queue stays, and its first message is tried anew at once, by them.
  void change(std::shared_ptr<const core::Sender> sender);
  // Everything that is queued or held back becomes a dead letter: the sender leaves the configuration.
  void give_up(const std::string& reason);

  std::size_t waiting() const { return queue_.size() + held_count_; }
  core::SenderStatus status() const;

 private:
  void enqueue(core::Notice notice);
  void hold_back(const core::Notice& notice);
  void sum_up();
  core::Notice take_summary();  // of what is held back, which is nothing then
  void send_next();
  void on_verdict(const Verdict& verdict);
  void wait_and_retry(const Verdict& verdict);
  void drop_first(const std::string& reason);
  void bury(const core::Notice& notice, int attempts, const std::string& reason);

  Post& post_;
  std::shared_ptr<const core::Sender> sender_;
  std::deque<Message> queue_;
  std::unique_ptr<Attempt> attempt_;
  core::Backoff backoff_;  // of the first in the queue; its attempts() are the failed ones
  int attempts_ = 0;       // made for the first in the queue
  loop::Timer retry_;

  RateLimit limit_;
  loop::Timer limit_over_;
  std::size_t held_count_ = 0;
  std::vector<std::string> held_titles_;  // the first few
  core::Severity held_severity_ = core::Severity::info;

  core::SenderStatus counts_;
};

}  // namespace fairlead::notify
