// Takes from the policy process everything but its socket: files, network, new processes, new privileges.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace fairlead::host {

// What the kernel would grant, in the words that `fairlead status` shows: "no_new_privs", "address_space",
// "landlock", "seccomp". What is missing from the list could not be had here, and `missing` says why. Nothing
// can be opened afterwards; descriptors above `last_fd` are closed. `address_space`: bytes, 0 for no limit
// (sanitizers).
struct Sandbox {
  std::vector<std::string> level;
  std::vector<std::string> missing;
};
Sandbox enter_sandbox(int last_fd, std::size_t address_space);

}  // namespace fairlead::host
