// A first-in first-out queue of bytes: the buffers between a socket and the SSH codec. Memory is taken on
// demand and kept while bytes come and go (giving it back each time the queue runs empty cost a tenth of the
// CPU of a bulk transfer in brk() and page faults); release() gives it back, so that an idle tunnel holds
// none.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace fairlead::ssh {

class ByteQueue {
 public:
  std::size_t size() const { return tail_ - head_; }
  bool empty() const { return head_ == tail_; }

  // The bytes in order, oldest first; valid until the next non-const call.
  std::span<const std::uint8_t> front() const { return {bytes_.get() + head_, size()}; }
  // Forgets the oldest `count` bytes, count <= size().
  void consume(std::size_t count);
  // Copies bytes in at the end.
  void append(std::span<const std::uint8_t> bytes);
  // Copies the oldest bytes out and forgets them; returns how many.
  std::size_t take(std::span<std::uint8_t> into);
  // Forgets all bytes, and gives the memory back.
  void clear();
  // Gives the memory back when the queue is empty. To be called when there is nothing to do for now.
  void release();

 private:
  void make_room(std::size_t count);

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace fairlead::ssh
