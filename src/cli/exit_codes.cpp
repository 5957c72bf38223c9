#include "cli/exit_codes.hpp"

#include <algorithm>

namespace fairlead::cli {

Exit exit_of(base::Code code) {
  switch (code) {
    case base::Code::already:
      return Exit::already;
    case base::Code::unavailable:
      return Exit::unreachable;
    default:
      return Exit::failure;
  }
}

Exit fold(std::span<const Exit> exits) {
  Exit worst = Exit::ok;
  bool all_already = !exits.empty();
  for (const auto exit : exits) {
    if (exit != Exit::already) all_already = false;
    if (exit != Exit::ok && exit != Exit::already) worst = std::max(worst, exit);
  }
  return all_already ? Exit::already : worst;
}

}  // namespace fairlead::cli
