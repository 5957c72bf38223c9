// What an attempt reads from disk before it connects: the private key, its passphrase, the recorded host
// keys. Blocking: load_materials() and record_host_key() run in the thread pool.
#pragma once
#include <string>

#include "core/config.hpp"
#include "ssh/codec.hpp"
#include "ssh/known_hosts.hpp"

namespace fairlead::ssh {

struct Materials {
  Materials() = default;
  Materials(Materials&&) = default;
  Materials& operator=(Materials&&) = default;
  Materials(const Materials&) = delete;
  Materials& operator=(const Materials&) = delete;
  ~Materials();  // wipes the secrets

  Failure failure;  // reason none: all is there
  Credentials credentials;
  KnownHosts known_hosts;  // what is recorded for this host; a missing file is empty
};

// Fails with key_unreadable, key_unsupported, passphrase_wrong or known_hosts_unreadable.
Materials load_materials(const core::Tunnel& tunnel);

// Appends a line to a known_hosts file (made 0600, its folder 0700) under a lock, in one write.
Failure record_host_key(const std::string& path, const std::string& line);

}  // namespace fairlead::ssh
