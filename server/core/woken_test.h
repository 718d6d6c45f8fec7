// What the core forgets of a test some time after its end, made again for reports that come late.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/message_bus.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/core/driver_life.h"
#include "server/core/report_merger.h"

namespace loadtest {

struct WokenTest {
  std::unique_ptr<ReportMerger> merger;
  int64_t start_time_ns = 0;
  bool stop_ordered = false;
  std::string stop_reason;
  std::vector<v1::Event> events;
  std::map<DriverLife, v1::DriverRegistration> registrations;
  std::map<DriverLife, v1::DriverManifest> manifests;
};

// Takes the records of a test one by one. Pure; used by one thread, which need not be the core's.
class TestWaker {
 public:
  // `assignments` are those of the test, `report` the last that was made of it.
  TestWaker(std::vector<v1::Assignment> assignments, v1::Report report)
      : assignments_(std::move(assignments)), report_(std::move(report)) {}

  // Triggers come before interval reports.
  void Add(const Record& record);

  // Nothing when the records are not whole.
  std::optional<WokenTest> Finish();

 private:
  void AddTrigger(const v1::Trigger& trigger);

  const std::vector<v1::Assignment> assignments_;
  const v1::Report report_;
  WokenTest woken_;
};

}  // namespace loadtest
