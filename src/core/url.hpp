// The parts of an http(s) URL that a health check needs. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/config.hpp"

namespace fairlead::core {

struct Url {
  std::string scheme;  // "http" or "https"
  Endpoint host;       // port 80 or 443 unless stated; an IPv6 host without its brackets
};

// Nothing for another scheme, a missing host, a port out of range, blanks or control characters.
std::optional<Url> parse_url(std::string_view text);

}  // namespace fairlead::core
