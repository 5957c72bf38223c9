#include "ssh/materials.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "base/file.hpp"
#include "base/permissions.hpp"
#include "base/text.hpp"
#include "ssh/key_file.hpp"
#include "ssh/libssh2_codec.hpp"

namespace fairlead::ssh {

namespace {

constexpr std::size_t kLargestKey = 64 << 10;
constexpr std::size_t kLargestPassphrase = 4096;
constexpr std::size_t kLargestKnownHosts = 4 << 20;

void wipe(std::string& secret) {
  if (!secret.empty()) ::explicit_bzero(secret.data(), secret.size());
  secret.clear();
}

Failure load_passphrase(const std::string& path, Credentials& out) {
  auto text = base::read_file(path, kLargestPassphrase);
  if (!text) return {core::Reason::passphrase_wrong, text.error().text()};
  // ssh(1) refuses a key that others can read; so do we, and the same holds for what opens the key.
  if (base::others_can_read(path)) {
    wipe(*text);
    return {core::Reason::passphrase_wrong, path + " can be read by others: chmod 600 it"};
  }
  out.passphrase = text->substr(0, text->find('\n'));
  wipe(*text);
  while (out.passphrase.ends_with('\r')) out.passphrase.pop_back();
  return {};
}

Failure load_key(const core::Tunnel& tunnel, Credentials& out) {
  auto key = base::read_file(tunnel.ssh_key, kLargestKey);
  if (!key) return {core::Reason::key_unreadable, key.error().text()};
  if (base::others_can_read(tunnel.ssh_key))
    return {core::Reason::key_unreadable, tunnel.ssh_key + " can be read by others: chmod 600 it"};
  const auto kind = inspect_key(*key);
  if (!kind) return {core::Reason::key_unsupported, tunnel.ssh_key + " " + kind.error().message};
  if (kind->type == "ssh-rsa" && !codec_supports_rsa())
    return {core::Reason::key_unsupported,
            tunnel.ssh_key + " is an RSA key; " + codec_version() + " signs those with SHA-1 only"};
  if (kind->type.starts_with("sk-") || kind->type == "ssh-dss")
    return {core::Reason::key_unsupported, tunnel.ssh_key + " is of type " + kind->type};
  out.private_key = std::move(*key);
  if (!kind->encrypted) return {};
  if (tunnel.ssh_key_passphrase_file.empty())
    return {core::Reason::passphrase_wrong,
            tunnel.ssh_key + " is encrypted and no `ssh_key_passphrase_file` is set"};
  return load_passphrase(tunnel.ssh_key_passphrase_file, out);
}

}  // namespace

Materials::~Materials() {
  wipe(credentials.private_key);
  wipe(credentials.passphrase);
}

Materials load_materials(const core::Tunnel& tunnel) {
  Materials materials;
  materials.credentials.user = tunnel.ssh_user;
  materials.failure = load_key(tunnel, materials.credentials);
  if (materials.failure.reason != core::Reason::none) return materials;
  auto known = base::read_file(tunnel.known_hosts, kLargestKnownHosts);
  if (known)
    materials.known_hosts = KnownHosts(*known, tunnel.host, tunnel.port);
  else if (known.error().code != base::Code::not_found)
    materials.failure = {core::Reason::known_hosts_unreadable, known.error().text()};
  return materials;
}

Failure record_host_key(const std::string& path, const std::string& line) {
  const auto failed = [&](const std::string& why) {
    return Failure{core::Reason::known_hosts_unreadable, path + ": " + why};
  };
  if (auto made = base::make_directories(base::parent_of(path), 0700); !made)
    return failed(made.error().text());
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return failed(std::strerror(errno));
  ::flock(fd.get(), LOCK_EX);  // released with the descriptor
  const auto end = ::lseek(fd.get(), 0, SEEK_END);
  char last = '\n';
  if (end > 0 && ::pread(fd.get(), &last, 1, end - 1) != 1) last = '\n';
  const std::string text = (last == '\n' ? "" : "\n") + line;  // never glue onto a line that has no end
  if (auto written = base::write_all(fd.get(), text); !written) return failed(written.error().text());
  ::fsync(fd.get());
  return {};
}

}  // namespace fairlead::ssh
