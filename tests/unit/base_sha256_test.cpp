// The hash that fairlead-host carries: against the examples of the standard, and against libcrypto for every
// length around the ends of blocks and every way of cutting.
#include "base/sha256.hpp"

#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"

using namespace fairlead;

namespace {

std::string hashed(std::string_view text, std::size_t part) {
  base::Sha256 hash;
  for (std::size_t at = 0; at < text.size(); at += part) hash.add(base::as_bytes(text.substr(at, part)));
  return base::hex(hash.digest());
}

std::string sample(std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(i * 131 + i / 251);
  return text;
}

}  // namespace

// https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
static void the_examples_of_the_standard(void**) {
  assert_text_equal(hashed("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_text_equal(hashed("abc", 64), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_text_equal(hashed("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 7),
                    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void every_length_as_libcrypto_has_it(void**) {
  for (std::size_t length = 0; length < 300; ++length) {
    const auto text = sample(length);
    assert_text_equal(hashed(text, 300), base::sha256_hex(text));
  }
  const auto long_one = sample(1u << 20);
  assert_text_equal(hashed(long_one, 65'536), base::sha256_hex(long_one));
}

static void however_it_is_cut(void**) {
  const auto text = sample(517);
  const auto whole = base::sha256_hex(text);
  for (std::size_t part = 1; part <= text.size(); ++part) assert_text_equal(hashed(text, part), whole);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_standard),
      cmocka_unit_test(every_length_as_libcrypto_has_it),
      cmocka_unit_test(however_it_is_cut),
  };
  return cmocka_run_group_tests_name("base_sha256", tests, nullptr, nullptr);
}
