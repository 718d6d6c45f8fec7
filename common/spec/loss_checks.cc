#include "absl/strings/str_format.h"
#include "common/spec/spec_checks.h"

namespace loadtest {
namespace {

void CheckRedistribute(const v1::LoadTestSpec& spec, SpecProblems& problems) {
  if (!spec.has_rate() && !spec.has_stages() &&
      spec.load_case() != v1::LoadTestSpec::LOAD_NOT_SET) {
    problems.Add(absl::StrFormat(
        "spec.on_driver_loss: got REDISTRIBUTE with %s, want CONTINUE or ABORT: only a rate or "
        "stages, which drivers share, can be dealt out anew",
        spec.has_tsunami() ? "a tsunami" : "an avalanche"));
  }
  if (spec.requests_per_driver() > 0) {
    problems.Add(
        "spec.on_driver_loss: got REDISTRIBUTE with requests_per_driver, want a duration instead: "
        "drivers that take over send more requests than the others");
  }
}

}  // namespace

void CheckLosses(v1::LoadTestSpec& spec, SpecProblems& problems) {
  switch (spec.on_driver_loss()) {
    case v1::LoadTestSpec::ON_DRIVER_LOSS_UNSPECIFIED:
      spec.set_on_driver_loss(v1::LoadTestSpec::CONTINUE);
      break;
    case v1::LoadTestSpec::CONTINUE:
    case v1::LoadTestSpec::ABORT:
      break;
    case v1::LoadTestSpec::REDISTRIBUTE:
      CheckRedistribute(spec, problems);
      break;
    default:
      problems.Add(
          absl::StrFormat("spec.on_driver_loss: got %d, want CONTINUE, REDISTRIBUTE or ABORT",
                          static_cast<int>(spec.on_driver_loss())));
  }
  if (!spec.rejoin()) return;
  if (spec.on_driver_loss() == v1::LoadTestSpec::ABORT) {
    problems.Add(
        "spec.rejoin: got true with on_driver_loss ABORT, want false: the test has stopped before "
        "a "
        "driver can come back");
  }
  if (spec.requests_per_driver() > 0) {
    problems.Add(
        "spec.rejoin: got true with requests_per_driver, want a duration instead: nobody knows how "
        "many requests a lost driver has sent");
  }
}

}  // namespace loadtest
