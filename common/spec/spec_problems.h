// What is wrong with a spec, a line for each field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/duration.pb.h"

namespace loadtest {

// Every line has the path of the field, the value, and what was wanted. Not thread-safe.
class SpecProblems {
 public:
  void Add(std::string line) { lines_.push_back(std::move(line)); }

  // Both bounds are allowed.
  void CheckDuration(std::string_view field, const google::protobuf::Duration& value, int64_t low,
                     int64_t high);
  void CheckNumber(std::string_view field, int64_t value, int64_t low, int64_t high);
  void CheckLength(std::string_view field, size_t length, size_t most);

  void AddAll(const SpecProblems& others);
  bool empty() const { return lines_.empty(); }
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
};

// What a person can read of bytes that may be anything.
std::string Printable(std::string_view text);

}  // namespace loadtest
