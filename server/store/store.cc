#include "server/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

constexpr int kSchemaVersion = 1;

// Numbers of topics in the store; they must not change.
int TopicNumber(Topic topic) { return static_cast<int>(topic); }

// WAL with synchronous=FULL: a committed batch survives a power cut.
constexpr char kSchema[] = R"sql(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS load_tests (
    id TEXT PRIMARY KEY, request_id TEXT NOT NULL, created_ns INTEGER NOT NULL, ended INTEGER NOT NULL, resource BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS records (
    test_id TEXT NOT NULL, topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, kafka_offset INTEGER NOT NULL,
    key TEXT NOT NULL, message_type TEXT NOT NULL, timestamp_ns INTEGER NOT NULL, value BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS records_by_test ON records (test_id, topic);
  CREATE TABLE IF NOT EXISTS reports (test_id TEXT PRIMARY KEY, report BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS offsets (
    topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic, kafka_partition));
)sql";

absl::StatusOr<int> Lock(const std::string& dir) {
  const std::string path = dir + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "data folder %s: %s; want a folder that can be written", dir, std::strerror(errno)));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return absl::FailedPreconditionError(absl::StrFormat(
        "data folder %s: in use by another orchestrator; give this one its own with --data", dir));
  }
  return fd;
}

bool Ended(const v1::LoadTest& test) {
  return test.state() == v1::LoadTest::SUCCEEDED || test.state() == v1::LoadTest::STOPPED ||
         test.state() == v1::LoadTest::FAILED;
}

// Columns: topic, kafka_partition, kafka_offset, key, message_type, timestamp_ns, value.
Record ReadRecord(Statement& row) {
  Record record;
  record.topic = static_cast<Topic>(row.Int(0));
  record.partition = static_cast<int32_t>(row.Int(1));
  record.offset = row.Int(2);
  record.key = row.Text(3);
  record.message_type = row.Text(4);
  record.timestamp = {row.Int(5)};
  record.value = row.Text(6);
  return record;
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
    return absl::InvalidArgumentError(absl::StrFormat(
        "data folder %s: %s; want a folder that can be made and written", dir, error.message()));
  }
  ASSIGN_OR_RETURN(const int lock_fd, Lock(dir));
  absl::StatusOr<std::unique_ptr<Database>> db = Database::Open(dir + "/loadtest.db");
  if (!db.ok()) {
    close(lock_fd);
    return At(dir, db.status());
  }
  std::unique_ptr<Store> store(new Store(*std::move(db), lock_fd));
  RETURN_IF_ERROR(At(dir, store->Prepare()));
  return store;
}

Store::~Store() { close(lock_fd_); }

absl::Status Store::Prepare() {
  ASSIGN_OR_RETURN(Statement version, db_->Prepare("PRAGMA user_version"));
  ASSIGN_OR_RETURN(const bool has_version, version.Step());
  const int64_t found = has_version ? version.Int(0) : 0;
  version.Reset();
  if (found > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "loadtest.db: got version %d, want at most %d; it was written by a newer orchestrator",
        found, kSchemaVersion));
  }
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
      {delete_records_, "DELETE FROM records WHERE test_id = ?"},
      {delete_report_, "DELETE FROM reports WHERE test_id = ?"},
      {get_report_, "SELECT report FROM reports WHERE test_id = ?"},
  };
  for (const auto& entry : kStatements) {
    ASSIGN_OR_RETURN(entry.statement, db_->Prepare(entry.sql));
  }
  return absl::OkStatus();
}

absl::Status Store::Write(const StoreBatch& batch) {
  if (batch.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(begin_.Run());
  absl::Status status = WriteAll(batch);
  if (status.ok()) status = commit_.Run();
  if (!status.ok()) rollback_.Run().IgnoreError();
  return status;
}

absl::Status Store::WriteAll(const StoreBatch& batch) {
  for (const StoreBatch::SavedTest& saved : batch.tests) {
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
  for (const std::string& id : batch.deleted) {
    RETURN_IF_ERROR(delete_test_.Bind(1, id).Run());
    RETURN_IF_ERROR(delete_records_.Bind(1, id).Run());
    RETURN_IF_ERROR(delete_report_.Bind(1, id).Run());
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
          absl::StrFormat("loadtest.db: load test %s cannot be read", saved.id));
    }
    contents.tests.push_back(std::move(saved));
  }
  // Topics are numbered so that `trigger` comes before `metrics`.
  ASSIGN_OR_RETURN(Statement records,
                   db_->Prepare("SELECT topic, kafka_partition, kafka_offset, key, message_type, "
                                "timestamp_ns, value FROM records "
                                "WHERE test_id NOT IN (SELECT id FROM load_tests WHERE ended = 1) "
                                "ORDER BY topic, rowid"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, records.Step());
    if (!row) break;
    contents.unfinished_records.push_back(ReadRecord(records));
  }
  ASSIGN_OR_RETURN(Statement offsets,
                   db_->Prepare("SELECT topic, kafka_partition, next_offset FROM offsets"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, offsets.Step());
    if (!row) break;
    contents.offsets[{static_cast<Topic>(offsets.Int(0)), static_cast<int32_t>(offsets.Int(1))}] =
        offsets.Int(2);
  }
  return contents;
}

absl::Status Store::ForEachRecord(std::string_view test_id,
                                  const std::function<bool(const Record&)>& take) {
  ASSIGN_OR_RETURN(Statement records,
                   db_->Prepare("SELECT topic, kafka_partition, kafka_offset, key, message_type, "
                                "timestamp_ns, value FROM records WHERE test_id = ? "
                                "ORDER BY topic, rowid"));
  records.Bind(1, test_id);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, records.Step());
    if (!row || !take(ReadRecord(records))) return absl::OkStatus();
  }
}

absl::Status Store::ClearOffsets() { return db_->Execute("DELETE FROM offsets"); }

absl::StatusOr<std::optional<v1::Report>> Store::GetReport(std::string_view test_id) {
  const absl::StatusOr<bool> row = get_report_.Bind(1, test_id).Step();
  std::optional<v1::Report> report;
  bool damaged = false;
  if (row.ok() && *row) damaged = !report.emplace().ParseFromString(get_report_.Text(0));
  get_report_.Reset();
  if (!row.ok()) return row.status();
  if (damaged)
    return absl::DataLossError(
        absl::StrFormat("loadtest.db: the report of %s cannot be read", test_id));
  return report;
}

}  // namespace loadtest
