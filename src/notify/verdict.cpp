#include "notify/verdict.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace fairlead::notify {

namespace {

using base::Code;

constexpr std::size_t kMostQuoted = 120;  // of the receiver's words
constexpr std::uint64_t kMostSeconds = 365ull * 24 * 3600;

// " (invalid_payload)": what the receiver says about it.
std::string words_of(std::string_view text) {
  const std::string said = base::printable(base::trim(text), kMostQuoted);
  return said.empty() ? said : " (" + said + ")";
}

Code code_of(int status) {
  if (status == 401 || status == 403) return Code::forbidden;
  if (status == 404 || status == 410) return Code::not_found;
  if (status == 413) return Code::too_large;
  return Code::protocol;
}

std::string advice(int status) {
  if (status >= 300 && status < 400) return "; redirects are not followed: configure the address it leads to";
  if (status == 401 || status == 403) return "; check the token and what it may do";
  if (status == 404 || status == 410) return "; check the URL";
  return {};
}

std::string first_of(const core::ChildOutput& output) {
  const auto text = base::trim(output.head);
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

std::optional<base::Millis> parse_retry_after(std::string_view text, base::WallTime now) {
  if (const auto seconds = base::parse_unsigned(text))
    return std::chrono::seconds(std::min(*seconds, kMostSeconds));
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm date{};
  char month[4] = "";
  const std::string copy(text);
  // NOLINTNEXTLINE(cert-err34-c): every number has two or four digits, and the ranges are checked by timegm's
  // sum
  if (std::sscanf(copy.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &date.tm_mday, month,
                  &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec) != 6)
    return std::nullopt;
  const auto found = std::find_if(kMonths.begin(), kMonths.end(),
                                  [&](const char* name) { return std::string_view(name) == month; });
  if (found == kMonths.end()) return std::nullopt;
  date.tm_mon = static_cast<int>(found - kMonths.begin());
  date.tm_year -= 1900;
  // In whole seconds: nanoseconds would overflow in the year 2262.
  const std::chrono::seconds at(::timegm(&date));
  const auto since_epoch = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return std::max(base::Millis(0), base::Millis(at - since_epoch));
}

Verdict judge(const core::HttpResponse& response, base::WallTime now) {
  const int status = response.status;
  if (status >= 200 && status < 300) return {};
  Verdict verdict{Fate::never, {}, std::nullopt};
  std::string message =
      "the receiver answered with HTTP status " + std::to_string(status) + words_of(response.body);
  if (status == 408 || status == 425 || status == 429 || status >= 500) {
    verdict.fate = Fate::again;
    if (const auto wish = response.header("Retry-After")) verdict.retry_after = parse_retry_after(*wish, now);
  } else {
    message += advice(status);
  }
  verdict.error = {code_of(status), std::move(message), {}};
  return verdict;
}

Verdict judge(const base::Error& error) {
  const bool hopeless = error.code == Code::bad_request || error.code == Code::unsupported;
  return {hopeless ? Fate::never : Fate::again, error, std::nullopt};
}

Verdict judge(const core::ChildResult& child) {
  if (child.clean()) return {};
  std::string message = "the command ";
  switch (child.end) {
    case core::ChildEnd::exited:
      message += "ended with exit code " + std::to_string(child.status);
      break;
    case core::ChildEnd::signalled:
      message += "was ended by signal " + std::to_string(child.status);
      break;
    case core::ChildEnd::timed_out:
      return {Fate::again, {Code::timed_out, message + "did not end in time", {}}, std::nullopt};
    case core::ChildEnd::killed:
      message += "was ended early";
      break;
  }
  return {Fate::again, {Code::io, message + words_of(first_of(child.err)), {}}, std::nullopt};
}

}  // namespace fairlead::notify
