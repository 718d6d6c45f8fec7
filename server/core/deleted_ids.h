// The ids of tests that were deleted last.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>

namespace loadtest {

// How many of them the core remembers (and the store, which has the same number). A driver knows
// the 64 tests that it has run last: when so many others have been deleted, it has most likely
// forgotten.
inline constexpr size_t kMostDeletedIds = 10'000;

// Owned by the core; not thread-safe.
class DeletedIds {
 public:
  // Forgets the oldest if there are too many.
  void Add(const std::string& id) {
    if (!ids_.insert(id).second) return;
    order_.push_back(id);
    if (order_.size() <= kMostDeletedIds) return;
    ids_.erase(order_.front());
    order_.pop_front();
  }

  bool Contains(std::string_view id) const { return ids_.find(id) != ids_.end(); }

 private:
  std::set<std::string, std::less<>> ids_;
  std::deque<std::string> order_;
};

}  // namespace loadtest
