// What a guard makes ready before it launches its child: the verified program, the rules of its sandbox, its
// input file, its environment. In the guard and not in the spawner, because reading a large program takes a
// while.
#pragma once
#include <linux/filter.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "core/child.hpp"
#include "host/program.hpp"

namespace fairlead::host {

struct ChildSetup {
  Program program;       // without a descriptor: execute the path
  base::UniqueFd rules;  // of Landlock; none: not wanted, or not to be had
  int rules_version = 0;
  const sock_fprog* filter = nullptr;
  std::vector<std::string> environment;  // NAME=value
};

// `private_folder`: empty, or the folder of this child. Fails as open_program() does; unsupported when a
// required sandbox cannot be had.
base::Result<ChildSetup> set_up_child(const core::ChildSpec& spec, const std::string& private_folder,
                                      const std::function<bool()>& stop);

}  // namespace fairlead::host
