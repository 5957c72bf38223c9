// What policy.allow lets flows do, with the spellings that would get around it.
#include "core/policy_settings.hpp"

#include "cmocka.hpp"

using namespace fairlead;

static void a_url_is_allowed_by_host_and_port(void**) {
  const core::PolicyAllow allow = {{}, {"hub.example", "api.example:8443", "*.corp.example"}, {}};
  const struct {
    const char* url;
    bool allowed;
  } rows[] = {
      {"http://hub.example/", true},
      {"https://hub.example/x?y#z", true},
      {"HTTP://HUB.Example/", true},
      {"http://hub.example:80/", true},
      {"https://hub.example:443/", true},
      {"http://hub.example:443/", false},  // the port of the other scheme was not named
      {"http://hub.example:8080/", false},
      {"https://api.example:8443/", true},
      {"http://api.example:8443/", true},
      {"https://api.example/", false},
      {"http://a.corp.example/", true},
      {"http://a.b.corp.example/", true},
      {"http://A.CORP.example/", true},
      {"http://corp.example/", false},  // below the domain only
      {"http://.corp.example/", false},
      {"http://evilcorp.example/", false},
      {"http://a.corp.example.evil.example/", false},
      {"http://a.corp.example:81/", false},
      // The host is what stands behind the last @, whatever the user's name looks like.
      {"http://hub.example@evil.example/", false},
      {"http://hub.example:80@evil.example/", false},
      {"http://evil.example@hub.example/", true},
      {"http://a@hub.example@evil.example/", false},
      {"http://evil.example/@hub.example/", false},
      {"http://evil.example?@hub.example/", false},
      {"http://evil.example#@hub.example/", false},
      {"http://hub.example./", false},  // another spelling of the same host must be named to be allowed
      {"http://hub.example.evil.example/", false},
      {"http://hub%2eexample/", false},
      {"http://hub.example\\.evil.example/", false},
      {"http://hub.example\n/", false},
      {"http://hub.example:0/", false},
      {"http://hub.example:65616/", false},  // 80 when it wraps around
      {"http://hub.example:+80/", false},
      {"ftp://hub.example/", false},
      {"file:///etc/passwd", false},
      {"hub.example", false},
      {"", false},
  };
  for (const auto& row : rows)
    if (core::allows_url(allow, row.url) != row.allowed)
      fail_msg("%s: %s", row.url, row.allowed ? "refused" : "allowed");
}

static void ipv6_hosts_are_named_in_brackets(void**) {
  const core::PolicyAllow allow = {{}, {"[::1]:8080", "[fd00::5]"}, {}};
  assert_true(core::allows_url(allow, "http://[::1]:8080/"));
  assert_true(core::allows_url(allow, "https://[FD00::5]/"));
  assert_false(core::allows_url(allow, "http://[::1]/"));
  assert_false(core::allows_url(allow, "http://[fd00::5]:81/"));
  assert_false(core::allows_url(allow, "http://[fd00::5].evil.example/"));
  assert_false(core::allows_url(allow, "http://[fd00::6]/"));
}

static void nothing_is_allowed_unless_it_is_named(void**) {
  assert_false(core::allows_url({}, "http://hub.example/"));
  assert_false(core::allows_command({}, "/bin/true"));
  assert_false(core::allows_tunnel({}, "hub"));
}

static void commands_are_compared_as_they_are_written(void**) {
  const core::PolicyAllow allow = {{"/usr/bin/df"}, {}, {}};
  assert_true(core::allows_command(allow, "/usr/bin/df"));
  for (const char* other : {"df", "/usr/bin/dff", "/usr/bin/", "/usr/bin/../bin/df", "/USR/bin/df",
                            "/usr/bin/df ", "/usr//bin/df", "", "*"})
    assert_false(core::allows_command(allow, other));
}

static void tunnels_are_names_or_all_of_them(void**) {
  const core::PolicyAllow one = {{}, {}, {"hub"}};
  assert_true(core::allows_tunnel(one, "hub"));
  for (const char* other : {"Hub", "hub2", "", "*", "h*"}) assert_false(core::allows_tunnel(one, other));
  const core::PolicyAllow all = {{}, {}, {"*"}};
  assert_true(core::allows_tunnel(all, "whatever"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_url_is_allowed_by_host_and_port),
      cmocka_unit_test(ipv6_hosts_are_named_in_brackets),
      cmocka_unit_test(nothing_is_allowed_unless_it_is_named),
      cmocka_unit_test(commands_are_compared_as_they_are_written),
      cmocka_unit_test(tunnels_are_names_or_all_of_them),
  };
  return cmocka_run_group_tests_name("core_policy_settings", tests, nullptr, nullptr);
}
