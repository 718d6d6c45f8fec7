// Bodies that are too large for a Kafka record travel in pieces before the record that needs them
// (bus.proto, BodyPart).
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Bodies up to this size travel in the spec itself.
inline constexpr size_t kLargestBodyInSpec = 256 << 10;
inline constexpr size_t kLargestBody = 64 << 20;
inline constexpr size_t kBodyPartBytes = 512 << 10;

// The pieces of `body`, in their order.
std::vector<v1::BodyPart> SplitBody(const std::string& body);

// InvalidArgument names the field, the value and what was wanted.
absl::Status CheckBodyPart(const v1::BodyPart& part);

// Puts pieces together again. Keeps the bodies of the few tests that were begun last, for the
// record that needs them follows at once. Not thread-safe.
class BodyCollector {
 public:
  // `part` was checked. One that does not follow the one before makes the body incomplete.
  void Add(const std::string& test_id, const v1::BodyPart& part);

  // The body of `size` bytes, which is forgotten then; nothing when it did not come whole.
  std::optional<std::string> Take(const std::string& test_id, size_t size);
  void Forget(const std::string& test_id);

 private:
  struct Body {
    std::string test_id;
    std::string bytes;
    int next = 0;
    int parts = 0;
  };
  std::deque<Body> bodies_;
};

}  // namespace loadtest
