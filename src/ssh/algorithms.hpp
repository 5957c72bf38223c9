// Which algorithms are offered, in order of preference, as the comma-separated lists of RFC 4253 section 7.1:
// only strong ones, and only what the libssh2 that this is built against does well. Pure.
#pragma once
#include <string>
#include <vector>

namespace fairlead::ssh {

std::string key_exchanges();
// `recorded`: the key types that known_hosts has for this host. They come first: else a server with several
// keys shows one that is not recorded, which looks like an attack.
std::string host_keys(const std::vector<std::string>& recorded);
// Whether a key of this type, as known_hosts names it, can be asked for at all: not RSA with 1.10.
bool can_check(const std::string& recorded);
std::string ciphers();  // for both directions
std::string macs();

}  // namespace fairlead::ssh
