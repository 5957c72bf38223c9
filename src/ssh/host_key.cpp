#include "base/hash.hpp"
#include "base/text.hpp"
#include "ssh/codec.hpp"

namespace fairlead::ssh {

std::string HostKey::fingerprint() const {
  return "SHA256:" + base::base64(base::sha256(blob), false);
}

}  // namespace fairlead::ssh
