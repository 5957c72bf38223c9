// The files under fixtures/keys were written by ssh-keygen.
#include "ssh/key_file.hpp"

#include "base/file.hpp"
#include "cmocka.hpp"

using namespace fairlead;

namespace {

std::string fixture(const std::string& name) {
  auto text = base::read_file(std::string(FAIRLEAD_SOURCE_ROOT "/tests/fixtures/keys/") + name);
  if (!text) fail_msg("%s", text.error().text().c_str());
  return *text;
}

void assert_not_a_key(std::string_view text, std::string_view why) {
  const auto key = ssh::inspect_key(text);
  assert_false(key.ok());
  assert_int_equal(key.error().code, base::Code::bad_config);
  if (key.error().message.find(why) == std::string::npos)
    fail_msg("\"%s\" does not say \"%.*s\"", key.error().message.c_str(), static_cast<int>(why.size()),
             why.data());
}

}  // namespace

static void tells_type_and_encryption_of_every_kind_of_key_file(void**) {
  const struct {
    const char* file;
    const char* type;
    bool encrypted;
  } rows[] = {
      {"ed25519", "ssh-ed25519", false},          {"ed25519_encrypted", "ssh-ed25519", true},
      {"rsa_openssh", "ssh-rsa", false},          {"rsa_pem", "ssh-rsa", false},
      {"rsa_pem_encrypted", "ssh-rsa", true},     {"rsa_pkcs8", "ssh-rsa", false},
      {"rsa_pkcs8_encrypted", "", true},          {"ecdsa256", "ecdsa-sha2-nistp256", false},
      {"ecdsa521", "ecdsa-sha2-nistp521", false}, {"ecdsa_pem", "ecdsa", false},
  };
  for (const auto& row : rows) {
    const auto key = ssh::inspect_key(fixture(row.file));
    if (!key) fail_msg("%s: %s", row.file, key.error().text().c_str());
    assert_text_equal(key->type, row.type);
    assert_int_equal(key->encrypted, row.encrypted);
  }
}

static void line_ends_and_text_before_the_key_do_not_matter(void**) {
  std::string text = "a remark\r\n";
  for (const char c : fixture("ed25519_encrypted")) {
    if (c == '\n') text.push_back('\r');
    text.push_back(c);
  }
  const auto key = ssh::inspect_key(text);
  assert_true(key.ok());
  assert_text_equal(key->type, "ssh-ed25519");
  assert_true(key->encrypted);
}

static void the_public_half_is_told_as_such(void**) {
  for (const auto* file : {"ed25519.pub", "rsa_openssh.pub", "ecdsa256.pub"})
    assert_not_a_key(fixture(file), "public half");
  assert_not_a_key("sk-ssh-ed25519@openssh.com AAAAGnNr me@here\n", "public half");
}

static void what_is_no_key_says_why(void**) {
  assert_not_a_key("", "no -----BEGIN");
  assert_not_a_key("hello", "no -----BEGIN");
  assert_not_a_key(std::string(70'000, '\0'), "no -----BEGIN");
  assert_not_a_key("-----BEGIN ", "no -----END");
  assert_not_a_key("-----BEGIN OPENSSH PRIVATE KEY-----", "no -----END");
  assert_not_a_key("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
                   "openssh-key-v1");
  assert_not_a_key("-----BEGIN OPENSSH PRIVATE KEY-----\n$$$$\n-----END OPENSSH PRIVATE KEY-----\n",
                   "damaged");
  assert_not_a_key("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate");
}

// Every way to lose the rest of the file, down to the last byte of the END line's mark.
static void a_file_cut_short_is_no_key(void**) {
  for (const auto* file : {"ed25519", "ed25519_encrypted", "rsa_pem", "rsa_pkcs8"}) {
    const std::string text = fixture(file);
    const auto end = text.find("-----END ") + std::string("-----END ").size();
    for (std::size_t length = 0; length < end; ++length)
      assert_false(ssh::inspect_key(std::string_view(text).substr(0, length)).ok());
  }
}

// The text lines are there, but less is in them: the lengths inside must not be believed.
static void an_openssh_key_with_lines_missing_is_cut_short(void**) {
  const std::string text = fixture("ed25519");
  const auto first = text.find('\n') + 1;
  const auto end = text.find("-----END ");
  assert_not_a_key(text.substr(0, first + 40) + "\n" + text.substr(end), "cut short");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(tells_type_and_encryption_of_every_kind_of_key_file),
      cmocka_unit_test(line_ends_and_text_before_the_key_do_not_matter),
      cmocka_unit_test(the_public_half_is_told_as_such),
      cmocka_unit_test(what_is_no_key_says_why),
      cmocka_unit_test(a_file_cut_short_is_no_key),
      cmocka_unit_test(an_openssh_key_with_lines_missing_is_cut_short),
  };
  return cmocka_run_group_tests_name("ssh_key_file", tests, nullptr, nullptr);
}
