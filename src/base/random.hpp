// Random numbers: a seedable generator for jitter (tests pass a seed), and bytes from the kernel for secrets.
#pragma once
#include <cstdint>
#include <span>

namespace fairlead::base {

// SplitMix64: small, fast, good enough for jitter; never for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Uniform in [low, high], low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high);

 private:
  std::uint64_t state_;
};

// Fills from getrandom(2); aborts if the kernel refuses, as nothing safe can follow.
void secure_random(std::span<std::uint8_t> bytes);
std::uint64_t random_seed();

}  // namespace fairlead::base
