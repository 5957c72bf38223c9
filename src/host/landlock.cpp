#include "host/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fairlead::host {

namespace {

// As of version 6; Debian 12's headers know version 2. A kernel that is older takes a shorter one.
struct RulesetAttributes {
  std::uint64_t files, network, scope;
};

constexpr std::uint64_t kTruncate = 1u << 14, kDeviceControl = 1u << 15;  // versions 3 and 5
constexpr std::uint64_t kReading =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// What makes sense for a path that is no folder; anything else there is refused by the kernel.
constexpr std::uint64_t kOfOneFile = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                     LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kDeviceControl;

struct Version {
  LandlockRights known;
  std::size_t size;  // of its RulesetAttributes
};
// landlock(7), "VERSIONS".
constexpr Version kVersions[] = {{},
                                 {{(1u << 13) - 1, 0, 0}, 8},
                                 {{(1u << 14) - 1, 0, 0}, 8},
                                 {{(1u << 15) - 1, 0, 0}, 8},
                                 {{(1u << 15) - 1, 3, 0}, 16},
                                 {{(1u << 16) - 1, 3, 0}, 16},
                                 {{(1u << 16) - 1, 3, 3}, 24}};

}  // namespace

const std::uint64_t kEveryFileRight = (1u << 16) - 1;
const std::uint64_t kWritingRights = kEveryFileRight & ~kReading;
const std::uint64_t kTcp = 3;
const std::uint64_t kScopeAbstract = 1;
const std::uint64_t kScopeSignals = 2;

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return static_cast<int>(std::clamp(version, 0L, static_cast<long>(std::size(kVersions)) - 1));
}

base::Result<base::UniqueFd> landlock_rules(LandlockRights taken) {
  const auto& [known, size] = kVersions[landlock_version()];
  const RulesetAttributes attributes{taken.files & known.files, taken.network & known.network,
                                     taken.scope & known.scope};
  const long made = ::syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (made < 0) return base::os_error("cannot make rules for Landlock", errno);
  return base::UniqueFd(static_cast<int>(made));  // the kernel has set close-on-exec
}

base::Result<> landlock_allow(int rules, const std::string& path, std::uint64_t rights) {
  const base::UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat seen = {};
  if (!file || ::fstat(file.get(), &seen) != 0) return base::os_error("open " + path, errno);
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = rights & kVersions[landlock_version()].known.files;
  if (!S_ISDIR(seen.st_mode)) rule.allowed_access &= kOfOneFile;
  rule.parent_fd = file.get();
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
    return base::success();
  return base::os_error("cannot make a Landlock rule for " + path, errno);
}

bool landlock_enter(int rules) {
  return ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

}  // namespace fairlead::host
