#include "client/exit_codes.h"

#include <algorithm>

namespace loadtest {
namespace {

bool EndedByLossPolicy(const v1::Report& report) {
  if (report.load_test().spec().on_driver_loss() != v1::LoadTestSpec::ABORT) return false;
  const bool a_driver_is_lost =
      std::any_of(report.drivers().begin(), report.drivers().end(),
                  [](const v1::DriverResult& driver) { return driver.lost(); });
  const bool an_event_says_so =
      std::any_of(report.events().begin(), report.events().end(),
                  [](const v1::Event& event) { return event.type() == "driver_lost"; });
  return a_driver_is_lost || an_event_says_so;
}

bool HasEnded(v1::LoadTest::State state) {
  return state == v1::LoadTest::SUCCEEDED || state == v1::LoadTest::STOPPED ||
         state == v1::LoadTest::FAILED;
}

}  // namespace

ExitCode ExitCodeOf(const v1::Report& report) {
  const v1::LoadTest::State state = report.load_test().state();
  if (state == v1::LoadTest::STOPPED) return kExitStopped;
  if (state == v1::LoadTest::FAILED) {
    return EndedByLossPolicy(report) ? kExitStopped : kExitInternal;
  }
  const v1::RequestCounts& counts = report.totals().counts();
  const bool nothing_yet = !HasEnded(state) && counts.sent() == 0;
  if (counts.completed() - counts.http_errors() <= 0 && !nothing_yet) {
    return kExitNoRequestSucceeded;
  }
  if (report.verdict().level() == v1::Verdict::INVALID) return kExitInvalidVerdict;
  return kExitOk;
}

}  // namespace loadtest
