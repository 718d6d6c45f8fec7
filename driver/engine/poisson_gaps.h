// The random gaps of a Poisson process, which can be computed again at any time.
#pragma once

#include <cstdint>

#include "common/schedule/amount.h"

namespace loadtest {

// A Poisson process of rate 1: its gaps are independent and exponential with mean 1. A process with
// any other rate, also one that changes, is this one with its time stretched: an arrival at s of
// this one is at L^-1(s) of that one, L(t) being what its rate amounts to up to t.
//
// Each slot, and each share that is taken over, has a stream of its own. Poisson processes put on
// top of each other are one Poisson process with the sum of their rates; so each of N drivers runs
// at an Nth of the rate.
//
// Gap n is a hash of seed, share and n: nothing is kept, so two readers agree to the last bit.
// (Between machines the last digit of a gap, 10^-16 of it, is left to their C library's logarithm.)
//
// Immutable; thread-safe.
class PoissonGaps {
 public:
  // Of a slot, from the start of a test on.
  PoissonGaps(uint64_t seed, int64_t slot) : key_(Mix(Mix(seed) + static_cast<uint64_t>(slot))) {}
  // Of a share that somebody takes over.
  PoissonGaps(uint64_t seed, int64_t first, int64_t stride)
      : key_(Mix(Mix(Mix(seed) + static_cast<uint64_t>(first)) + static_cast<uint64_t>(stride))) {}

  // Between request n - 1 and request n, and for n = 0 between the start and the first one; in
  // requests of the share.
  Amount Gap(int64_t n) const;

 private:
  // Sebastiano Vigna's splitmix64 (https://prng.di.unimi.it/splitmix64.c).
  static uint64_t Mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  uint64_t key_;
};

}  // namespace loadtest
