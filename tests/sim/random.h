// The only source of chance in a simulation: the same seed gives the same numbers on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace loadtest::sim {

// The distributions of <random> differ between libraries, so they are not used.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // Sebastiano Vigna's splitmix64 (https://prng.di.unimi.it/splitmix64.c).
  uint64_t Next() {
    uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  // Both ends included. Requires low <= high.
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Next() % static_cast<uint64_t>(high - low + 1));
  }

  // True in `per_mille` of 1,000 calls.
  bool Chance(int per_mille) { return Between(0, 999) < per_mille; }

  // An independent stream, so that one part of the simulation that asks more does not change what
  // another gets.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

}  // namespace loadtest::sim
