// What of a child's output is passed on while it comes: at most 64 KiB a second and 1 MiB in all, both
// streams together, in at most some ten pieces a second of each stream. What is above is left out and marked.
// No clock of its own: the caller says what time it is.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "core/child.hpp"

namespace fairlead::host {

class LiveOutput {
 public:
  static constexpr std::size_t kPerSecond = 64u << 10;
  static constexpr std::size_t kInAll = 1u << 20;
  static constexpr base::Millis kBetween{100};

  void add(std::size_t stream, std::string_view bytes, base::BootTime now);  // 0: stdout, 1: stderr
  // When take() has something; nothing: not before more is added.
  std::optional<base::BootTime> due() const;
  // All that is to be passed on by now. Precondition: due() is past, or nothing will be added any more.
  std::vector<core::ChildPiece> take(base::BootTime now);

 private:
  void refill(base::BootTime now);
  bool waits() const;

  std::array<core::ChildPiece, 2> pieces_{core::ChildPiece{false, {}, false},
                                          core::ChildPiece{true, {}, false}};
  std::array<bool, 2> gap_{};     // a gap was marked, and nothing has been passed on since
  std::size_t now_ = kPerSecond;  // what may still come at this moment
  std::size_t in_all_ = kInAll;   // … and at all
  std::optional<base::BootTime> filled_at_;
  base::BootTime next_at_{};
};

}  // namespace fairlead::host
