// Where one watcher's updates wait until the watcher can take them.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {

// One slot: a newer update takes the place of one that was not taken yet, so that a slow or dead
// client costs one update of memory and never makes the writer wait. Only the events of replaced
// updates are kept, since no later update repeats them; of more than kMaxKeptEvents the oldest are
// dropped.
//
// Thread-safe. Written by the core thread, read by the door that serves the watcher.
class UpdateMailbox {
 public:
  static constexpr size_t kMaxKeptEvents = 1'000;

  using Update = std::shared_ptr<const v1::LoadTestUpdate>;

  // The watch is over: OK when the test has ended, else why.
  struct Ended {
    absl::Status status;
  };

  using Item = std::variant<Update, Ended>;

  // Put and Close return true when the box had nothing to take before: the reader must be woken
  // then, and only then. What comes after Close is ignored.
  bool Put(Update update);
  bool Close(const absl::Status& status);

  // The newest update, with the events of those it replaced before its own; after the last one
  // Ended, once. Nothing when there is nothing new.
  std::optional<Item> Take();

 private:
  std::mutex mutex_;
  Update newest_;
  std::vector<v1::Event> kept_events_;  // of replaced updates, oldest first
  std::optional<Ended> ended_;
  bool closed_ = false;
};

}  // namespace loadtest
