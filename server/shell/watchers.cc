#include "server/shell/watchers.h"

#include <utility>

namespace loadtest {

uint64_t Watchers::Add(WatchSink sink) {
  auto watcher = std::make_shared<Watcher>();
  watcher->sink = std::move(sink);
  std::lock_guard lock(mutex_);
  watchers_.emplace(++last_, std::move(watcher));
  return last_;
}

void Watchers::Remove(uint64_t watch) {
  std::lock_guard lock(mutex_);
  const auto it = watchers_.find(watch);
  if (it == watchers_.end()) return;
  it->second->removed = true;
  watchers_.erase(it);
}

std::shared_ptr<Watchers::Watcher> Watchers::Find(uint64_t watch) {
  std::lock_guard lock(mutex_);
  const auto it = watchers_.find(watch);
  return it == watchers_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Watchers::Watcher>> Watchers::Of(const std::string& test_id) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Watcher>> found;
  for (const auto& [number, watcher] : watchers_) {
    if (watcher->test_id == test_id) found.push_back(watcher);
  }
  return found;
}

bool Watchers::AnyOf(const std::string& test_id) { return !Of(test_id).empty(); }

void Watchers::End(uint64_t watch, const absl::Status& status) {
  EndIf([watch](uint64_t number, const Watcher&) { return number == watch; }, status);
}

void Watchers::EndAllOf(const std::string& test_id, const absl::Status& status) {
  EndIf([&test_id](uint64_t, const Watcher& watcher) { return watcher.test_id == test_id; },
        status);
}

void Watchers::EndAll(const absl::Status& status) {
  EndIf([](uint64_t, const Watcher&) { return true; }, status);
}

void Watchers::EndIf(const std::function<bool(uint64_t, const Watcher&)>& matches,
                     const absl::Status& status) {
  std::vector<std::shared_ptr<Watcher>> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto it = watchers_.begin(); it != watchers_.end();) {
      if (matches(it->first, *it->second)) {
        ended.push_back(it->second);
        it = watchers_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (const auto& watcher : ended) {
    if (!watcher->removed) watcher->sink.on_end(status);
  }
}

}  // namespace loadtest
