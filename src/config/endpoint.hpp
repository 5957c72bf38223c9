// Hosts and [host:]port texts. Pure; a failure is a sentence's end ("is not …") and the fix, for the caller
// to place.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/config.hpp"

namespace fairlead::config {

struct Refusal {
  std::string message;  // continues `"VALUE" …`
  std::string fix;
};

// "8000", "localhost:8000", "10.0.0.5:80", "[::1]:80". Fills `into`; `default_host` where there is none.
std::optional<Refusal> parse_endpoint(std::string_view text, std::string_view default_host,
                                      core::Endpoint& into);

// A name or an address, IPv6 with or without brackets, which are taken off. Fills `into`.
std::optional<Refusal> parse_host(std::string_view text, std::string& into);

// http:// or https://, a host, perhaps a port, user and path; no blanks.
std::optional<Refusal> check_url(std::string_view url);

}  // namespace fairlead::config
