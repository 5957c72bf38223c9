#include "ssh/channel_opener.hpp"

#include <utility>

namespace fairlead::ssh {

ChannelOpener::Id ChannelOpener::open(std::optional<core::Endpoint> target, base::Millis deadline,
                                      Done done) {
  const Id id = next_id_++;
  queue_.push_back({id, std::move(target), base::steady_now() + deadline, std::move(done)});
  return id;
}

void ChannelOpener::cancel(Id id) {
  for (auto& request : queue_)
    if (request.id == id) request.done = nullptr;
}

void ChannelOpener::finish(OpenResult result, ChannelPtr channel) {
  const Done done = std::move(queue_.front().done);
  queue_.pop_front();
  started_ = false;
  if (done) done(result, std::move(channel));
}

// Tells those whose time is over, the one under way included (its channel is closed when it opens after all),
// and drops those that were cancelled before they began.
bool ChannelOpener::expire() {
  bool moved = false;
  const auto now = base::steady_now();
  for (std::size_t i = 0; i < queue_.size();) {
    const bool under_way = i == 0 && started_;
    if (queue_[i].done && now >= queue_[i].deadline) {
      const Done done = std::exchange(queue_[i].done, nullptr);
      done(under_way ? OpenResult::timed_out : OpenResult::never_sent, nullptr);
      moved = true;
    }
    if (!queue_[i].done && !under_way)
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
  return moved;
}

bool ChannelOpener::advance(Codec& codec, bool* failed) {
  bool moved = expire();
  while (!queue_.empty()) {
    const bool fresh = !std::exchange(started_, true);
    ChannelPtr channel;
    OpenResult result = OpenResult::refused;
    const auto& target = queue_.front().target;
    const Step step = codec.open(target ? &*target : nullptr, &channel, &result);
    if (step == Step::failed) {
      *failed = true;
      return true;
    }
    if (step == Step::again) return moved || fresh;
    moved = true;
    finish(result, std::move(channel));
  }
  return moved;
}

}  // namespace fairlead::ssh
