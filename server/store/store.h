// What survives the orchestrator: tests, reports, the records they were made of, and how far each
// topic has been read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/store/sqlite.h"

namespace loadtest {

// Changes that are written together or not at all. Records and the offsets behind them are in one
// batch, so a record is in the store exactly once whatever dies when.
struct StoreBatch {
  struct SavedTest {
    std::string id;
    std::string request_id;
    v1::LoadTest test;
  };
  struct SavedRecord {
    std::string test_id;
    Record record;
  };
  std::vector<SavedTest> tests;
  std::vector<SavedRecord> records;
  std::vector<v1::Report> reports;
  std::vector<std::string> deleted;
  Offsets offsets;  // next offset to read

  bool empty() const {
    return tests.empty() && records.empty() && reports.empty() && deleted.empty() &&
           offsets.empty();
  }
};

// Owned by the core thread; not thread-safe.
class Store {
 public:
  // Opens `dir`/loadtest.db, made when missing. Errors name the folder and what is wrong with it:
  // not writable, in use by another orchestrator (FailedPrecondition), not a store or of a newer
  // version, damaged (DataLoss).
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& dir);
  ~Store();

  absl::Status Write(const StoreBatch& batch);

  struct Contents {
    std::vector<StoreBatch::SavedTest> tests;  // by time of creation
    // Records of tests that have not ended: their triggers in order, then their interval reports.
    std::vector<Record> unfinished_records;
    Offsets offsets;
  };
  absl::StatusOr<Contents> Load();

  // Forgets offsets and keeps the rest: the bus was made anew.
  absl::Status ClearOffsets();

  // Nothing when there is none.
  absl::StatusOr<std::optional<v1::Report>> GetReport(std::string_view test_id);

  // The records of a test in the order of Contents, one after the other, until `take` says false.
  absl::Status ForEachRecord(std::string_view test_id,
                             const std::function<bool(const Record&)>& take);

 private:
  Store(std::unique_ptr<Database> db, int lock_fd) : db_(std::move(db)), lock_fd_(lock_fd) {}
  absl::Status Prepare();
  absl::Status WriteAll(const StoreBatch& batch);

  std::unique_ptr<Database> db_;
  const int lock_fd_;
  Statement begin_, commit_, rollback_;
  Statement put_test_, put_record_, put_report_, put_offset_;
  Statement delete_test_, delete_records_, delete_report_;
  Statement get_report_;
};

}  // namespace loadtest
