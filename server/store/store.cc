#include "server/store/store.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "server/store/record_block.h"
#include "server/store/schema.h"

namespace loadtest {
namespace {

// At a start another process may be reading for a moment; later the core thread must not wait.
constexpr int kLockWaitAtStartMs = 2'000;
constexpr int kLockWaitMs = 20;
constexpr char kBusId[] = "bus_id";

// Numbers of topics in the store; they must not change.
int TopicNumber(Topic topic) { return static_cast<int>(topic); }

bool Ended(const v1::LoadTest& test) {
  return test.state() == v1::LoadTest::SUCCEEDED || test.state() == v1::LoadTest::STOPPED ||
         test.state() == v1::LoadTest::FAILED;
}

absl::Status At(const std::string& dir, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrFormat("data folder %s: %s", dir, std::string(status.message())));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "data folder %s: %s; want a folder that can be made and written", dir, error.message()));
  }
  absl::StatusOr<FolderLock> lock = FolderLock::Take(dir);
  if (!lock.ok()) return At(dir, lock.status());
  const std::string path = dir + "/" + kStoreFile;
  absl::StatusOr<std::unique_ptr<Database>> db = Database::Open(path);
  if (!db.ok()) return At(dir, db.status());
  (*db)->WaitForLocks(kLockWaitAtStartMs);
  std::unique_ptr<Store> store(new Store(*std::move(lock), *std::move(db)));
  RETURN_IF_ERROR(At(dir, store->CheckVersion()));
  RETURN_IF_ERROR(At(dir, store->Prepare()));
  RETURN_IF_ERROR(At(dir, store->CheckLength(path)));
  store->db_->WaitForLocks(kLockWaitMs);
  return store;
}

// Before anything is written: a file that is not ours stays as it is.
absl::Status Store::CheckVersion() {
  ASSIGN_OR_RETURN(const int64_t version, db_->Number("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "loadtest.db: got version %d, want at most %d; it was written by a newer orchestrator: use "
        "that one, or give this one another folder with --data",
        version, kSchemaVersion));
  }
  if (version > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t tables, db_->Number("SELECT count(*) FROM sqlite_master"));
  if (tables > 0) {
    return absl::FailedPreconditionError(
        "loadtest.db: a database of another program; give another folder with --data");
  }
  return db_->Execute(kFirstPragmas);
}

// SQLite notices only when it needs what is missing, which may be a report months later.
absl::Status Store::CheckLength(const std::string& path) {
  // Afterwards the file alone has everything, unless another process reads in it.
  ASSIGN_OR_RETURN(const int64_t busy, db_->Number("PRAGMA wal_checkpoint(TRUNCATE)"));
  if (busy != 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t pages, db_->Number("PRAGMA page_count"));
  ASSIGN_OR_RETURN(const int64_t page_size, db_->Number("PRAGMA page_size"));
  std::error_code error;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, error));
  if (error || size >= pages * page_size) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("loadtest.db is cut: got %d bytes, want %d as its head says; %s", size,
                      pages * page_size, kMendAdvice));
}

absl::Status Store::Prepare() {
  RETURN_IF_ERROR(db_->Execute(kPragmas));
  RETURN_IF_ERROR(db_->Execute(kSchema));
  RETURN_IF_ERROR(db_->Execute(absl::StrFormat("PRAGMA user_version = %d", kSchemaVersion)));
  const struct {
    Statement& statement;
    std::string_view sql;
  } kStatements[] = {
      {begin_, "BEGIN IMMEDIATE"},
      {commit_, "COMMIT"},
      {rollback_, "ROLLBACK"},
      {put_test_,
       "INSERT OR REPLACE INTO load_tests (id, request_id, created_ns, ended, resource) VALUES (?, "
       "?, ?, ?, ?)"},
      {put_record_,
       "INSERT INTO records (test_id, topic, kafka_partition, kafka_offset, key, message_type, "
       "timestamp_ns, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
      {put_report_, "INSERT OR REPLACE INTO reports (test_id, report) VALUES (?, ?)"},
      {put_offset_,
       "INSERT OR REPLACE INTO offsets (topic, kafka_partition, next_offset) VALUES (?, ?, ?)"},
      {delete_test_, "DELETE FROM load_tests WHERE id = ?"},
      {delete_report_, "DELETE FROM reports WHERE test_id = ?"},
      {delete_offsets_, "DELETE FROM offsets"},
      {put_meta_, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"},
      {get_meta_, "SELECT value FROM meta WHERE name = ?"},
      {put_removed_, "INSERT OR IGNORE INTO removed (test_id) VALUES (?)"},
      {get_removed_, "SELECT test_id FROM removed LIMIT 1"},
      {put_deleted_, "INSERT OR IGNORE INTO deleted (test_id) VALUES (?)"},
      {forget_deleted_,
       "DELETE FROM deleted WHERE number <= (SELECT max(number) FROM deleted) - ?"},
      {delete_removed_, "DELETE FROM removed WHERE test_id = ?"},
      {delete_some_records_,
       "DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE test_id = ? LIMIT ?)"},
      {delete_some_blocks_,
       "DELETE FROM blocks WHERE rowid IN (SELECT rowid FROM blocks WHERE test_id = ? LIMIT ?)"},
      // The tests that have records, by steps along the index, and of these the first that ended.
      {get_packable_,
       "WITH RECURSIVE t(id) AS (SELECT min(test_id) FROM records UNION ALL "
       "SELECT (SELECT min(test_id) FROM records WHERE test_id > t.id) FROM t WHERE t.id IS NOT "
       "NULL) "
       "SELECT t.id FROM t JOIN load_tests ON load_tests.id = t.id WHERE ended = 1 LIMIT 1"},
      {get_some_records_,
       "SELECT topic, kafka_partition, kafka_offset, key, message_type, timestamp_ns, value, rowid "
       "FROM records WHERE test_id = ? ORDER BY topic, rowid LIMIT ?"},
      {delete_record_, "DELETE FROM records WHERE rowid = ?"},
      {put_block_, "INSERT INTO blocks (test_id, block) VALUES (?, ?)"},
      {give_back_, "PRAGMA incremental_vacuum(256)"},
  };
  for (const auto& entry : kStatements) {
    ASSIGN_OR_RETURN(entry.statement, db_->Prepare(entry.sql));
  }
  ASSIGN_OR_RETURN(reader_, StoreReader::On(*db_));
  return absl::OkStatus();
}

absl::Status Store::InTransaction(const std::function<absl::Status()>& change) {
  RETURN_IF_ERROR(begin_.Run());
  absl::Status status = change();
  if (status.ok()) status = commit_.Run();
  // After some errors SQLite has rolled back itself, and refuses this.
  if (!status.ok()) rollback_.Run().IgnoreError();
  return status;
}

absl::Status Store::Write(const StoreBatch& batch) {
  if (batch.empty()) return absl::OkStatus();
  return InTransaction([&] { return WriteAll(batch); });
}

absl::Status Store::WriteAll(const StoreBatch& batch) {
  // At once: whoever makes such tests up makes more of them than Tidy could keep up with.
  for (const std::string& id : batch.forgotten)
    RETURN_IF_ERROR(delete_some_records_.Bind(1, id).Bind(2, int64_t{-1}).Run());
  // First: a new test may have taken the id of one that was deleted.
  for (const std::string& id : batch.deleted) {
    RETURN_IF_ERROR(delete_test_.Bind(1, id).Run());
    RETURN_IF_ERROR(delete_report_.Bind(1, id).Run());
    RETURN_IF_ERROR(put_removed_.Bind(1, id).Run());
    RETURN_IF_ERROR(put_deleted_.Bind(1, id).Run());
  }
  if (!batch.deleted.empty()) RETURN_IF_ERROR(forget_deleted_.Bind(1, kMostDeletedIds).Run());
  for (const StoreBatch::SavedTest& saved : batch.tests) {
    RETURN_IF_ERROR(RemoveRecords(saved.id));
    const int64_t created_ns =
        saved.test.create_time().seconds() * kNanosPerSecond + saved.test.create_time().nanos();
    RETURN_IF_ERROR(put_test_.Bind(1, saved.id)
                        .Bind(2, saved.request_id)
                        .Bind(3, created_ns)
                        .Bind(4, Ended(saved.test) ? 1 : 0)
                        .Bind(5, saved.test.SerializeAsString())
                        .Run());
  }
  for (const StoreBatch::SavedRecord& saved : batch.records) {
    const Record& r = saved.record;
    RETURN_IF_ERROR(put_record_.Bind(1, saved.test_id)
                        .Bind(2, TopicNumber(r.topic))
                        .Bind(3, r.partition)
                        .Bind(4, r.offset)
                        .Bind(5, r.key)
                        .Bind(6, r.message_type)
                        .Bind(7, r.timestamp.ns)
                        .Bind(8, r.value)
                        .Run());
  }
  for (const v1::Report& report : batch.reports) {
    const std::string id = report.load_test().name().substr(std::string_view("loadTests/").size());
    RETURN_IF_ERROR(put_report_.Bind(1, id).Bind(2, report.SerializeAsString()).Run());
  }
  for (const auto& [at, next] : batch.offsets) {
    RETURN_IF_ERROR(
        put_offset_.Bind(1, TopicNumber(at.topic)).Bind(2, at.partition).Bind(3, next).Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<Store::Contents> Store::Load() {
  Contents contents;
  ASSIGN_OR_RETURN(
      Statement tests,
      db_->Prepare("SELECT id, request_id, resource FROM load_tests ORDER BY created_ns, id"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, tests.Step());
    if (!row) break;
    StoreBatch::SavedTest saved{tests.Text(0), tests.Text(1), {}};
    if (!saved.test.ParseFromString(tests.Text(2))) {
      return absl::DataLossError(
          absl::StrFormat("loadtest.db: load test %s cannot be read; %s", saved.id, kMendAdvice));
    }
    contents.tests.push_back(std::move(saved));
  }
  ASSIGN_OR_RETURN(Statement deleted, db_->Prepare("SELECT test_id FROM deleted ORDER BY number"));
  ASSIGN_OR_RETURN(contents.deleted, ReadTexts(deleted));
  // Topics are numbered so that `trigger` comes before `metrics`.
  ASSIGN_OR_RETURN(Statement records,
                   db_->Prepare("SELECT topic, kafka_partition, kafka_offset, key, message_type, "
                                "timestamp_ns, value FROM records "
                                "WHERE test_id NOT IN (SELECT id FROM load_tests WHERE ended = 1) "
                                "AND test_id NOT IN (SELECT test_id FROM removed) "
                                "ORDER BY topic, rowid"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, records.Step());
    if (!row) break;
    contents.unfinished_records.push_back(RecordOf(records));
  }
  ASSIGN_OR_RETURN(Statement offsets,
                   db_->Prepare("SELECT topic, kafka_partition, next_offset FROM offsets"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, offsets.Step());
    if (!row) break;
    contents.offsets[{static_cast<Topic>(offsets.Int(0)), static_cast<int32_t>(offsets.Int(1))}] =
        offsets.Int(2);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> bus_id, ReadTexts(get_meta_.Bind(1, kBusId)));
  if (!bus_id.empty()) contents.bus_id = bus_id.front();
  return contents;
}

absl::Status Store::ResetOffsets(std::string_view bus_id) {
  return InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(delete_offsets_.Run());
    return put_meta_.Bind(1, kBusId).Bind(2, bus_id).Run();
  });
}

absl::Status Store::SetBusId(std::string_view bus_id) {
  return InTransaction([&] { return put_meta_.Bind(1, kBusId).Bind(2, bus_id).Run(); });
}

// The first column of each row.
absl::StatusOr<std::vector<std::string>> Store::ReadTexts(Statement& statement) {
  std::vector<std::string> texts;
  absl::StatusOr<bool> row = statement.Step();
  for (; row.ok() && *row; row = statement.Step()) texts.push_back(statement.Text(0));
  statement.Reset();
  if (!row.ok()) return row.status();
  return texts;
}

}  // namespace loadtest
