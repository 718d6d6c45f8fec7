// What the readers are asked for, and what becomes of it: reports, parts of tests, and tests that
// have to take late reports again.
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "server/shell/orchestrator.h"
#include "server/shell/stored_report.h"

namespace loadtest {

void Orchestrator::AnswerReport(const std::string& id, SliceRequest slice,
                                const Reply<v1::Report>& answer) {
  const v1::LoadTest* test = core_.FindTest(id);
  if (test == nullptr) return answer(LoadTestNotFound(id));
  ReportQuestion question{.id = id, .slice = std::move(slice), .note = test->note()};
  const std::unique_ptr<v1::Report> built = core_.BuildReport(id);
  if (built != nullptr && (!IsEnded(test->state()) || built->has_totals())) {
    question.whole = *built;
  } else if (const v1::Report* waiting = store_.FindWaitingReport(id)) {
    question.whole = *waiting;
    question.whole->mutable_load_test()->set_note(question.note);
  } else if (built != nullptr) {
    question.otherwise = *built;
  }
  const bool is_plain = question.slice.IsPlain();
  if (is_plain && question.whole) return answer(*std::move(question.whole));
  if (!is_plain) {
    store_.ForEachWaiting(id, [&](const Record& record) {
      question.waiting.push_back(record);
      return true;
    });
  }
  ReaderThread& reader = is_plain ? report_reader_ : slice_reader_;
  const bool taken =
      reader.TryRun([question = std::move(question), answer, &stopping = reader.stopping()](
                        const absl::StatusOr<StoreReader*>& store) mutable {
        if (!store.ok()) return answer(store.status());
        answer(AnswerFromStore(std::move(question), **store, stopping));
      });
  if (taken) return;
  answer(absl::ResourceExhaustedError(
      is_plain ? "too many reports are being read; try again"
               : "too many parts of tests are being made; try again when these are there"));
}

void Orchestrator::WakeTests() {
  for (const std::string& id : late_reports_.Unbegun()) {
    const v1::LoadTest* test = core_.FindTest(id);
    if (test == nullptr) {
      OnAwake(id, std::nullopt);
      continue;
    }
    std::vector<v1::Assignment> assignments(test->assignments().begin(), test->assignments().end());
    std::vector<Record> waiting;
    store_.ForEachWaiting(id, [&](const Record& record) {
      waiting.push_back(record);
      return true;
    });
    std::optional<v1::Report> newest;
    if (const v1::Report* report = store_.FindWaitingReport(id)) newest = *report;
    const bool taken = slice_reader_.TryRun(
        [this, id, assignments = std::move(assignments), waiting = std::move(waiting),
         newest = std::move(newest)](const absl::StatusOr<StoreReader*>& store) mutable {
          // A std::function is copied, what was made again is not.
          auto woken = std::make_shared<std::optional<WokenTest>>();
          if (store.ok()) {
            *woken = WakeFromStore(id, std::move(assignments), waiting, std::move(newest), **store,
                                   slice_reader_.stopping());
          }
          while (!slice_reader_.stopping()) {
            Input done = Call([this, id, woken] { OnAwake(id, std::move(*woken)); });
            if (inputs_.TryPush(std::move(done))) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        });
    if (!taken) return;  // later
    late_reports_.SetBegun(id);
  }
}

void Orchestrator::OnAwake(const std::string& id, std::optional<WokenTest> woken) {
  const bool is_awake = woken && core_.Wake(id, *std::move(woken));
  const Moment now = Now();
  for (LateReports::Report& late : late_reports_.Take(id)) {
    if (is_awake) {
      ApplyRecord(now, late.record, late.message);
      continue;
    }
    const TopicPartition partition = {late.record.topic, late.record.partition};
    const int64_t next = late.record.offset + 1;
    OnNotices(core_.Apply(now, late.message), &late.record);
    NoteRead(now, partition, next);
  }
  if (!late_reports_.empty()) return;
  for (const auto& [at, next] : late_reports_.TakeOffsets()) store_.PutOffset(at, next);
}

}  // namespace loadtest
