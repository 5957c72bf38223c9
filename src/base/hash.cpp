#include "base/hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "base/text.hpp"

namespace fairlead::base {

namespace {

std::vector<std::uint8_t> hmac(const EVP_MD* hash, std::span<const std::uint8_t> key, std::string_view text) {
  std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
  unsigned int length = 0;
  const auto bytes = as_bytes(text);
  if (HMAC(hash, key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), digest.data(),
           &length) == nullptr)
    std::abort();
  digest.resize(length);
  return digest;
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 32> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    std::abort();
  return digest;
}

std::string sha256_hex(std::string_view text) {
  return hex(sha256(as_bytes(text)));
}

std::vector<std::uint8_t> hmac_sha256(std::span<const std::uint8_t> key, std::string_view text) {
  return hmac(EVP_sha256(), key, text);
}

std::vector<std::uint8_t> hmac_sha1(std::span<const std::uint8_t> key, std::string_view text) {
  return hmac(EVP_sha1(), key, text);
}

}  // namespace fairlead::base
