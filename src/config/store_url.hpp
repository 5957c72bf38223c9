// The URL of a PostgreSQL store: as much of libpq's syntax (its manual, "Connection URIs") as must be known
// before anybody connects. Pure; a failure is a sentence's end and the fix, for the caller to place.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/endpoint.hpp"
#include "core/config.hpp"

namespace fairlead::config {

struct StoreUrl {
  std::vector<core::Endpoint> hosts;  // port 5432 where there is none; without UNIX sockets
  bool sockets = false;               // a host is a UNIX socket's folder, or there is none, which means one
  bool named_apart = false;           // hosts or ports stand among the parameters, too
};

// Refuses passwords, wherever libpq would take one.
std::optional<Refusal> parse_store_url(std::string_view url, StoreUrl& into);

}  // namespace fairlead::config
