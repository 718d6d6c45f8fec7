#include "server/shell/late_reports.h"

#include <utility>

namespace loadtest {

void LateReports::Hold(const std::string& test_id, Report report) {
  tests_[test_id].reports.push_back(std::move(report));
  ++count_;
}

std::vector<std::string> LateReports::Unbegun() const {
  std::vector<std::string> ids;
  for (const auto& [id, test] : tests_) {
    if (!test.begun) ids.push_back(id);
  }
  return ids;
}

std::vector<LateReports::Report> LateReports::Take(const std::string& test_id) {
  const auto it = tests_.find(test_id);
  if (it == tests_.end()) return {};
  std::vector<Report> reports = std::move(it->second.reports);
  tests_.erase(it);
  count_ -= reports.size();
  return reports;
}

}  // namespace loadtest
