// From merged measurements to what people read: reports and updates.
#pragma once

#include <map>
#include <string>

#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "loadtest/v1/service.pb.h"
#include "server/core/driver_registry.h"
#include "server/core/moment.h"
#include "server/core/report_merger.h"

namespace loadtest {

// All but events and manifest. `merger` may be null: the test has not started.
void FillReport(const v1::LoadTest& test, const ReportMerger* merger, bool stopped,
                v1::Report& report);

void FillManifest(const std::string& version, const std::string& bus,
                  const std::map<DriverLife, v1::DriverRegistration>& registrations,
                  const std::map<DriverLife, v1::DriverManifest>& known, v1::Report& report);

// The other way: what FillManifest needs, out of a report that it filled.
void ReadManifest(const v1::Report& report,
                  std::map<DriverLife, v1::DriverRegistration>& registrations,
                  std::map<DriverLife, v1::DriverManifest>& known);

// All but events.
void FillUpdate(Moment now, const v1::LoadTest& test, const ReportMerger* merger, bool stopped,
                const DriverRegistry& drivers, v1::LoadTestUpdate& update);

}  // namespace loadtest
