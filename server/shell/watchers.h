// Who watches which test, and what they have been told.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/api/control_plane.h"

namespace loadtest {

// Add and Remove may be called by any thread, the rest only by the core thread.
class Watchers {
 public:
  struct Watcher {
    std::string test_id;
    WatchSink sink;
    size_t events_told = 0;
    std::atomic<bool> removed = false;
  };

  // Reserves a number; the watch begins with Start.
  uint64_t Add(WatchSink sink);
  void Remove(uint64_t watch);

  // nullptr when it was removed meanwhile.
  std::shared_ptr<Watcher> Find(uint64_t watch);
  // All that watch `test_id`.
  std::vector<std::shared_ptr<Watcher>> Of(const std::string& test_id);
  bool AnyOf(const std::string& test_id);

  // Ends the watch.
  void End(uint64_t watch, const absl::Status& status);
  void EndAllOf(const std::string& test_id, const absl::Status& status);
  void EndAll(const absl::Status& status);

 private:
  void EndIf(const std::function<bool(uint64_t, const Watcher&)>& matches,
             const absl::Status& status);

  std::mutex mutex_;
  uint64_t last_ = 0;
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers_;
};

}  // namespace loadtest
