// A port that nobody else's test uses meanwhile. Those of tests/e2e hold the same locks
// (fairlead_e2e/ports.py), also for ports that nobody is to listen on: who listened there all the same would
// be called by their daemons.
#pragma once
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/unique_fd.hpp"

// Holds the claim; nothing: it is somebody else's.
inline fairlead::base::UniqueFd claim_port(std::uint16_t port) {
  const char* base = ::getenv("TMPDIR");
  const std::string folder =
      std::string(base != nullptr ? base : "/tmp") + "/fairlead-test-ports-" + std::to_string(::getuid());
  ::mkdir(folder.c_str(), 0700);
  const auto path = folder + "/" + std::to_string(port);
  fairlead::base::UniqueFd claim(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (claim && ::flock(claim.get(), LOCK_EX | LOCK_NB) != 0) claim.reset();
  return claim;
}
