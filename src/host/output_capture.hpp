// Keeps the beginning and the end of a stream of bytes, and counts them all. Memory: head + 2 × tail at most.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "core/child.hpp"

namespace fairlead::host {

class OutputCapture {
 public:
  OutputCapture(std::size_t head, std::size_t tail) : head_limit_(head), tail_limit_(tail) {}
  void add(std::string_view bytes);
  core::ChildOutput take();  // once, at the end

 private:
  std::size_t head_limit_, tail_limit_;
  core::ChildOutput output_;
};

}  // namespace fairlead::host
