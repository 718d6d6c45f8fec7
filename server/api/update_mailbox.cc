#include "server/api/update_mailbox.h"

#include <algorithm>
#include <utility>

namespace loadtest {
namespace {

// A copy of `update` that tells `earlier` before its own events, as many of the newest as may be
// kept.
UpdateMailbox::Update WithEarlierEvents(const v1::LoadTestUpdate& update,
                                        const std::vector<v1::Event>& earlier) {
  auto whole = std::make_shared<v1::LoadTestUpdate>(update);
  whole->clear_events();
  const size_t all = earlier.size() + update.events_size();
  size_t too_many = all - std::min(all, UpdateMailbox::kMaxKeptEvents);
  for (size_t i = std::min(too_many, earlier.size()); i < earlier.size(); ++i) {
    *whole->add_events() = earlier[i];
  }
  for (size_t i = too_many - std::min(too_many, earlier.size());
       i < static_cast<size_t>(update.events_size()); ++i) {
    *whole->add_events() = update.events(static_cast<int>(i));
  }
  return whole;
}

}  // namespace

bool UpdateMailbox::Put(Update update) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  const bool was_empty = newest_ == nullptr;
  if (newest_ != nullptr) {
    kept_events_.insert(kept_events_.end(), newest_->events().begin(), newest_->events().end());
    if (kept_events_.size() > kMaxKeptEvents) {
      kept_events_.erase(kept_events_.begin(), kept_events_.end() - kMaxKeptEvents);
    }
  }
  newest_ = std::move(update);
  return was_empty;
}

bool UpdateMailbox::Close(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  closed_ = true;
  ended_ = Ended{status};
  return newest_ == nullptr;
}

std::optional<UpdateMailbox::Item> UpdateMailbox::Take() {
  // The copy for kept events is made outside the lock, so that the core thread never waits for it.
  Update update;
  std::vector<v1::Event> earlier;
  {
    std::lock_guard lock(mutex_);
    if (newest_ == nullptr) {
      if (!ended_) return std::nullopt;
      Ended ended = *std::move(ended_);
      ended_.reset();
      return ended;
    }
    update = std::exchange(newest_, nullptr);
    earlier = std::exchange(kept_events_, {});
  }
  if (earlier.empty()) return update;
  return WithEarlierEvents(*update, earlier);
}

}  // namespace loadtest
