#include "client/exit_codes.h"

#include <algorithm>
#include <string_view>

namespace loadtest {
namespace {

bool HasEvent(const v1::Report& report, std::string_view type) {
  return std::any_of(report.events().begin(), report.events().end(),
                     [&](const v1::Event& event) { return event.type() == type; });
}

bool EndedByLossPolicy(const v1::Report& report) {
  if (report.load_test().spec().on_driver_loss() != v1::LoadTestSpec::ABORT) return false;
  const bool a_driver_is_lost =
      std::any_of(report.drivers().begin(), report.drivers().end(),
                  [](const v1::DriverResult& driver) { return driver.lost(); });
  return a_driver_is_lost || HasEvent(report, "driver_lost");
}

// Stopped by abort_on_threshold, and not by a person.
bool EndedByThreshold(const v1::Report& report) {
  constexpr std::string_view kReason = "threshold ";
  return report.load_test().spec().abort_on_threshold() &&
         report.load_test().state_reason().compare(0, kReason.size(), kReason) == 0;
}

bool HasEnded(v1::LoadTest::State state) {
  return state == v1::LoadTest::SUCCEEDED || state == v1::LoadTest::STOPPED ||
         state == v1::LoadTest::FAILED;
}

}  // namespace

ExitCode ExitCodeOf(const v1::Report& report) {
  const v1::LoadTest::State state = report.load_test().state();
  if (state == v1::LoadTest::STOPPED && !EndedByThreshold(report)) return kExitStopped;
  if (state == v1::LoadTest::FAILED) {
    const bool by_policy = EndedByLossPolicy(report) || HasEvent(report, "driver_denied");
    return by_policy ? kExitStopped : kExitInternal;
  }
  return ExitCodeOfNumbers(report);
}

ExitCode ExitCodeOfNumbers(const v1::Report& report) {
  const v1::LoadTest::State state = report.load_test().state();
  const v1::RequestCounts& counts = report.totals().counts();
  const bool nothing_yet = !HasEnded(state) && counts.sent() == 0;
  if (counts.completed() - counts.http_errors() <= 0 && !nothing_yet) {
    return kExitNoRequestSucceeded;
  }
  if (report.verdict().level() == v1::Verdict::INVALID) return kExitInvalidVerdict;
  const bool all_kept = std::all_of(report.thresholds().begin(), report.thresholds().end(),
                                    [](const auto& threshold) { return threshold.passed(); });
  // What has not been measured yet may still be kept.
  if (!all_kept && !nothing_yet) return kExitThreshold;
  return kExitOk;
}

}  // namespace loadtest
