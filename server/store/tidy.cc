// What the store does when there is time: it packs what has ended and removes what was deleted, in
// steps so small that nobody waits for one.
#include "common/base/status_macros.h"
#include "server/store/record_block.h"
#include "server/store/store.h"

namespace loadtest {
namespace {

constexpr int64_t kRecordsAStep = 1'000;
constexpr int64_t kBlocksAStep = 16;
constexpr size_t kBytesAStep = 1 << 20;
// Free pages that stay for what comes next.
constexpr int64_t kFreePagesKept = 1'024;

}  // namespace

absl::StatusOr<bool> Store::Tidy() {
  ASSIGN_OR_RETURN(const std::vector<std::string> removed, ReadTexts(get_removed_));
  if (!removed.empty()) return RemoveSome(removed.front());
  ASSIGN_OR_RETURN(const std::vector<std::string> packable, ReadTexts(get_packable_));
  if (!packable.empty()) return PackSome(packable.front());
  ASSIGN_OR_RETURN(const int64_t free_pages, db_->Number("PRAGMA freelist_count"));
  if (free_pages <= kFreePagesKept) return false;
  ASSIGN_OR_RETURN(const std::vector<std::string> nothing, ReadTexts(give_back_));
  ASSIGN_OR_RETURN(const int64_t left, db_->Number("PRAGMA freelist_count"));
  // A store of version 1 keeps its free pages for itself.
  return left < free_pages;
}

absl::StatusOr<bool> Store::RemoveSome(const std::string& test_id) {
  RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t before, db_->Number("SELECT total_changes()"));
    RETURN_IF_ERROR(delete_some_records_.Bind(1, test_id).Bind(2, kRecordsAStep).Run());
    RETURN_IF_ERROR(delete_some_blocks_.Bind(1, test_id).Bind(2, kBlocksAStep).Run());
    ASSIGN_OR_RETURN(const int64_t after, db_->Number("SELECT total_changes()"));
    if (after > before) return absl::OkStatus();
    return delete_removed_.Bind(1, test_id).Run();
  }));
  return true;
}

// All at once, when a new test takes the id of a deleted one.
absl::Status Store::RemoveRecords(const std::string& test_id) {
  RETURN_IF_ERROR(delete_removed_.Bind(1, test_id).Run());
  ASSIGN_OR_RETURN(const int64_t was_removed, db_->Number("SELECT changes()"));
  if (was_removed == 0) return absl::OkStatus();
  RETURN_IF_ERROR(delete_some_records_.Bind(1, test_id).Bind(2, int64_t{-1}).Run());
  return delete_some_blocks_.Bind(1, test_id).Bind(2, int64_t{-1}).Run();
}

absl::StatusOr<bool> Store::PackSome(const std::string& test_id) {
  std::vector<Record> records;
  std::vector<int64_t> rows;
  size_t bytes = 0;
  get_some_records_.Bind(1, test_id).Bind(2, kRecordsAStep);
  absl::StatusOr<bool> row = get_some_records_.Step();
  for (; row.ok() && *row; row = get_some_records_.Step()) {
    const Record& record = records.emplace_back(RecordOf(get_some_records_));
    rows.push_back(get_some_records_.Int(7));
    bytes += record.value.size();
    if (bytes > kBytesAStep) break;
  }
  get_some_records_.Reset();
  RETURN_IF_ERROR(row.status());
  RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(put_block_.Bind(1, test_id).Bind(2, PackRecords(records)).Run());
    for (const int64_t id : rows) RETURN_IF_ERROR(delete_record_.Bind(1, id).Run());
    return absl::OkStatus();
  }));
  return true;
}

}  // namespace loadtest
