// Errors as values. Every fallible function of fairlead returns Result<T>; exceptions do not cross a module.
// Codes are stable: they appear in `--json` output, in problem+json bodies and in logs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::base {

enum class Code : std::uint8_t {
  bad_config,   // a configuration that must be mended by the operator
  bad_request,  // malformed or out-of-range input of a caller
  not_found,    // the thing named does not exist
  already,      // already in the requested state
  forbidden,    // the caller may not do that
  conflict,     // another owner holds it (lock, port, second daemon)
  unavailable,  // the other side is not there (daemon, module, server)
  timed_out,    // a deadline passed
  io,           // the operating system refused a file or socket operation
  protocol,     // the peer broke the protocol, or the transport is corrupt
  too_large,    // a documented limit was exceeded
  unsupported,  // this build or library version cannot do it
  cancelled,    // given up on request
  internal,     // a broken invariant of our own
};

std::string_view to_string(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;  // one sentence, says what and how to mend it
  std::string where;    // "file:line:column", a path, a host; may be empty

  // "where: message", or the message alone.
  std::string text() const { return where.empty() ? message : where + ": " + message; }
};

// Error from an errno-style number: "open /x: Permission denied".
Error os_error(std::string_view what, int errno_value);

struct Unit {};  // Result<Unit>: success without a value

template <typename T = Unit>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  // Precondition: ok().
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  // Precondition: !ok().
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

inline Result<> success() {
  return Unit{};
}

}  // namespace fairlead::base
