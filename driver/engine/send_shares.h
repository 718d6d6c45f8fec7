// The parts of a fleet-wide schedule that one driver sends, and how they change in mid-test.
#pragma once

#include <cstdint>
#include <vector>

#include "common/schedule/amount.h"

namespace loadtest {

// The indices first, first + stride, first + 2 * stride and so on, as far as they are due in [from,
// until): nanoseconds after the start.
struct Share {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t from_ns = 0;
  int64_t until_ns = kNeverNs;

  bool operator==(const Share&) const = default;
};

// What of `share` is not in `other`: no more than two shares where both have the same stride, or
// nothing in common. Requires 0 <= first < stride of both.
std::vector<Share> Without(const Share& share, const Share& other);

// All shares that a driver was ever to send, with nothing in two of them.
//
// A share that is taken away ends where it has come to, and one that is given takes up what of it
// was not sent yet, however long ago that was due. So whatever is given, taken and given again, in
// whatever order, the driver sends each index once. Entries stay where they are in the list, and
// only their ends change: whoever goes through them keeps a place in each.
//
// Owned by the loop thread; not thread-safe. Allocates when shares are replaced, which is rare.
class SendShares {
 public:
  enum class Kind {
    // What a share has in common with another one is the same requests.
    kIndices,
    // Each share is a random process of its own, by first, stride and from.
    kProcesses,
  };

  SendShares(Kind kind, const std::vector<Share>& shares) : kind_(kind) { Give(shares); }

  const std::vector<Share>& entries() const { return entries_; }

  // What was due before `cut_ns` is done with; from then on these are to be sent, and nothing else.
  void Replace(const std::vector<Share>& shares, int64_t cut_ns);

 private:
  void Give(const std::vector<Share>& shares);
  void GiveIndices(const Share& share);
  void GiveProcess(const Share& share);

  Kind kind_;
  std::vector<Share> entries_;
};

}  // namespace loadtest
