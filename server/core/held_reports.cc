#include "server/core/held_reports.h"

namespace loadtest {

bool HeldReports::Hold(MonotonicTime now, const v1::MetricsReport& report) {
  const size_t bytes = report.ByteSizeLong();
  const auto there = tests_.find(report.test_id());
  const size_t its_count = there == tests_.end() ? 0 : there->second.reports.size();
  const size_t its_bytes = there == tests_.end() ? 0 : there->second.bytes;
  if (its_count + 1 > limits_.reports / 2 || its_bytes + bytes > limits_.bytes / 2) {
    ++dropped_;
    return false;
  }
  while (count_ + 1 > limits_.reports || bytes_ + bytes > limits_.bytes) DropOldest();
  const auto [it, is_new] = tests_.try_emplace(report.test_id());
  OfTest& test = it->second;
  if (is_new) {
    test.since = now;
    test.number = next_number_++;
    by_age_[test.number] = report.test_id();
  }
  test.reports.push_back(report);
  test.bytes += bytes;
  bytes_ += bytes;
  ++count_;
  return true;
}

std::vector<v1::MetricsReport> HeldReports::Take(const std::string& test_id) {
  const auto it = tests_.find(test_id);
  if (it == tests_.end()) return {};
  std::vector<v1::MetricsReport> reports = std::exchange(it->second.reports, {});
  count_ -= reports.size();
  Erase(it);
  return reports;
}

void HeldReports::Expire(MonotonicTime now) {
  while (!by_age_.empty() &&
         now.ns - tests_.at(by_age_.begin()->second).since.ns > limits_.longest_ns)
    DropOldest();
}

void HeldReports::DropOldest() {
  const auto it = tests_.find(by_age_.begin()->second);
  dropped_ += static_cast<int64_t>(it->second.reports.size());
  forgotten_.push_back(it->first);
  Erase(it);
}

void HeldReports::Erase(std::map<std::string, OfTest>::iterator it) {
  count_ -= it->second.reports.size();
  bytes_ -= it->second.bytes;
  by_age_.erase(it->second.number);
  tests_.erase(it);
}

}  // namespace loadtest
