// SHA-256, HMAC-SHA256, and HMAC-SHA1 (the latter only for the hashed host names of known_hosts). The home of
// libcrypto; it is already in the process because libssh2 uses it.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::base {

std::array<std::uint8_t, 32> sha256(std::span<const std::uint8_t> bytes);
std::string sha256_hex(std::string_view text);  // 64 lower-case digits
std::vector<std::uint8_t> hmac_sha256(std::span<const std::uint8_t> key, std::string_view text);
std::vector<std::uint8_t> hmac_sha1(std::span<const std::uint8_t> key, std::string_view text);

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace fairlead::base
