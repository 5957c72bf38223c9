// What kind of private key a file holds, told from its text alone, so that an unusable key gets a clear word
// before a connection is wasted on it. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairlead::ssh {

struct KeyFile {
  std::string
      type;  // "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", or "" (PKCS#8)
  bool encrypted = false;  // needs a passphrase
};

// Reads OpenSSH's own format (PROTOCOL.key) and the headers of PEM files. Error{bad_config} for anything
// else.
base::Result<KeyFile> inspect_key(std::string_view text);

}  // namespace fairlead::ssh
