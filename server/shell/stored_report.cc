#include "server/shell/stored_report.h"

#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "server/core/record_decoder.h"

namespace loadtest {
namespace {

absl::StatusOr<v1::Report> WholeReport(ReportQuestion& question, StoreReader& store) {
  if (question.whole) return *std::move(question.whole);
  ASSIGN_OR_RETURN(std::optional<v1::Report> stored, store.GetReport(question.id));
  if (stored) {
    stored->mutable_load_test()->set_note(question.note);
    return *std::move(stored);
  }
  if (question.otherwise) return *std::move(question.otherwise);
  return absl::NotFoundError(absl::StrFormat("name: loadTests/%s has no report", question.id));
}

// Makes the slice of the records that it is given.
class Slicer {
 public:
  Slicer(const SliceRequest& slice, const v1::Report& whole) : slice_(slice), whole_(whole) {}

  absl::Status Take(const Record& record) {
    const absl::StatusOr<BusMessage> message = DecodeRecord(record);
    if (!message.ok()) return absl::OkStatus();  // refused when it came, too
    if (const auto* trigger = std::get_if<v1::Trigger>(&*message);
        trigger != nullptr && trigger->has_started() && !sliced_) {
      ASSIGN_OR_RETURN(
          SlicedReport created,
          SlicedReport::Create(slice_, whole_, trigger->started().metrics_interval_ns()));
      sliced_.emplace(std::move(created));
    }
    if (const auto* report = std::get_if<v1::MetricsReport>(&*message);
        report != nullptr && sliced_) {
      sliced_->Add(*report);
      has_reports_ = true;
    }
    return absl::OkStatus();
  }

  bool has_reports() const { return has_reports_; }
  absl::StatusOr<v1::Report> Finish() { return sliced_->Take(); }

 private:
  const SliceRequest& slice_;
  const v1::Report& whole_;
  std::optional<SlicedReport> sliced_;
  bool has_reports_ = false;
};

}  // namespace

absl::StatusOr<v1::Report> AnswerFromStore(ReportQuestion question, StoreReader& store,
                                           const std::atomic<bool>& stopping) {
  ASSIGN_OR_RETURN(v1::Report whole, WholeReport(question, store));
  if (question.slice.IsPlain()) return whole;
  Slicer slicer(question.slice, whole);
  absl::Status error = absl::OkStatus();
  RETURN_IF_ERROR(store.ForEachRecord(question.id, [&](const Record& record) {
    error = stopping ? absl::UnavailableError("the orchestrator is stopping") : slicer.Take(record);
    return error.ok();
  }));
  RETURN_IF_ERROR(error);
  // Those that were written meanwhile are taken once.
  for (const Record& record : question.waiting) RETURN_IF_ERROR(slicer.Take(record));
  if (slicer.has_reports()) return slicer.Finish();
  if (!question.slice.IsWhole()) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "name: loadTests/%s has no interval reports in the store to take a part of", question.id));
  }
  return JudgeTotals(question.slice.thresholds, std::move(whole));
}

std::optional<WokenTest> WakeFromStore(const std::string& id,
                                       std::vector<v1::Assignment> assignments,
                                       const std::vector<Record>& waiting,
                                       std::optional<v1::Report> newest, StoreReader& store,
                                       const std::atomic<bool>& stopping) {
  if (!newest) {
    absl::StatusOr<std::optional<v1::Report>> stored = store.GetReport(id);
    if (!stored.ok() || !stored->has_value()) return std::nullopt;
    newest = **std::move(stored);
  }
  TestWaker waker(std::move(assignments), *std::move(newest));
  const absl::Status read = store.ForEachRecord(id, [&](const Record& record) {
    waker.Add(record);
    return !stopping;
  });
  if (!read.ok() || stopping) return std::nullopt;
  for (const Record& record : waiting) waker.Add(record);
  return waker.Finish();
}

}  // namespace loadtest
