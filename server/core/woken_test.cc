#include "server/core/woken_test.h"

#include <set>
#include <utility>
#include <variant>

#include "server/core/record_decoder.h"
#include "server/core/report_builder.h"

namespace loadtest {

void TestWaker::Add(const Record& record) {
  const absl::StatusOr<BusMessage> message = DecodeRecord(record);
  if (!message.ok()) return;
  if (const auto* trigger = std::get_if<v1::Trigger>(&*message)) AddTrigger(*trigger);
  const auto* report = std::get_if<v1::MetricsReport>(&*message);
  if (report != nullptr && woken_.merger != nullptr) woken_.merger->Add(*report);
}

void TestWaker::AddTrigger(const v1::Trigger& trigger) {
  ReportMerger* merger = woken_.merger.get();
  if (trigger.has_started()) {
    woken_.merger = std::make_unique<ReportMerger>(trigger.started());
    woken_.merger->SetReplaying(true);
    woken_.start_time_ns = trigger.started().start_time_ns();
  } else if (merger != nullptr && trigger.has_adjusted()) {
    merger->Adjust(trigger.adjusted());
  } else if (trigger.has_stop_ordered()) {
    woken_.stop_ordered = true;
    woken_.stop_reason = trigger.stop_ordered().reason();
    if (merger != nullptr) merger->StopAt(trigger.decide_time_ns() - woken_.start_time_ns);
  }
}

std::optional<WokenTest> TestWaker::Finish() {
  if (woken_.merger == nullptr) return std::nullopt;
  // As Finished did: all but those that could not arm.
  std::set<DriverLife> not_armed;
  for (const v1::DriverResult& d : report_.drivers()) {
    if (!d.lost() && !d.finished()) not_armed.insert(LifeOf(d.assignment()));
  }
  for (const v1::Assignment& a : assignments_) {
    if (!not_armed.contains(LifeOf(a))) woken_.merger->MarkLost(LifeOf(a));
  }
  woken_.merger->SetReplaying(false);
  woken_.events.assign(report_.events().begin(), report_.events().end());
  ReadManifest(report_, woken_.registrations, woken_.manifests);
  return std::move(woken_);
}

}  // namespace loadtest
