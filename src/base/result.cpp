#include "base/result.hpp"

#include <system_error>

namespace fairlead::base {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::bad_config:
      return "bad_config";
    case Code::bad_request:
      return "bad_request";
    case Code::not_found:
      return "not_found";
    case Code::already:
      return "already";
    case Code::forbidden:
      return "forbidden";
    case Code::conflict:
      return "conflict";
    case Code::unavailable:
      return "unavailable";
    case Code::timed_out:
      return "timed_out";
    case Code::io:
      return "io";
    case Code::protocol:
      return "protocol";
    case Code::too_large:
      return "too_large";
    case Code::unsupported:
      return "unsupported";
    case Code::cancelled:
      return "cancelled";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

Error os_error(std::string_view what, int errno_value) {
  return Error{Code::io, std::string(what) + ": " + std::generic_category().message(errno_value), {}};
}

}  // namespace fairlead::base
