#include "host/live_output.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::host {

void LiveOutput::refill(base::BootTime now) {
  const auto since = filled_at_ ? now - *filled_at_ : base::Millis(1000);
  const auto millis = std::clamp<std::int64_t>(since.count(), 0, 1000);
  const auto more = kPerSecond * static_cast<std::size_t>(millis) / 1000;
  if (filled_at_ && more == 0) return;
  now_ = std::min(kPerSecond, now_ + more);
  filled_at_ = now;
}

void LiveOutput::add(std::size_t stream, std::string_view bytes, base::BootTime now) {
  auto& piece = pieces_[stream];
  if (piece.cut) return;  // a piece ends in its gap; what follows belongs to it until the piece is taken
  refill(now);
  const auto room = std::min({bytes.size(), now_, in_all_});
  now_ -= room;
  in_all_ -= room;
  piece.bytes.append(bytes.substr(0, room));
  if (room > 0) gap_[stream] = false;
  if (room < bytes.size()) piece.cut = !std::exchange(gap_[stream], true);
}

bool LiveOutput::waits() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const auto& piece) { return piece.cut || !piece.bytes.empty(); });
}

std::optional<base::BootTime> LiveOutput::due() const {
  if (!waits()) return std::nullopt;
  return next_at_;
}

std::vector<core::ChildPiece> LiveOutput::take(base::BootTime now) {
  std::vector<core::ChildPiece> taken;
  for (auto& piece : pieces_) {
    if (!piece.cut && piece.bytes.empty()) continue;
    taken.push_back(std::exchange(piece, {piece.is_err, {}, false}));
  }
  next_at_ = now + kBetween;
  return taken;
}

}  // namespace fairlead::host
