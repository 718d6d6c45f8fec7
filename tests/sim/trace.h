// What a simulation did, as a number that two runs of one seed must agree on, and as lines for
// people.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "tests/sim/timeline.h"

namespace loadtest::sim {

class Trace {
 public:
  // With `log`, each line goes to stdout.
  Trace(const Timeline& timeline, bool log) : timeline_(timeline), log_(log) {}

  uint64_t hash() const { return hash_; }

  // Every record that reaches a topic, every fault and every decision pass here.
  void Mix(std::string_view bytes) {
    MixNumber(static_cast<uint64_t>(timeline_.now()));
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * kPrime;
  }
  void MixNumber(uint64_t number) {
    hash_ = (hash_ ^ number) * kPrime;
    hash_ ^= hash_ >> 29;
  }

  template <typename... Args>
  void Line(const absl::FormatSpec<Args...>& format, const Args&... args) {
    const std::string text = log_ || kHashLines ? absl::StrFormat(format, args...) : "";
    if (kHashLines) Mix(text);
    if (!log_) return;
    std::printf("%10.3f  %s\n", static_cast<double>(timeline_.now()) / 1e9, text.c_str());
  }

  bool logs() const { return log_; }

 private:
  // FNV-1a.
  static constexpr uint64_t kPrime = 1099511628211u;
  static constexpr bool kHashLines = true;

  const Timeline& timeline_;
  const bool log_;
  uint64_t hash_ = 14695981039346656037u;
};

}  // namespace loadtest::sim
