// What server/store keeps, without a disk: a batch is there whole or not at all.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace loadtest::sim {

// Outlives the orchestrator, as a folder does. Same meaning as Store, statement by statement.
class SimStore {
 public:
  // Refuses every write, as a full disk.
  void SetFull(bool full) { full_ = full; }

  absl::Status Write(const StoreBatch& batch);
  Store::Contents Load() const;
  std::optional<v1::Report> GetReport(const std::string& test_id) const;

  // In the order of Load.
  std::vector<Record> RecordsOf(const std::string& test_id) const;

  // Of tests that are there and ended.
  bool IsEnded(const std::string& test_id) const;

 private:
  bool full_ = false;
  std::map<std::string, StoreBatch::SavedTest> tests_;
  std::vector<StoreBatch::SavedRecord> records_;
  std::map<std::string, v1::Report> reports_;
  std::vector<std::string> deleted_;
  Offsets offsets_;
};

}  // namespace loadtest::sim
