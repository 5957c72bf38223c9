// SHA-256 (FIPS 180-4) piece by piece, without libcrypto: for fairlead-host, whose every guard would carry
// that library's private pages. Whoever has libcrypto in the process takes base/hash.hpp, which is faster.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fairlead::base {

class Sha256 {
 public:
  void add(std::span<const std::uint8_t> bytes);
  std::array<std::uint8_t, 32> digest();  // of all that was added; once

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};  // its first length_ % 64 bytes wait for the rest
  std::uint64_t length_ = 0;
};

}  // namespace fairlead::base
