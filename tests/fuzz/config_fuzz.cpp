// Any bytes as a configuration file, in both modes: no crash, no runaway, either a config or problems that
// each have a message and a fix, and what is shown of a config loads to what shows the same.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.hpp"
#include "config/show.hpp"

using namespace fairlead;

namespace {

void expect(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

void check(std::string_view text, const config::Location& location) {
  const config::Loaded loaded = config::load_text(text, location);
  expect((loaded.config == nullptr) == !loaded.problems.empty(), "neither config nor problems, or both",
         text);
  for (const auto& problem : loaded.problems)
    expect(!problem.message.empty() && !problem.fix.empty(), "a problem without words", to_string(problem));
  if (!loaded.config) return;
  const std::string shown = config::show_yaml(*loaded.config);
  const config::Loaded again = config::load_text(shown, location);
  expect(again.config != nullptr, "what is shown does not load", shown);
  expect(config::show_yaml(*again.config) == shown, "what is shown loads to something else", shown);
  config::show_json(*loaded.config);
}

}  // namespace

// Looking names up in the user database is not what is tried here: HOME is enough.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  setenv("HOME", "/home/ops", 1);
  setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  check(text, {"/home/ops/fairlead.yaml", false});
  check(text, {"/etc/fairlead/fairlead.yaml", true});
  return 0;
}
