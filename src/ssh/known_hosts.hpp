// known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which keys are recorded for a host, and what a
// presented key means. Own code, because libssh2's reader knows neither markers (@revoked) nor patterns nor
// negation (docs/adr/0003). Pure: text in, verdict out.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/codec.hpp"

namespace fairlead::ssh {

enum class HostKeyVerdict : std::uint8_t {
  known,
  unknown,
  changed,
  other_type,  // keys are recorded, but none of the type that was shown
  revoked,
};

class KnownHosts {
 public:
  KnownHosts() = default;  // nothing recorded
  // As ssh(1) does, a key recorded for the bare name is good on another port where no line names that port.
  // Keeps the lines that speak of `host` on `port`. Lines that cannot be read are skipped, as OpenSSH does.
  KnownHosts(std::string_view text, std::string_view host, std::uint16_t port);

  HostKeyVerdict check(const HostKey& key) const;
  // Key types recorded for this host, in file order: to be preferred in the key exchange.
  std::vector<std::string> types() const;

 private:
  struct Entry {
    std::string type;
    std::vector<std::uint8_t> blob;
    bool revoked;
    bool exact;  // names this port; else only the bare host, which may vouch for a key but not call one
                 // changed
  };
  std::vector<Entry> entries_;
};

// The line to record for a new host: "[host]:port type base64\n", the bare name for port 22.
std::string known_hosts_line(std::string_view host, std::uint16_t port, const HostKey& key);

}  // namespace fairlead::ssh
