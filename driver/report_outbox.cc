#include "driver/report_outbox.h"

#include <utility>

namespace loadtest {

void ReportOutbox::Add(const v1::MetricsReport& report, MonotonicTime now) {
  std::string value = report.SerializeAsString();
  waiting_->bytes += value.size();
  waiting_->reports.emplace(++added_, Waiting::Report{.value = std::move(value)});
  Retry(now);
}

void ReportOutbox::Retry(MonotonicTime now) {
  if (std::exchange(waiting_->failed, false)) pause_until_ = {now.ns + kPauseNs};
  if (now < pause_until_) return;
  for (auto& [number, report] : waiting_->reports) {
    if (report.offered) continue;
    // A reader drops a report that it has seen, so sending one twice does no harm.
    const PublishDone done = [waiting = waiting_, number = number](const absl::Status& delivered) {
      const auto found = waiting->reports.find(number);
      if (found == waiting->reports.end()) return;
      if (delivered.ok()) {
        waiting->bytes -= found->second.value.size();
        waiting->reports.erase(found);
      } else {
        found->second.offered = false;
        waiting->failed = true;
      }
    };
    if (!bus_.Publish(Topic::kMetrics, driver_id_, "MetricsReport", report.value, done).ok()) {
      return;
    }
    report.offered = true;
  }
}

}  // namespace loadtest
