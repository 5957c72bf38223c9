#include "ssh/algorithms.hpp"

#include <libssh2.h>

#include <algorithm>

namespace fairlead::ssh {

namespace {

// 1.11.1 has AES-GCM, encrypt-then-MAC and RSA with SHA-2; 1.10 has none of them.
constexpr bool kModern = LIBSSH2_VERSION_NUM >= 0x010b01;

// known_hosts records "ssh-rsa" for a key that signs as rsa-sha2-*.
bool serves(const std::string& offered, const std::string& recorded) {
  return offered == recorded || (recorded == "ssh-rsa" && offered.starts_with("rsa-sha2-"));
}

std::vector<std::string> offered_host_keys() {
  std::vector<std::string> types = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                    "ecdsa-sha2-nistp521"};
  if (kModern) types.insert(types.end(), {"rsa-sha2-512", "rsa-sha2-256"});
  return types;
}

}  // namespace

std::string key_exchanges() {
  return "curve25519-sha256,curve25519-sha256@libssh.org";
}

// The same list serves both directions: decrypt() of 1.11.1 looks at the local cipher's flags for remote
// packets. chacha20-poly1305 is never offered: in 1.11.1, where it is the default, one bad tag spins for
// ever.
std::string ciphers() {
  const std::string counter_mode = "aes128-ctr,aes192-ctr,aes256-ctr";
  return kModern ? "aes128-gcm@openssh.com,aes256-gcm@openssh.com," + counter_mode : counter_mode;
}

std::string macs() {
  const std::string plain = "hmac-sha2-256,hmac-sha2-512";
  return kModern ? "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com," + plain : plain;
}

std::string host_keys(const std::vector<std::string>& recorded) {
  std::vector<std::string> types = offered_host_keys();
  std::stable_partition(types.begin(), types.end(), [&](const std::string& offered) {
    return std::any_of(recorded.begin(), recorded.end(), [&](const auto& r) { return serves(offered, r); });
  });
  std::string text;
  for (const auto& type : types) text += (text.empty() ? "" : ",") + type;
  return text;
}

bool can_check(const std::string& recorded) {
  const auto types = offered_host_keys();
  return std::any_of(types.begin(), types.end(),
                     [&](const auto& offered) { return serves(offered, recorded); });
}

}  // namespace fairlead::ssh
