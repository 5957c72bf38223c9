#include "config/mask.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kSecretWords[] = {"token", "secret", "pass", "key", "auth", "sig", "credential"};

std::string mask_query(std::string_view query) {
  std::string masked;
  for (const auto part : base::split(query, '&')) {
    if (!masked.empty()) masked += '&';
    const auto equals = part.find('=');
    const bool secret = equals != std::string_view::npos && is_secret_name(part.substr(0, equals));
    masked += secret ? std::string(part.substr(0, equals + 1)).append(kMask) : std::string(part);
  }
  return masked;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  const std::string small = base::lower(name);
  return std::any_of(std::begin(kSecretWords), std::end(kSecretWords),
                     [&](std::string_view word) { return small.find(word) != std::string::npos; });
}

std::string mask_url(std::string_view url) {
  const auto scheme = url.find("://");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto authority_end = std::min(url.find_first_of("/?#", start), url.size());
  std::string_view authority = url.substr(start, authority_end - start);
  std::string masked(url.substr(0, start));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    masked += kMask;
    authority.remove_prefix(at);
  }
  masked += authority;
  const std::string_view rest = url.substr(authority_end);
  const auto question = rest.find('?');
  if (question == std::string_view::npos) return masked.append(rest);
  const auto hash = std::min(rest.find('#', question), rest.size());
  masked += rest.substr(0, question + 1);
  masked += mask_query(rest.substr(question + 1, hash - question - 1));
  return masked.append(rest.substr(hash));
}

}  // namespace fairlead::config
