#include "core/http_service.hpp"

#include "base/text.hpp"

namespace fairlead::core {

namespace {

constexpr std::size_t kMaxDetail = 16 * 1024;

struct StatusTitle {
  int status;
  std::string_view title;
};

// The titles of RFC 9110 section 15, as RFC 9457 asks for with "about:blank".
constexpr StatusTitle kTitles[] = {
    {400, "Bad Request"},           {403, "Forbidden"},       {404, "Not Found"},
    {405, "Method Not Allowed"},    {409, "Conflict"},        {413, "Content Too Large"},
    {422, "Unprocessable Content"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"},   {504, "Gateway Timeout"}, {500, "Internal Server Error"},
};

}  // namespace

std::optional<std::string_view> ServerRequest::header(std::string_view name) const {
  const std::string wanted = base::lower(name);
  for (const auto& [key, value] : headers)
    if (base::lower(key) == wanted) return value;
  return std::nullopt;
}

std::optional<std::string_view> ServerRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::string_view status_title(int status) {
  for (const auto& entry : kTitles)
    if (entry.status == status) return entry.title;
  return "Error";
}

int status_of(base::Code code) {
  using base::Code;
  switch (code) {
    case Code::bad_config:
      return 422;
    case Code::bad_request:
      return 400;
    case Code::not_found:
      return 404;
    case Code::forbidden:
      return 403;
    case Code::already:
    case Code::conflict:
    case Code::cancelled:
      return 409;
    case Code::unavailable:
      return 503;
    case Code::timed_out:
      return 504;
    case Code::protocol:
      return 502;
    case Code::too_large:
      return 413;
    case Code::unsupported:
      return 501;
    case Code::io:
    case Code::internal:
      return 500;
  }
  return 500;
}

base::Json problem_body(int status, base::Code code, std::string_view detail) {
  base::Json body = base::Json::object();
  body.set("type", "about:blank").set("title", status_title(status)).set("status", status);
  body.set("detail", base::printable(detail, kMaxDetail)).set("code", base::to_string(code));
  return body;
}

ServerResponse problem_response(int status, const base::Json& body) {
  return ServerResponse{status, "application/problem+json", body.dump(), {}};
}

ServerResponse problem(const base::Error& error) {
  const int status = status_of(error.code);
  return problem_response(status, problem_body(status, error.code, error.text()));
}

}  // namespace fairlead::core
