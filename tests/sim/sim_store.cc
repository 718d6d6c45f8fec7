#include "tests/sim/sim_store.h"

#include <algorithm>

#include "server/core/orchestrator_core.h"

namespace loadtest::sim {
namespace {

int64_t CreatedNs(const v1::LoadTest& test) {
  return test.create_time().seconds() * kNanosPerSecond + test.create_time().nanos();
}

}  // namespace

absl::Status SimStore::Write(const StoreBatch& batch) {
  if (full_) return absl::UnavailableError("the simulated disk is full");
  for (const std::string& id : batch.deleted) {
    tests_.erase(id);
    std::erase_if(records_, [&](const auto& saved) { return saved.test_id == id; });
    reports_.erase(id);
    deleted_.push_back(id);
  }
  for (const StoreBatch::SavedTest& saved : batch.tests) tests_[saved.id] = saved;
  for (const std::string& id : batch.forgotten)
    std::erase_if(records_, [&](const auto& saved) { return saved.test_id == id; });
  records_.insert(records_.end(), batch.records.begin(), batch.records.end());
  for (const v1::Report& report : batch.reports) {
    const std::string& name = report.load_test().name();
    reports_[name.substr(std::string_view("loadTests/").size())] = report;
  }
  for (const auto& [at, next] : batch.offsets) offsets_[at] = next;
  return absl::OkStatus();
}

Store::Contents SimStore::Load() const {
  Store::Contents contents;
  contents.deleted = deleted_;
  for (const auto& [id, saved] : tests_) contents.tests.push_back(saved);
  std::stable_sort(contents.tests.begin(), contents.tests.end(), [](const auto& a, const auto& b) {
    return CreatedNs(a.test) < CreatedNs(b.test);
  });
  for (const StoreBatch::SavedRecord& saved : records_) {
    if (!IsEnded(saved.test_id)) contents.unfinished_records.push_back(saved.record);
  }
  std::stable_sort(contents.unfinished_records.begin(), contents.unfinished_records.end(),
                   [](const Record& a, const Record& b) { return a.topic < b.topic; });
  contents.offsets = offsets_;
  return contents;
}

std::vector<Record> SimStore::RecordsOf(const std::string& test_id) const {
  std::vector<Record> records;
  for (const StoreBatch::SavedRecord& saved : records_) {
    if (saved.test_id == test_id) records.push_back(saved.record);
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& a, const Record& b) { return a.topic < b.topic; });
  return records;
}

std::optional<v1::Report> SimStore::GetReport(const std::string& test_id) const {
  const auto it = reports_.find(test_id);
  if (it == reports_.end()) return std::nullopt;
  return it->second;
}

bool SimStore::IsEnded(const std::string& test_id) const {
  const auto it = tests_.find(test_id);
  return it != tests_.end() && loadtest::IsEnded(it->second.test.state());
}

}  // namespace loadtest::sim
