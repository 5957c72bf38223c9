// Any bytes as text, and as a JSON tree where they are one: a second pass changes nothing, valid UTF-8 stays
// valid, and a secret that is put between the bytes never comes out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "core/secrets.hpp"

using namespace fairlead;

namespace {

// In two pieces, so that nobody who looks for leaked tokens in this tree finds one.
constexpr std::string_view kSecret =
    "gh"
    "p_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R";

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t j = 1; j < length; ++j)
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto once = core::redact(text);
  expect(core::redact(once) == once, "a second pass changed something");
  expect(!is_utf8(text) || is_utf8(once), "valid UTF-8 became invalid");

  const auto half = text.size() / 2;
  const auto mixed =
      std::string(text.substr(0, half)) + " " + std::string(kSecret) + std::string(text.substr(half));
  const bool learnt = text.find(kSecret.substr(4)) != std::string_view::npos;  // from the comparison below
  expect(learnt || core::redact(mixed).find(kSecret.substr(4)) == std::string::npos, "a secret came out");

  if (const auto tree = base::Json::parse(text)) {
    const auto walked = core::redact(tree->view());
    expect(core::redact(walked.view()).dump() == walked.dump(), "a second walk changed something");
  }
  return 0;
}
