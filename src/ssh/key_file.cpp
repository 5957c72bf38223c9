#include "ssh/key_file.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace fairlead::ssh {

namespace {

constexpr std::string_view kMagic{"openssh-key-v1\0", 15};

// RFC 4251 strings, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::uint32_t> number() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
      value = (value << 8) | static_cast<unsigned char>(rest_[static_cast<std::size_t>(i)]);
    rest_.remove_prefix(4);
    return value;
  }
  std::optional<std::string_view> string() {
    const auto length = number();
    if (!length || *length > rest_.size()) return std::nullopt;
    const auto value = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    return value;
  }

 private:
  std::string_view rest_;
};

base::Error not_a_key(std::string_view why) {
  return base::Error{base::Code::bad_config, "is not a private key: " + std::string(why), {}};
}

// openssh-key-v1: cipher, kdf, kdf options, number of keys, then the first public key, which names its type.
base::Result<KeyFile> inspect_openssh(std::string_view body) {
  std::string joined;
  for (const auto line : base::split(body, '\n')) joined += base::trim(line);
  const auto decoded = base::decode_base64(joined);
  if (!decoded) return not_a_key("the text between its BEGIN and END lines is damaged");
  const std::string_view bytes(reinterpret_cast<const char*>(decoded->data()), decoded->size());
  if (!bytes.starts_with(kMagic)) return not_a_key("no openssh-key-v1 header");
  Reader reader(bytes.substr(kMagic.size()));
  const auto cipher = reader.string();
  const auto kdf = reader.string();
  const auto options = reader.string();
  const auto count = reader.number();
  const auto public_key = reader.string();
  if (!cipher || !kdf || !options || !count || !public_key) return not_a_key("it is cut short");
  const auto type = Reader(*public_key).string();
  if (!type) return not_a_key("it is cut short");
  return KeyFile{std::string(*type), *cipher != "none"};
}

// PKCS#8 (RFC 5208) names the algorithm by its object identifier, near the start.
std::string pkcs8_type(std::string_view body) {
  std::string joined;
  for (const auto line : base::split(body, '\n')) joined += base::trim(line);
  const auto decoded = base::decode_base64(joined);
  if (!decoded) return {};
  const std::string_view head(reinterpret_cast<const char*>(decoded->data()),
                              std::min<std::size_t>(decoded->size(), 40));
  if (head.find("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") != std::string_view::npos) return "ssh-rsa";
  if (head.find("\x2a\x86\x48\xce\x3d\x02\x01") != std::string_view::npos) return "ecdsa";
  if (head.find("\x2b\x65\x70") != std::string_view::npos) return "ssh-ed25519";
  return {};
}

}  // namespace

base::Result<KeyFile> inspect_key(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  const auto start = text.find(kBegin);
  if (start == std::string_view::npos) {
    if (text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-"))
      return not_a_key("it is the public half (.pub); name the file without .pub");
    return not_a_key("no -----BEGIN line");
  }
  const auto rest = text.substr(start + kBegin.size());
  const auto label = rest.substr(0, rest.find("-----"));
  const auto end = rest.find("-----END ");
  if (end == std::string_view::npos || end < label.size() + 5) return not_a_key("no -----END line");
  const auto body = rest.substr(label.size() + 5, end - label.size() - 5);
  const bool encrypted = body.find("ENCRYPTED") != std::string_view::npos || label.starts_with("ENCRYPTED");
  if (label == "OPENSSH PRIVATE KEY") return inspect_openssh(body);
  if (label == "RSA PRIVATE KEY") return KeyFile{"ssh-rsa", encrypted};
  if (label == "EC PRIVATE KEY") return KeyFile{"ecdsa", encrypted};
  if (label == "DSA PRIVATE KEY") return KeyFile{"ssh-dss", encrypted};
  if (label == "PRIVATE KEY") return KeyFile{pkcs8_type(body), encrypted};
  if (label.ends_with("PRIVATE KEY")) return KeyFile{"", encrypted};
  return not_a_key("it holds a " + base::lower(label));
}

}  // namespace fairlead::ssh
