#include "ssh/known_hosts.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace fairlead::ssh {

namespace {

constexpr std::string_view kBlank = " \t";

std::string_view next_word(std::string_view& line) {
  const auto start = line.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return line = {};
  line.remove_prefix(start);
  const auto word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

// Glob of ssh_config(5) PATTERNS: `*` and `?` only. Linear in the text for each star.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "|1|salt|hash": HMAC-SHA1 of the name under the salt, both base64.
bool hashed_match(std::string_view pattern, std::string_view name) {
  const auto parts = base::split(pattern, '|');
  if (parts.size() != 4 || parts[1] != "1") return false;
  const auto salt = base::decode_base64(parts[2]);
  const auto hash = base::decode_base64(parts[3]);
  return salt && hash && base::hmac_sha1(*salt, name) == *hash;
}

bool names_host(std::string_view patterns, const std::string& name) {
  if (patterns.starts_with('|')) return hashed_match(patterns, name);
  bool matched = false;
  for (auto pattern : base::split(patterns, ',')) {
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!glob(base::lower(pattern), name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

// The blob begins with the type once more (RFC 4253 section 6.6). A line whose key cannot be read speaks for
// nothing: it must not make the server's real key look changed.
bool holds_key(const std::vector<std::uint8_t>& blob, std::string_view type) {
  if (blob.size() < 4 + type.size()) return false;
  const std::size_t length = (std::size_t{blob[0]} << 24) | (std::size_t{blob[1]} << 16) |
                             (std::size_t{blob[2]} << 8) | std::size_t{blob[3]};
  return length == type.size() &&
         std::equal(type.begin(), type.end(), blob.begin() + 4,
                    [](char a, std::uint8_t b) { return a == static_cast<char>(b); });
}

std::string lookup_name(std::string_view host, std::uint16_t port) {
  const std::string name = base::lower(host);
  return port == 22 ? name : "[" + name + "]:" + std::to_string(port);
}

}  // namespace

KnownHosts::KnownHosts(std::string_view text, std::string_view host, std::uint16_t port) {
  const std::string name = lookup_name(host, port);
  const std::string bare = base::lower(host);
  for (auto line : base::split(text, '\n')) {
    line = base::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto patterns = next_word(line);
    const bool revoked = patterns == "@revoked";
    // A certificate authority vouches for certificates, and those are never asked for: such a line is no host
    // key.
    if (patterns == "@cert-authority") continue;
    if (revoked) patterns = next_word(line);
    const auto type = next_word(line);
    auto blob = base::decode_base64(next_word(line));
    if (!blob || !holds_key(*blob, type)) continue;
    const bool exact = names_host(patterns, name);
    if (exact || names_host(patterns, bare))
      entries_.push_back({std::string(type), std::move(*blob), revoked, exact});
  }
  // Lines for the bare name count only where none names the port (check_host_key() of ssh(1)).
  const bool has_exact =
      std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.exact && !e.revoked; });
  if (has_exact) std::erase_if(entries_, [](const Entry& e) { return !e.exact && !e.revoked; });
}

HostKeyVerdict KnownHosts::check(const HostKey& key) const {
  bool known = false;
  bool other = false;
  bool same_type = false;
  for (const auto& entry : entries_) {
    const bool same = entry.blob == key.blob;
    if (same && entry.revoked) return HostKeyVerdict::revoked;
    known = known || same;
    const bool speaks = entry.exact && !entry.revoked;
    other = other || speaks;
    same_type = same_type || (speaks && entry.type == key.type);
  }
  if (known) return HostKeyVerdict::known;
  if (!other) return HostKeyVerdict::unknown;
  return same_type ? HostKeyVerdict::changed : HostKeyVerdict::other_type;
}

std::vector<std::string> KnownHosts::types() const {
  std::vector<std::string> types;
  for (const auto& entry : entries_)
    if (!entry.revoked && std::find(types.begin(), types.end(), entry.type) == types.end())
      types.push_back(entry.type);
  return types;
}

std::string known_hosts_line(std::string_view host, std::uint16_t port, const HostKey& key) {
  return lookup_name(host, port) + " " + key.type + " " + base::base64(key.blob) + "\n";
}

}  // namespace fairlead::ssh
