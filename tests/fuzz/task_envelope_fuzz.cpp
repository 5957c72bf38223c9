// Any bytes as the body of a submission: what is accepted comes back the same from its own JSON, and what is
// stored of a result is read again or refused.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/json.hpp"
#include "core/task_envelope.hpp"
#include "core/task_result.hpp"

using namespace fairlead;

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto tree = base::Json::parse({reinterpret_cast<const char*>(bytes), size});
  if (!tree) return 0;
  if (const auto envelope = core::parse_envelope(tree->view())) {
    expect(envelope->payload.size() <= core::kMaxPayload, "a payload over the limit was taken");
    const auto again = core::parse_envelope(core::envelope_json(*envelope).view());
    expect(again.ok(), "an accepted envelope is refused the second time");
    expect(core::envelope_fingerprint(*again) == core::envelope_fingerprint(*envelope),
           "it came back changed");
  }
  if (const auto result = core::parse_result(tree->view()))
    expect(core::parse_result(core::result_json(*result).view()).ok(), "a result cannot be read again");
  return 0;
}
