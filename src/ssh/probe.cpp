#include "ssh/probe.hpp"

#include <algorithm>

namespace fairlead::ssh {

std::ptrdiff_t WatchedChannel::read(std::span<std::uint8_t> into) {
  if (swallowed_) return 0;
  const auto got = inner_->read(into);
  if (got <= 0 || !probe_) return got;
  const ProbePtr probe = std::exchange(probe_, nullptr);
  const auto bytes = into.first(static_cast<std::size_t>(got));
  if (probe->returned || !std::equal(bytes.begin(), bytes.end(), probe->nonce.begin(), probe->nonce.end()))
    return got;
  swallowed_ = true;
  probe->come_back();
  return 0;
}

}  // namespace fairlead::ssh
