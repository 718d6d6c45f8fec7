// What is made of the store beside the core thread: the answer to GetReport, as far as the store is
// needed for it, and tests that have to take late reports again.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/core/report_slice.h"
#include "server/core/woken_test.h"
#include "server/store/store_reader.h"

namespace loadtest {

// What the core thread knows of a report that was asked for.
struct ReportQuestion {
  std::string id;
  SliceRequest slice = {};
  // The report of the whole test; nothing: the store has it.
  std::optional<v1::Report> whole = {};
  // For when the store has none: what is known of a test that has hardly begun.
  std::optional<v1::Report> otherwise = {};
  // May be younger than the report in the store.
  std::string note = {};
  // Records of the test that were not written yet when it was asked; they may be by now.
  std::vector<Record> waiting = {};
};

// Unavailable when `stopping` becomes true meanwhile; else the errors of the API.
absl::StatusOr<v1::Report> AnswerFromStore(ReportQuestion question, StoreReader& store,
                                           const std::atomic<bool>& stopping);

// The test as the core needs it for late reports. `waiting` are records that were not in the store
// yet when it was asked for, `newest` its report if that was not. Nothing when the store has not
// all of it, or `stopping` becomes true.
std::optional<WokenTest> WakeFromStore(const std::string& id,
                                       std::vector<v1::Assignment> assignments,
                                       const std::vector<Record>& waiting,
                                       std::optional<v1::Report> newest, StoreReader& store,
                                       const std::atomic<bool>& stopping);

}  // namespace loadtest
