// What became of one attempt to deliver, and how an answer is judged. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/child.hpp"
#include "core/ports.hpp"

namespace fairlead::notify {

enum class Fate : std::uint8_t {
  delivered,
  again,  // may go well another time
  never,  // the receiver has said no, or we cannot ask
};

struct Verdict {
  Fate fate = Fate::delivered;
  base::Error error;                        // unless delivered; names no secret
  std::optional<base::Millis> retry_after;  // the receiver's wish, with Fate::again
};

// 2xx is delivered; 408, 425, 429 and 5xx may go well later; every other status is final, redirects too (they
// are not followed). `now` is for a Retry-After that is a date.
Verdict judge(const core::HttpResponse& response, base::WallTime now);
// No answer: the connection or the name may come back; a request that cannot be made will not.
Verdict judge(const base::Error& error);
Verdict judge(const core::ChildResult& child);

// RFC 9110 section 10.2.3: seconds, or an HTTP date (its preferred form). Nothing for anything else; zero for
// the past.
std::optional<base::Millis> parse_retry_after(std::string_view text, base::WallTime now);

}  // namespace fairlead::notify
