#include "driver/report_outbox.h"

#include <utility>

namespace loadtest {

void ReportOutbox::Add(const v1::MetricsReport& report) {
  waiting_->push_back(report.SerializeAsString());
  Retry();
}

void ReportOutbox::Retry() {
  while (!waiting_->empty()) {
    std::string value = std::move(waiting_->front());
    waiting_->pop_front();
    // A reader drops a report that it has seen, so sending one twice does no harm.
    const PublishDone done = [waiting = waiting_, value](const absl::Status& delivered) {
      if (!delivered.ok()) waiting->push_back(value);
    };
    if (!bus_.Publish(Topic::kMetrics, driver_id_, "MetricsReport", value, done).ok()) {
      waiting_->push_front(std::move(value));
      return;
    }
  }
}

}  // namespace loadtest
