// What sshd(8) and ssh_config(5) say of known_hosts, as tables. Keys here are made of their type and a
// letter.
#include "ssh/known_hosts.hpp"

#include <chrono>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using ssh::HostKey;
using ssh::HostKeyVerdict;
using ssh::KnownHosts;

namespace {

HostKey key(std::string_view type, char letter) {
  HostKey made{std::string(type), {0, 0, 0, static_cast<std::uint8_t>(type.size())}};
  made.blob.insert(made.blob.end(), type.begin(), type.end());
  for (int i = 0; i < 32; ++i) made.blob.push_back(static_cast<std::uint8_t>(letter));
  return made;
}
const HostKey kEdA = key("ssh-ed25519", 'a');
const HostKey kEdB = key("ssh-ed25519", 'b');
const HostKey kEcC = key("ecdsa-sha2-nistp256", 'c');

std::string line(std::string_view patterns, const HostKey& host_key) {
  return std::string(patterns) + " " + host_key.type + " " + base::base64(host_key.blob) + "\n";
}

const char* word(HostKeyVerdict verdict) {
  switch (verdict) {
    case HostKeyVerdict::known:
      return "known";
    case HostKeyVerdict::unknown:
      return "unknown";
    case HostKeyVerdict::changed:
      return "changed";
    case HostKeyVerdict::other_type:
      return "other type";
    case HostKeyVerdict::revoked:
      return "revoked";
  }
  return "?";
}

std::string verdict(const std::string& text, const HostKey& presented, std::string_view host = "hub.example",
                    std::uint16_t port = 22) {
  return word(KnownHosts(text, host, port).check(presented));
}

}  // namespace

static void a_presented_key_gets_its_verdict(void**) {
  const struct {
    const char* what;
    std::string text;
    const char* expected;  // for key A of type ed25519
  } rows[] = {
      {"an empty file", "", "unknown"},
      {"the same key", line("hub.example", kEdA), "known"},
      {"another key", line("hub.example", kEdB), "changed"},
      {"another type only", line("hub.example", kEcC), "other type"},
      {"another key, and another type", line("hub.example", kEcC) + line("hub.example", kEdB), "changed"},
      {"another host only", line("other.example", kEdA), "unknown"},
      {"several keys, one of them",
       line("hub.example", kEcC) + line("hub.example", kEdB) + line("hub.example", kEdA), "known"},
      {"revoked", line("@revoked hub.example", kEdA), "revoked"},
      {"recorded, then revoked", line("hub.example", kEdA) + line("@revoked *", kEdA), "revoked"},
      {"revoked, then recorded", line("@revoked *", kEdA) + line("hub.example", kEdA), "revoked"},
      {"another key is revoked", line("hub.example", kEdA) + line("@revoked hub.example", kEdB), "known"},
      {"only another key is revoked", line("@revoked hub.example", kEdB), "unknown"},
      {"a certificate authority is no host key", line("@cert-authority *", kEdA), "unknown"},
      {"nor a reason to refuse", line("@cert-authority *", kEdB), "unknown"},
      {"an unknown marker", line("@something hub.example", kEdA), "unknown"},
  };
  for (const auto& row : rows)
    if (verdict(row.text, kEdA) != row.expected)
      fail_msg("%s: %s", row.what, verdict(row.text, kEdA).c_str());
}

static void patterns_name_hosts(void**) {
  const struct {
    const char* patterns;
    const char* host;
    std::uint16_t port;
    bool matches;
  } rows[] = {
      {"hub.example", "hub.example", 22, true},
      {"hub.example", "HUB.Example", 22, true},
      {"HUB.EXAMPLE", "hub.example", 22, true},
      {"hub.example", "xhub.example", 22, false},
      {"hub.example", "hub.example.net", 22, false},
      {"hub.example", "hub.example", 2222, true},
      {"[hub.example]:2222", "hub.example", 2222, true},
      {"[hub.example]:2222", "hub.example", 2223, false},
      {"[hub.example]:2222", "hub.example", 22, false},
      {"10.0.0.1,hub.example,::1", "hub.example", 22, true},
      {"10.0.0.1,hub.example,::1", "::1", 22, true},
      {"[::1]:2222", "::1", 2222, true},
      {"*.example", "hub.example", 22, true},
      {"*.example", "example", 22, false},
      {"*", "anything", 22, true},
      {"*", "anything", 2222, true},
      {"10.0.0.?", "10.0.0.7", 22, true},
      {"10.0.0.?", "10.0.0.", 22, false},
      {"10.0.0.?", "10.0.0.77", 22, false},
      {"*.example,!hub.example", "hub.example", 22, false},
      {"!hub.example,*.example", "hub.example", 22, false},
      {"!hub.example,*.example", "web.example", 22, true},
      {"!hub.example", "web.example", 22, false},
      {"!*.example,hub.example", "hub.example", 22, false},
      {"h*b.ex*le", "hub.example", 22, true},
      {"h*z.ex*le", "hub.example", 22, false},
      {"**hub**", "hub", 22, true},
      {"hub\\.example", "hub.example", 22, false},
      {"[a-z]ub.example", "hub.example", 22, false},
  };
  for (const auto& row : rows)
    if ((verdict(line(row.patterns, kEdA), kEdA, row.host, row.port) == "known") != row.matches)
      fail_msg("%s against %s port %d", row.patterns, row.host, row.port);
}

static void a_key_of_the_bare_name_is_good_on_another_port(void**) {
  const std::string bare = line("hub.example", kEdA);
  assert_text_equal(verdict(bare, kEdA, "hub.example", 2222), "known");
  assert_text_equal(verdict(bare, kEdB, "hub.example", 2222),
                    "unknown");  // another server may live on that port
  const std::string both = bare + line("[hub.example]:2222", kEdB);
  assert_text_equal(verdict(both, kEdB, "hub.example", 2222), "known");
  assert_text_equal(verdict(both, kEdA, "hub.example", 2222), "changed");
  assert_text_equal(verdict(line("@revoked hub.example", kEdA) + line("[hub.example]:2222", kEdA), kEdA,
                            "hub.example", 2222),
                    "revoked");
}

static void hashed_names_of_ssh_keygen_are_found(void**) {
  const auto text = base::read_file(FAIRLEAD_SOURCE_ROOT "/tests/fixtures/known_hosts/hashed");
  assert_true(text.ok());
  assert_true(KnownHosts(*text, "hub.example.net", 22).types() == std::vector<std::string>{"ssh-ed25519"});
  assert_true(KnownHosts(*text, "HUB.example.net", 2222).types() ==
              std::vector<std::string>{"ecdsa-sha2-nistp256"});
  // No line names this port, so that of the bare name stands in.
  assert_true(KnownHosts(*text, "hub.example.net", 2223).types() == std::vector<std::string>{"ssh-ed25519"});
  assert_true(KnownHosts(*text, "hub.example.ne", 22).types().empty());
}

static void broken_hashes_match_nobody(void**) {
  for (const auto* patterns :
       {"|", "|1|", "|1||", "|1|AAAA|AAAA", "|1|$$|$$", "|2|AAAA|AAAA", "|1|AAAA|AAAA|AAAA"})
    assert_text_equal(verdict(line(patterns, kEdA), kEdA), "unknown");
}

static void forms_of_lines_do_not_matter(void**) {
  const std::string blob = base::base64(kEdA.blob);
  for (const std::string& text : {
           "hub.example ssh-ed25519 " + blob,           // no end of line
           "hub.example ssh-ed25519 " + blob + "\r\n",  // from elsewhere
           "hub.example ssh-ed25519 " + blob + " root@hub and a remark\n",
           "  hub.example\t ssh-ed25519 \t" + blob + "  \n",
           "# hub.example\n\n  # more\n\r\nhub.example ssh-ed25519 " + blob + "\n",
           "@revoked\t other.example ssh-ed25519 " + blob + "\nhub.example ssh-ed25519 " + blob + "\n",
       })
    assert_text_equal(verdict(text, kEdA), "known");
  assert_text_equal(verdict("#" + line("hub.example", kEdA), kEdA), "unknown");
}

// A line of which nothing can be made must not look like another key of the host: that would be an alarm.
static void lines_that_cannot_be_read_are_skipped(void**) {
  for (const std::string& text : {
           std::string("hub.example\n"),
           std::string("hub.example ssh-ed25519\n"),
           std::string("hub.example ssh-ed25519 \n"),
           std::string("hub.example ssh-ed25519 $$$$\n"),
           std::string("hub.example ssh-ed25519 AAAA\n"),
           std::string("hub.example 1024 35 1234567890\n"),                            // SSH 1
           "hub.example ssh-rsa " + base::base64(kEdA.blob) + "\n",                    // a type it is not
           "hub.example ssh-ed25519 " + base::base64(kEdA.blob).substr(0, 10) + "\n",  // cut short
           std::string("@revoked\n@revoked hub.example\n@cert-authority\n"),
           std::string("\0\0\0", 3),
       }) {
    assert_text_equal(verdict(text, kEdA), "unknown");
    assert_text_equal(verdict(text + line("\nhub.example", kEdA), kEdA), "known");
  }
}

static void types_are_those_recorded_for_this_host_in_file_order(void**) {
  const std::string text = line("hub.example", kEcC) + line("other.example", key("ssh-rsa", 'd')) +
                           line("hub.example", kEdA) + line("@revoked hub.example", key("ssh-dss", 'e')) +
                           line("*.example", kEcC) + line("hub.example", kEdB);
  const std::vector<std::string> expected = {"ecdsa-sha2-nistp256", "ssh-ed25519"};
  assert_true(KnownHosts(text, "hub.example", 22).types() == expected);
  assert_true(KnownHosts().types().empty());
}

static void a_recorded_line_is_read_back_as_known(void**) {
  const struct {
    const char* host;
    std::uint16_t port;
    const char* starts;
  } rows[] = {
      {"Hub.Example", 22, "hub.example ssh-ed25519 AAAA"},
      {"hub.example", 2222, "[hub.example]:2222 ssh-ed25519 AAAA"},
      {"::1", 22, "::1 ssh-ed25519 AAAA"},
      {"::1", 2222, "[::1]:2222 ssh-ed25519 AAAA"},
  };
  for (const auto& row : rows) {
    const auto recorded = ssh::known_hosts_line(row.host, row.port, kEdA);
    assert_text_equal(std::string_view(recorded).substr(0, std::string_view(row.starts).size()), row.starts);
    assert_int_equal(recorded.back(), '\n');
    assert_text_equal(verdict(recorded, kEdA, row.host, row.port), "known");
    assert_text_equal(verdict(recorded, kEdB, row.host, row.port), "changed");
  }
}

// 200 stars against 4000 letters: a backtracking matcher would not come back in this life. The limit is
// generous for a slow machine; the work is some millions of steps.
static void many_stars_do_not_explode(void**) {
  std::string patterns;
  for (int i = 0; i < 200; ++i) patterns += "a*";
  patterns += "b";
  const auto start = std::chrono::steady_clock::now();
  assert_text_equal(verdict(line(patterns, kEdA), kEdA, std::string(4000, 'a')), "unknown");
  assert_true(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

static void fingerprints_are_those_of_ssh_keygen(void**) {
  const auto text = base::read_file(FAIRLEAD_SOURCE_ROOT "/tests/fixtures/keys/ed25519.pub");
  assert_true(text.ok());
  const auto words = base::split(*text, ' ');
  const auto blob = base::decode_base64(words[1]);
  assert_true(blob.has_value());
  assert_text_equal(HostKey({"ssh-ed25519", *blob}).fingerprint(),
                    "SHA256:sF+Mdr/0UUfpkztGOxL34h2rx0Y6MUsFQoaNbtjdslg");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_presented_key_gets_its_verdict),
      cmocka_unit_test(patterns_name_hosts),
      cmocka_unit_test(a_key_of_the_bare_name_is_good_on_another_port),
      cmocka_unit_test(hashed_names_of_ssh_keygen_are_found),
      cmocka_unit_test(broken_hashes_match_nobody),
      cmocka_unit_test(forms_of_lines_do_not_matter),
      cmocka_unit_test(lines_that_cannot_be_read_are_skipped),
      cmocka_unit_test(types_are_those_recorded_for_this_host_in_file_order),
      cmocka_unit_test(a_recorded_line_is_read_back_as_known),
      cmocka_unit_test(many_stars_do_not_explode),
      cmocka_unit_test(fingerprints_are_those_of_ssh_keygen),
  };
  return cmocka_run_group_tests_name("ssh_known_hosts", tests, nullptr, nullptr);
}
