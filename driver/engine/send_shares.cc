#include "driver/engine/send_shares.h"

#include <algorithm>
#include <numeric>

namespace loadtest {
namespace {

// Strides that no fleet has. What they have in common is then sent twice rather than not at all.
constexpr int64_t kMostParts = 4096;

void AddIfNotEmpty(std::vector<Share>& shares, const Share& share) {
  if (share.from_ns < share.until_ns) shares.push_back(share);
}

}  // namespace

// Within the time that both cover, the indices of `share` fall into classes by the least common
// multiple of the strides, and at most one class is the other's too.
std::vector<Share> Without(const Share& share, const Share& other) {
  const int64_t from_ns = std::max(share.from_ns, other.from_ns);
  const int64_t until_ns = std::min(share.until_ns, other.until_ns);
  const int64_t common = std::gcd(share.stride, other.stride);
  const int64_t parts = other.stride / common;
  if (from_ns >= until_ns || (share.first - other.first) % common != 0 || parts > kMostParts) {
    return {share};
  }
  std::vector<Share> rest;
  AddIfNotEmpty(rest, {share.first, share.stride, share.from_ns, from_ns});
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t first = share.first + part * share.stride;
    if ((first - other.first) % other.stride == 0) continue;
    rest.push_back({first, share.stride * parts, from_ns, until_ns});
  }
  AddIfNotEmpty(rest, {share.first, share.stride, until_ns, share.until_ns});
  return rest;
}

void SendShares::Replace(const std::vector<Share>& shares, int64_t cut_ns) {
  for (Share& entry : entries_) {
    // One that has not begun ends where it would have begun: there is its cursor's place.
    entry.until_ns = std::max(entry.from_ns, std::min(entry.until_ns, cut_ns));
  }
  Give(shares);
}

void SendShares::Give(const std::vector<Share>& shares) {
  for (const Share& share : shares) {
    if (share.from_ns >= share.until_ns) continue;
    kind_ == Kind::kIndices ? GiveIndices(share) : GiveProcess(share);
  }
}

void SendShares::GiveIndices(const Share& share) {
  std::vector<Share> given = {share};
  for (const Share& entry : entries_) {
    std::vector<Share> rest;
    for (const Share& piece : given) {
      const std::vector<Share> left = Without(piece, entry);
      rest.insert(rest.end(), left.begin(), left.end());
    }
    given = std::move(rest);
  }
  for (const Share& piece : given) {
    // Mostly it goes on where it was.
    const auto before = std::find_if(entries_.begin(), entries_.end(), [&](const Share& entry) {
      return entry.first == piece.first && entry.stride == piece.stride &&
             entry.until_ns == piece.from_ns;
    });
    if (before != entries_.end()) {
      before->until_ns = piece.until_ns;
    } else {
      entries_.push_back(piece);
    }
  }
}

void SendShares::GiveProcess(const Share& share) {
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Share& entry) {
    return entry.first == share.first && entry.stride == share.stride &&
           entry.from_ns == share.from_ns;
  });
  if (known != entries_.end()) {
    known->until_ns = std::max(known->until_ns, share.until_ns);
  } else {
    entries_.push_back(share);
  }
}

}  // namespace loadtest
