// The way of what is learned into the store: collected, written several times a second, kept and
// tried again while the store cannot be written.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/time.h"
#include "server/store/store.h"

namespace loadtest {

// Nothing that is waited for here can be lost: what was not written is read from Kafka again, since
// its offsets were not written either. Owned by the core thread; not thread-safe.
class StoreWriter {
 public:
  StoreWriter(std::unique_ptr<Store> store, const Logger& log)
      : store_(std::move(store)), log_(log) {}

  void PutTest(const std::string& id, std::string request_id, const v1::LoadTest& test);
  void PutRecord(const std::string& test_id, Record record);
  void PutReport(v1::Report report);
  void PutOffset(TopicPartition at, int64_t next) { batch_.offsets[at] = next; }
  // Also of what is not written yet.
  void Delete(const std::string& id);

  // The records of tests that never were, also those that are not written yet.
  void Forget(const std::set<std::string>& ids);

  // The newest report of a test if it is not written yet; else nullptr.
  const v1::Report* FindWaitingReport(const std::string& test_id) const;
  // The records of a test that are not written yet.
  void ForEachWaiting(const std::string& test_id,
                      const std::function<bool(const Record&)>& take) const;

  // Whether it is time to write; `has_more`: tests or reports will be put before. Asked in every
  // turn of the core.
  bool IsDue(MonotonicTime now, bool has_more);
  void Write(MonotonicTime now);

  // One step of Store::Tidy, when its time has come.
  void Tidy(MonotonicTime now);

  // OK, or why the last try to write failed: in words for whoever asked for something.
  const absl::Status& status() const { return status_; }
  // So much waits that nothing more must be read before the store can be written again.
  bool full() const { return waiting_bytes_ > kMostWaitingBytes; }

  Store& store() { return *store_; }

  static constexpr size_t kMostWaitingBytes = size_t{256} << 20;

 private:
  bool HasMoreThanOffsets() const;
  void OnFailed(MonotonicTime now, const absl::Status& error);

  const std::unique_ptr<Store> store_;
  const Logger& log_;
  StoreBatch batch_;
  size_t waiting_bytes_ = 0;
  MonotonicTime last_write_;
  // When it was first asked about what waits; offsets alone do not count.
  std::optional<MonotonicTime> waits_since_;
  MonotonicTime last_try_;
  MonotonicTime last_complaint_;
  MonotonicTime last_tidy_;
  bool tidy_ = true;  // there is something to tidy up, as far as known
  absl::Status status_;
};

}  // namespace loadtest
