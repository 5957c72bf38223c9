#include "ssh/byte_queue.hpp"

#include <algorithm>
#include <cstring>

namespace fairlead::ssh {

namespace {
constexpr std::size_t kLeast = 4096;  // a keepalive or a keystroke should not cost a 64 KiB allocation
}

void ByteQueue::consume(std::size_t count) {
  head_ += count;
  if (head_ == tail_) head_ = tail_ = 0;
}

void ByteQueue::release() {
  if (empty()) clear();
}

void ByteQueue::clear() {
  head_ = tail_ = 0;
  bytes_.reset();
  capacity_ = 0;
}

void ByteQueue::make_room(std::size_t count) {
  if (capacity_ - tail_ >= count) return;
  const std::size_t used = size();
  if (capacity_ - used >= count && head_ >= used) {  // moving down is cheap and does not overlap
    std::memcpy(bytes_.get(), bytes_.get() + head_, used);
  } else {
    const std::size_t wanted = std::max({kLeast, capacity_ * 2, used + count});
    std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[wanted]);
    if (used > 0) std::memcpy(larger.get(), bytes_.get() + head_, used);
    bytes_ = std::move(larger);
    capacity_ = wanted;
  }
  head_ = 0;
  tail_ = used;
}

void ByteQueue::append(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  make_room(bytes.size());
  std::memcpy(bytes_.get() + tail_, bytes.data(), bytes.size());
  tail_ += bytes.size();
}

std::size_t ByteQueue::take(std::span<std::uint8_t> into) {
  const std::size_t count = std::min(into.size(), size());
  if (count == 0) return 0;
  std::memcpy(into.data(), bytes_.get() + head_, count);
  consume(count);
  return count;
}

}  // namespace fairlead::ssh
