#include "base/failpoint.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace fairlead::base {

namespace {

constexpr std::string_view kVariable = "FAIRLEAD_FAILPOINT";

constexpr const char* kFailpointNames[] = {
    "",
#define FAILPOINT(id, where) #id,
#include "base/failpoint.def"
#undef FAILPOINT
};

struct Arming {
  Failpoint point = Failpoint::none;
  std::uint64_t pass = 1;
  std::string wrong;  // what of the variable means nothing
};

Arming read_arming() {
  const char* text = std::getenv(kVariable.data());
  if (text == nullptr || *text == '\0') return {};
  const std::string_view whole = text, name = whole.substr(0, whole.find(':'));
  Arming arming;
  if (name.size() < whole.size()) {
    const auto pass = parse_unsigned(whole.substr(name.size() + 1));
    if (!pass || *pass == 0) return {Failpoint::none, 1, std::string(whole)};
    arming.pass = *pass;
  }
  for (std::size_t i = 1; i < std::size(kFailpointNames); ++i)
    if (name == kFailpointNames[i]) {
      arming.point = static_cast<Failpoint>(i);
      return arming;
    }
  return {Failpoint::none, 1, std::string(whole)};
}

const Arming& arming() {
  static const Arming kArming = read_arming();
  return kArming;
}

std::atomic<std::uint64_t> passes{0};

}  // namespace

namespace detail {

const Failpoint kArmed = arming().point;

void pass_armed() {
  if (passes.fetch_add(1) + 1 == arming().pass) (void)std::raise(SIGKILL);
}

}  // namespace detail

Result<const char*> armed_failpoint() {
  const auto& found = arming();
  if (!found.wrong.empty())
    return Error{Code::bad_config,
                 std::string(kVariable) + "=" + printable(found.wrong, 64) +
                     " is no failpoint: NAME or NAME:PASS, with a name of src/base/failpoint.def",
                 {}};
  return kFailpointNames[static_cast<std::size_t>(found.point)];
}

}  // namespace fairlead::base
