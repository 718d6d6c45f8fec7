#include "server/shell/store_writer.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

// Each write ends with a sync of the disk, so what comes in one moment is written together: so long
// after the first of it, when the reports of an interval are through.
constexpr int64_t kWriteNs = 100 * kNanosPerMilli;
// Offsets alone (heartbeats, nothing of a test) are not worth a write more often.
constexpr int64_t kOffsetsWriteNs = 5 * kNanosPerSecond;
constexpr int64_t kRetryNs = kNanosPerSecond;
constexpr int64_t kComplainNs = 30 * kNanosPerSecond;
// Between the steps of tidying up, and until it is looked for again when there was nothing.
constexpr int64_t kTidyNs = 20 * kNanosPerMilli;
constexpr int64_t kTidyAgainNs = 5 * kNanosPerSecond;

}  // namespace

void StoreWriter::PutTest(const std::string& id, std::string request_id, const v1::LoadTest& test) {
  std::erase_if(batch_.tests, [&](const auto& saved) { return saved.id == id; });
  batch_.tests.push_back({id, std::move(request_id), test});
}

void StoreWriter::PutReport(v1::Report report) {
  std::erase_if(batch_.reports, [&](const auto& saved) {
    return saved.load_test().name() == report.load_test().name();
  });
  batch_.reports.push_back(std::move(report));
}

const v1::Report* StoreWriter::FindWaitingReport(const std::string& test_id) const {
  for (const v1::Report& waiting : batch_.reports) {
    if (waiting.load_test().name() == "loadTests/" + test_id) return &waiting;
  }
  return nullptr;
}

void StoreWriter::PutRecord(const std::string& test_id, Record record) {
  waiting_bytes_ += record.value.size() + sizeof(Record);
  batch_.records.push_back({test_id, std::move(record)});
}

void StoreWriter::Delete(const std::string& id) {
  std::erase_if(batch_.tests, [&](const auto& saved) { return saved.id == id; });
  std::erase_if(batch_.records, [&](const auto& saved) { return saved.test_id == id; });
  std::erase_if(batch_.reports,
                [&](const auto& report) { return report.load_test().name() == "loadTests/" + id; });
  batch_.deleted.push_back(id);
  tidy_ = true;
}

void StoreWriter::Forget(const std::set<std::string>& ids) {
  std::erase_if(batch_.records, [&](const auto& saved) { return ids.contains(saved.test_id); });
  batch_.forgotten.insert(batch_.forgotten.end(), ids.begin(), ids.end());
}

void StoreWriter::ForEachWaiting(const std::string& test_id,
                                 const std::function<bool(const Record&)>& take) const {
  for (const StoreBatch::SavedRecord& saved : batch_.records) {
    if (saved.test_id == test_id && !take(saved.record)) return;
  }
}

bool StoreWriter::HasMoreThanOffsets() const {
  return !batch_.tests.empty() || !batch_.records.empty() || !batch_.reports.empty() ||
         !batch_.deleted.empty() || !batch_.forgotten.empty();
}

bool StoreWriter::IsDue(MonotonicTime now, bool has_more) {
  if (!status_.ok()) return now.ns - last_try_.ns >= kRetryNs;
  if (!has_more && !HasMoreThanOffsets()) return now.ns - last_write_.ns >= kOffsetsWriteNs;
  if (!waits_since_.has_value()) waits_since_ = now;
  return now.ns - waits_since_->ns >= kWriteNs;
}

void StoreWriter::Write(MonotonicTime now) {
  last_try_ = now;
  const absl::Status written = store_->Write(batch_);
  if (!written.ok()) return OnFailed(now, written);
  if (!status_.ok()) log_.Info("the store can be written again; nothing was lost");
  status_ = absl::OkStatus();
  last_write_ = now;
  waits_since_.reset();
  // An end makes records that can be packed.
  if (!batch_.reports.empty()) tidy_ = true;
  batch_ = StoreBatch();
  waiting_bytes_ = 0;
}

void StoreWriter::Tidy(MonotonicTime now) {
  if (!status_.ok() || now.ns - last_tidy_.ns < (tidy_ ? kTidyNs : kTidyAgainNs)) return;
  last_tidy_ = now;
  const absl::StatusOr<bool> more = store_->Tidy();
  if (!more.ok()) {
    log_.Warning(absl::StrFormat("the store cannot be tidied up: %s; trying again later",
                                 std::string(more.status().message())));
  }
  tidy_ = more.ok() && *more;
}

void StoreWriter::OnFailed(MonotonicTime now, const absl::Status& error) {
  const bool is_new = status_.code() != error.code();
  status_ = absl::Status(error.code(), absl::StrFormat("the store cannot be written: %s",
                                                       std::string(error.message())));
  if (!is_new && now.ns - last_complaint_.ns < kComplainNs) return;
  last_complaint_ = now;
  log_.Error(absl::StrFormat(
      "%s; trying again every second, %s wait in memory%s", std::string(status_.message()),
      FormatBytes(static_cast<int64_t>(waiting_bytes_)),
      full() ? ", and nothing more is read from the broker until it is written" : ""));
}

}  // namespace loadtest
