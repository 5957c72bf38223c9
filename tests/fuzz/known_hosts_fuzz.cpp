// Any bytes as a known_hosts file: no crash, no runaway; a key that is recorded behind them is known unless
// it was revoked; and what is not recorded at all is never known.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ssh/known_hosts.hpp"

using namespace fairlead;
using ssh::HostKeyVerdict;

namespace {

ssh::HostKey key(std::uint8_t letter) {
  ssh::HostKey made{"ssh-ed25519",
                    {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 32}};
  made.blob.insert(made.blob.end(), 32, letter);
  return made;
}

void expect(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

void check(const std::string& text, const std::string& host, std::uint16_t port) {
  const ssh::KnownHosts hosts(text, host, port);
  const auto before = hosts.check(key('k'));
  const auto types = hosts.types();
  // A verdict without an entry would be one about another host.
  expect(before != HostKeyVerdict::changed || !types.empty(), "changed, but nothing is recorded", text);
  expect(before != HostKeyVerdict::unknown || types.empty(), "unknown, but something is recorded", text);

  const auto recorded = text + "\n" + ssh::known_hosts_line(host, port, key('k'));
  const ssh::KnownHosts with(recorded, host, port);
  const auto after = with.check(key('k'));
  const bool revoked = before == HostKeyVerdict::revoked;
  expect(after == (revoked ? HostKeyVerdict::revoked : HostKeyVerdict::known), "a recorded key is not known",
         text);
  const auto all = with.types();
  expect(std::find(all.begin(), all.end(), "ssh-ed25519") != all.end(), "its type is not listed", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  check(text, "hub.example.net", 22);
  check(text, "Hub.example.net", 2222);
  check(text, "::1", 22);
  return 0;
}
