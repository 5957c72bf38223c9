#include "core/url.hpp"

#include "cmocka.hpp"

using namespace fairlead;

static void takes_scheme_host_and_port(void**) {
  const struct {
    const char* text;
    const char* scheme;
    const char* host;
    int port;
  } rows[] = {
      {"http://hub.example/health", "http", "hub.example", 80},
      {"https://hub.example/health", "https", "hub.example", 443},
      {"HTTP://hub.example", "http", "hub.example", 80},
      {"http://hub.example:8080", "http", "hub.example", 8080},
      {"http://127.0.0.1:18000/health?deep=1#x", "http", "127.0.0.1", 18000},
      {"http://hub.example?q=a:b@c/d", "http", "hub.example", 80},
      {"http://hub.example#a:b", "http", "hub.example", 80},
      {"http://[::1]/", "http", "::1", 80},
      {"https://[::1]:8443/", "https", "::1", 8443},
      {"http://user:secret@hub.example:81/", "http", "hub.example", 81},
      {"http://user@[fe80::1]:81/", "http", "fe80::1", 81},
      {"http://a@b@hub.example/", "http", "hub.example", 80},
      {"http://hub.example:65535", "http", "hub.example", 65535},
      {"http://hub.example/a@b:99/", "http", "hub.example", 80},
  };
  for (const auto& row : rows) {
    const auto url = core::parse_url(row.text);
    if (!url) fail_msg("%s was refused", row.text);
    assert_text_equal(url->scheme, row.scheme);
    assert_text_equal(url->host.host, row.host);
    assert_int_equal(url->host.port, row.port);
  }
}

static void refuses_what_is_no_http_url(void**) {
  for (const std::string_view text : {
           std::string_view(""),
           std::string_view("hub.example"),
           std::string_view("/health"),
           std::string_view("http:/hub.example"),
           std::string_view("ftp://hub.example"),
           std::string_view("unix:///run/x"),
           std::string_view("http://"),
           std::string_view("http:///path"),
           std::string_view("http://:80/"),
           std::string_view("http://user@/"),
           std::string_view("http://[::1/"),
           std::string_view("http://[]/"),
           std::string_view("http://[::1]80/"),
           std::string_view("http://hub.example:0/"),
           std::string_view("http://hub.example:65536/"),
           std::string_view("http://hub.example:-1/"),
           std::string_view("http://hub.example:8x/"),
           std::string_view("http://hub.example:99999999999999999999/"),
           std::string_view("http://hub.example/a b"),
           std::string_view("http://hub.example/\n"),
           std::string_view("http://hub\0.example/", 20),
           std::string_view("http://hub.example/\x7f"),
       })
    if (core::parse_url(text)) fail_msg("taken: %.*s", static_cast<int>(text.size()), text.data());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(takes_scheme_host_and_port),
      cmocka_unit_test(refuses_what_is_no_http_url),
  };
  return cmocka_run_group_tests_name("core_url", tests, nullptr, nullptr);
}
