// The codec on libssh2 (1.10 and 1.11). See codec.hpp for the contract and docs/adr/0003 for why it is a
// codec.
#pragma once
#include <memory>

#include "ssh/codec.hpp"

namespace fairlead::ssh {

// `socket`: any open descriptor of the session. libssh2 asks it once whether it is non-blocking and otherwise
// leaves it alone: all bytes go through the queues.
std::unique_ptr<Codec> make_libssh2_codec(int socket);

// True where RSA keys sign with SHA-2 (libssh2 1.11); 1.10 knows only SHA-1, which servers refuse.
bool codec_supports_rsa();

// "libssh2 1.11.1", of the library that is loaded.
std::string codec_version();

}  // namespace fairlead::ssh
