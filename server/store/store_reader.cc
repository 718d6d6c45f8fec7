#include "server/store/store_reader.h"

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "server/store/record_block.h"

namespace loadtest {
namespace {

// A reader waits for nobody but at the moment in which the log is begun anew.
constexpr int kLockWaitMs = 2'000;

}  // namespace

Record RecordOf(const Statement& row) {
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

absl::StatusOr<std::unique_ptr<StoreReader>> StoreReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<Database> db, Database::OpenToRead(path));
  db->WaitForLocks(kLockWaitMs);
  ASSIGN_OR_RETURN(std::unique_ptr<StoreReader> reader, On(*db));
  reader->own_db_ = std::move(db);
  return reader;
}

absl::StatusOr<std::unique_ptr<StoreReader>> StoreReader::On(Database& db) {
  std::unique_ptr<StoreReader> reader(new StoreReader());
  RETURN_IF_ERROR(reader->Prepare(db));
  return reader;
}

absl::Status StoreReader::Prepare(Database& db) {
  ASSIGN_OR_RETURN(begin_, db.Prepare("BEGIN"));
  ASSIGN_OR_RETURN(end_, db.Prepare("COMMIT"));
  ASSIGN_OR_RETURN(get_report_, db.Prepare("SELECT report FROM reports WHERE test_id = ?"));
  ASSIGN_OR_RETURN(
      get_records_,
      db.Prepare(absl::StrFormat("SELECT %s FROM records WHERE test_id = ? ORDER BY topic, rowid",
                                 kRecordColumns)));
  ASSIGN_OR_RETURN(get_blocks_,
                   db.Prepare("SELECT block FROM blocks WHERE test_id = ? ORDER BY rowid"));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Report>> StoreReader::GetReport(std::string_view test_id) {
  const absl::StatusOr<bool> row = get_report_.Bind(1, test_id).Step();
  const std::string found = row.ok() && *row ? get_report_.Text(0) : "";
  get_report_.Reset();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  std::optional<v1::Report> report;
  if (!report.emplace().ParseFromString(found)) {
    return absl::DataLossError(
        absl::StrFormat("loadtest.db: the report of %s cannot be read", test_id));
  }
  return report;
}

absl::Status StoreReader::ForEachRecord(std::string_view test_id,
                                        const std::function<bool(const Record&)>& take) {
  // In one transaction: meanwhile records may be moved into a block.
  RETURN_IF_ERROR(begin_.Run());
  const absl::Status status = ReadRecords(test_id, take);
  end_.Run().IgnoreError();
  return status;
}

absl::Status StoreReader::ReadRecords(std::string_view test_id,
                                      const std::function<bool(const Record&)>& take) {
  bool more = true;
  const auto take_one = [&](const Record& record) { return more = take(record); };
  absl::Status status = absl::OkStatus();
  get_blocks_.Bind(1, test_id);
  while (more && status.ok()) {
    const absl::StatusOr<bool> row = get_blocks_.Step();
    status = row.status();
    if (!row.ok() || !*row) break;
    status = UnpackRecords(get_blocks_.Text(0), take_one);
  }
  get_blocks_.Reset();
  get_records_.Bind(1, test_id);
  while (more && status.ok()) {
    const absl::StatusOr<bool> row = get_records_.Step();
    status = row.status();
    if (!row.ok() || !*row) break;
    take_one(RecordOf(get_records_));
  }
  get_records_.Reset();
  return status;
}

}  // namespace loadtest
