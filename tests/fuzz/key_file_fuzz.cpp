// Any bytes as a private key file, and any bytes inside the armour of an OpenSSH key: no crash; an answer is
// either a key with a type that fits its format, or an error with words.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "ssh/key_file.hpp"

using namespace fairlead;

namespace {

void check(std::string_view text) {
  const auto key = ssh::inspect_key(text);
  const bool worded =
      key.ok() || (key.error().code == base::Code::bad_config && !key.error().message.empty());
  if (worded) return;
  std::fprintf(stderr, "an error without words\n");
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  check({reinterpret_cast<const char*>(bytes), size});
  check("-----BEGIN OPENSSH PRIVATE KEY-----\n" + base::base64(std::span(bytes, size)) +
        "\n-----END OPENSSH PRIVATE KEY-----\n");
  return 0;
}
