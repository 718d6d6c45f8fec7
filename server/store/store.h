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
#include "server/store/folder_lock.h"
#include "server/store/sqlite.h"
#include "server/store/store_reader.h"

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
  // Before all that is put: what is in the batch of a deleted id is of a new test.
  std::vector<std::string> deleted;
  // Tests that never were: their records go, and nothing is remembered of them. Before all that is
  // put, too.
  std::vector<std::string> forgotten;
  Offsets offsets;  // next offset to read

  bool empty() const {
    return tests.empty() && records.empty() && reports.empty() && deleted.empty() &&
           forgotten.empty() && offsets.empty();
  }
};

// Owned by the core thread; not thread-safe. docs/decisions/0013-what-the-store-promises.md has the
// reasons.
class Store {
 public:
  // Opens `dir`/loadtest.db, made when missing. Errors name the folder, what is wrong with it and
  // what to do: FailedPrecondition when it cannot be written, is in use by another orchestrator,
  // locked, of a newer version or another program's, DataLoss when it is damaged, cut or no
  // database, ResourceExhausted when there is no space.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& dir);

  absl::Status Write(const StoreBatch& batch);

  // How many ids of deleted tests are remembered: as many as the core does.
  static constexpr int64_t kMostDeletedIds = 10'000;

  struct Contents {
    std::vector<StoreBatch::SavedTest> tests;  // by time of creation
    std::vector<std::string> deleted;          // ids, in the order of their deletion; the newest
    // Records of tests that have not ended: their triggers in order, then their interval reports.
    std::vector<Record> unfinished_records;
    Offsets offsets;
    // The bus that the offsets belong to; empty when none was told yet.
    std::string bus_id;
  };
  absl::StatusOr<Contents> Load();

  // Forgets offsets and keeps the rest: from now on they are those of another bus.
  absl::Status ResetOffsets(std::string_view bus_id);
  // Only tells whose the offsets are.
  absl::Status SetBusId(std::string_view bus_id);

  // Reads on the core thread, which waits for it.
  StoreReader& reader() { return *reader_; }
  // The file, for a StoreReader of another thread.
  std::string path() const { return db_->path(); }

  // Does one small step, some milliseconds, of what can wait: packs records of ended tests, removes
  // those of deleted ones, gives free space back to the file system. False when nothing is left.
  absl::StatusOr<bool> Tidy();

 private:
  Store(FolderLock lock, std::unique_ptr<Database> db)
      : lock_(std::move(lock)), db_(std::move(db)) {}
  absl::Status CheckVersion();
  absl::Status CheckLength(const std::string& path);
  absl::Status Prepare();
  absl::Status WriteAll(const StoreBatch& batch);
  absl::Status InTransaction(const std::function<absl::Status()>& change);
  absl::StatusOr<std::vector<std::string>> ReadTexts(Statement& statement);
  absl::Status RemoveRecords(const std::string& test_id);
  absl::StatusOr<bool> RemoveSome(const std::string& test_id);
  absl::StatusOr<bool> PackSome(const std::string& test_id);

  const FolderLock lock_;
  std::unique_ptr<Database> db_;
  std::unique_ptr<StoreReader> reader_;  // on db_
  Statement begin_, commit_, rollback_;
  Statement put_test_, put_record_, put_report_, put_offset_;
  Statement delete_test_, delete_report_, delete_offsets_;
  Statement put_meta_, get_meta_;
  Statement put_removed_, get_removed_, delete_removed_;
  Statement put_deleted_, forget_deleted_;
  Statement delete_some_records_, delete_some_blocks_;
  Statement get_packable_, get_some_records_, delete_record_, put_block_;
  Statement give_back_;
};

}  // namespace loadtest
