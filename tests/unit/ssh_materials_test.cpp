// What an attempt reads from disk, and what it will not use.
#include "ssh/materials.hpp"

#include <sys/stat.h>

#include "cmocka.hpp"
#include "protocol/peers.hpp"

using namespace fairlead;

namespace {

struct Bench {
  Bench() {
    const auto key = base::read_file(FAIRLEAD_SOURCE_ROOT "/tests/fixtures/keys/ed25519_encrypted");
    assert_true(key.ok());
    tunnel.host = "hub.example";
    tunnel.ssh_key = dir.write("id_ed25519", *key);
    tunnel.known_hosts = dir.path() + "/known_hosts";
  }
  ssh::Materials load(std::string_view passphrase_file) {
    tunnel.ssh_key_passphrase_file = dir.write("passphrase", passphrase_file);
    return ssh::load_materials(tunnel);
  }

  test::TempDir dir;
  core::Tunnel tunnel;
};

}  // namespace

static void the_first_line_opens_the_key(void**) {
  const std::pair<const char*, const char*> rows[] = {
      {"correct horse", "correct horse"},
      {"correct horse\n", "correct horse"},
      {"correct horse\r\n", "correct horse"},
      {"correct horse\n# for the key of the attic\n", "correct horse"},
      {" spaces count \n\n", " spaces count "},
      {"\ncorrect horse\n", ""},
      {"", ""},
  };
  for (const auto& [text, expected] : rows) {
    Bench bench;
    const auto materials = bench.load(text);
    assert_int_equal(materials.failure.reason, core::Reason::none);
    assert_text_equal(materials.credentials.passphrase, expected);
  }
}

static void a_passphrase_that_others_can_read_is_refused(void**) {
  for (const mode_t mode : {0604U, 0640U, 0622U}) {
    Bench bench;
    bench.load("correct horse\n");
    assert_int_equal(::chmod(bench.tunnel.ssh_key_passphrase_file.c_str(), mode), 0);
    const auto materials = ssh::load_materials(bench.tunnel);
    assert_int_equal(materials.failure.reason, core::Reason::passphrase_wrong);
    assert_true(materials.failure.detail.find("chmod 600") != std::string::npos);
    assert_text_equal(materials.credentials.passphrase, "");
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_line_opens_the_key),
      cmocka_unit_test(a_passphrase_that_others_can_read_is_refused),
  };
  return cmocka_run_group_tests_name("ssh_materials", tests, nullptr, nullptr);
}
