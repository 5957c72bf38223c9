#include "core/url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fairlead::core {

std::optional<Url> parse_url(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7F; }))
    return std::nullopt;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  Url url;
  url.scheme = base::lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  url.host.port = url.scheme == "http" ? 80 : 443;
  auto authority = text.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const auto colon = authority.find(':');
    url.host.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (url.host.host.empty()) return std::nullopt;
  if (port.empty()) return url;
  const auto number = port.starts_with(':') ? base::parse_unsigned(port.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  url.host.port = static_cast<std::uint16_t>(*number);
  return url;
}

}  // namespace fairlead::core
