// The orchestrator's state and rules, without a thread, socket or clock.
//
// Decide says what should happen and changes nothing. The shell publishes what was decided on
// `trigger`; when it reads the record back it calls Apply, the only place where state changes. So
// running live and recovering from the log are one code path.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "common/measure/histogram.h"
#include "common/spec/body_parts.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/service.pb.h"
#include "server/core/deleted_ids.h"
#include "server/core/driver_registry.h"
#include "server/core/held_reports.h"
#include "server/core/moment.h"
#include "server/core/record_decoder.h"
#include "server/core/report_merger.h"
#include "server/core/woken_test.h"
#include "server/core/writer_fence.h"

namespace loadtest {

struct CoreOptions {
  int64_t heartbeat_interval_ns = kNanosPerSecond;
  int lost_after_heartbeats = 3;
  int64_t start_lead_ns = 300 * kNanosPerMilli;
  int64_t finish_grace_ns = 2 * kNanosPerSecond;
  int64_t metrics_interval_ns = kNanosPerSecond;
  // How long drivers go on with a test without a sign of life of an orchestrator; 0: as long as
  // each of them allows.
  int64_t lease_ns = 60 * kNanosPerSecond;
  // A test for "every idle driver" waits until this many are idle, or until `settle_ns` after the
  // process began.
  int expected_drivers = 0;
  int64_t settle_ns = 5 * kNanosPerSecond;
  // Ended tests that are kept: the newest so many, and those that ended within so long. 0: all.
  int keep_tests = 0;
  int64_t keep_for_ns = 0;
  // Of a request, bytes: what the bus can carry.
  size_t largest_body = kLargestBody;
  std::string version;
  std::string bus;
};

// Requests that may lead to decisions.
struct CreateRequest {
  v1::CreateLoadTestRequest request;
  std::string fresh_id;  // taken when the caller gives no id
};
struct StopRequest {
  std::string test_id;
  std::string reason;
};
struct DeleteRequest {
  std::string test_id;
};
struct NoteRequest {
  std::string test_id;
  std::string note;
};
struct Tick {};  // what time and the drivers' state demand
using CoreRequest = std::variant<CreateRequest, StopRequest, DeleteRequest, NoteRequest, Tick>;

// What a record changed; tells the shell what to store and whom to tell.
struct Notice {
  enum class Kind {
    kTestChanged,     // the resource or its events
    kReportMerged,    // an interval report was counted: the record belongs to the test
    kIntervalClosed,  // a merged interval is whole
    kTestFinished,    // the report is final (again, when a late interval came)
    kTestDeleted,
    kRecordHeld,  // an interval report of a test not known yet; it counts when the test is
    kRejected,    // the record was refused; text says why
    kDuplicate,
    kDriverChanged,
    kTakeover,       // a life of the orchestrator took over
    kClaim,          // another life asks whether this one is there
    kFenced,         // another life has taken over: this one must end; text says which
    kReportDormant,  // an interval report of an ended test that has to be woken first (Wake)
    kHeldForgotten,  // what was held for a test is dropped: it has not come; text says why
  };
  Kind kind;
  std::string test_id;
  std::string text;
};

class OrchestratorCore {
 public:
  OrchestratorCore(CoreOptions options, Moment start);

  // The decisions that answer `request` now; none when nothing has to be decided (a request_id that
  // is known, a stop of an ended test). Errors as the API documents them.
  absl::StatusOr<std::vector<v1::Trigger>> Decide(Moment now, const CoreRequest& request) const;

  // The only way in which state changes: a record, or what DecodeRecord made of it, which needs no
  // state and may have been done elsewhere.
  std::vector<Notice> Apply(Moment now, const absl::StatusOr<BusMessage>& message);
  std::vector<Notice> Apply(Moment now, const Record& record) {
    return Apply(now, DecodeRecord(record));
  }

  // Looks for what only time brings about (drivers gone silent); changes nothing but who is counted
  // as lost. `hears` is whether what is said on the topics is read soon. While it is not, and until
  // drivers have had the usual time to be heard of again, silence means nothing: nobody is lost for
  // it, nothing is decided because of it.
  std::vector<Notice> Advance(Moment now, bool hears);

  // Puts an ended test back that the store knows.
  void Restore(const v1::LoadTest& test, const std::string& request_id);
  // The same with the ids of deleted ones, in the order of their deletion.
  void RestoreDeleted(const std::string& id) { deleted_.Add(id); }

  // Makes an ended test able to take late reports again. False when it needs no waking.
  bool Wake(const std::string& id, WokenTest woken);

  // From now on decisions are written by this life of the orchestrator, which is later than all
  // that the topic knows.
  void BecomeWriter(int64_t incarnation) { writer_ = incarnation; }
  int64_t writer() const { return writer_; }
  const WriterFence& fence() const { return fence_; }
  // A record of `trigger` from before the place where reading goes on: it only tells who is there.
  void Glance(const Record& record);

  // Until then `metrics` is being read from long ago: the results of all ended tests are kept until
  // they are whole, and nobody is lost for what has not been read yet.
  void BeginCatchUp() { catching_up_ = true; }
  void EndCatchUp(Moment now);
  // The bus of an earlier process is gone, and with it the drivers: what ran on it cannot go on.
  void LoseBus();

  // Whether a test is not ended.
  bool HasActiveTests() const { return !active_.empty(); }
  // Ids of drivers that take part in tests that are not ended, and are not done with them.
  std::set<std::string> BusyDriverIds() const;

  // nullptr when unknown. Valid until the next Apply.
  const v1::LoadTest* FindTest(std::string_view id) const;
  const v1::LoadTest* FindByRequestId(std::string_view request_id) const;
  std::string RequestIdOf(std::string_view id) const;

  // Newest first, those that the request's labels and states want. InvalidArgument for a bad
  // page_token, page_size or state.
  absl::StatusOr<v1::ListLoadTestsResponse> List(const v1::ListLoadTestsRequest& request) const;
  absl::StatusOr<v1::ListDriversResponse> ListDrivers(Moment now,
                                                      const v1::ListDriversRequest& request) const;

  // The report as far as it is known. Nothing when the core has none: the test ended long ago, and
  // the store has it.
  std::unique_ptr<v1::Report> BuildReport(std::string_view id) const;
  // An update without events, or nothing as above (then only load_test is known).
  v1::LoadTestUpdate BuildUpdate(Moment now, std::string_view id) const;
  // Events of the test from index `from` on.
  std::vector<v1::Event> EventsFrom(std::string_view id, size_t from) const;

  const DriverRegistry& drivers() const { return registry_; }
  const HeldReports& held() const { return held_; }
  std::map<std::string, v1::LoadTest::State, std::less<>> States() const;
  // Over all tests since the process began, without gauges; of a test that runs, its closed
  // intervals.
  const v1::RequestCounts& counted() const { return counted_; }
  const Histogram& counted_response_time() const { return counted_response_time_; }
  const Histogram& counted_service_time() const { return counted_service_time_; }
  const Histogram& counted_send_delay() const { return counted_send_delay_; }

 private:
  struct Test {
    v1::LoadTest resource;
    // Of a request that is too large for a record, until the test has started; the resource has
    // body_bytes alone. Not stored.
    std::string body;
    std::string request_id;
    int64_t created_ns = 0;
    bool stop_ordered = false;
    std::string stop_reason;
    int64_t start_time_ns = 0;
    std::unique_ptr<ReportMerger>
        merger;  // from Started on; kept for a while after the end, for late reports
    std::vector<v1::Event> events;
    std::set<DriverLife> armed;
    std::map<std::string, std::string> arm_errors;
    std::map<DriverLife, v1::DriverManifest> manifests;
    std::map<DriverLife, v1::DriverRegistration> registrations;
    Moment last_loss;       // when a driver was last marked lost
    std::string ever_lost;  // the first driver that was, also if it was heard of again
    Moment started;         // when that was read
    v1::Started plan;       // until the end
    bool bus_lost = false;  // the bus it ran on is gone
    // When a driver that counts as lost was last heard of by a report.
    std::map<DriverLife, MonotonicTime> reports_of_lost;
  };
  // A driver cannot take part, or will not.
  struct Refusal {
    DriverLife life;
    std::string test_id;
    std::string error;
    bool denied = false;  // by the driver's policy
  };

  absl::StatusOr<std::vector<v1::Trigger>> DecideCreate(Moment now,
                                                        const CreateRequest& create) const;
  absl::StatusOr<std::vector<v1::Trigger>> DecideStop(Moment now, const StopRequest& stop) const;
  absl::StatusOr<std::vector<v1::Trigger>> DecideDelete(Moment now,
                                                        const DeleteRequest& erase) const;
  absl::StatusOr<std::vector<v1::Trigger>> DecideNote(Moment now, const NoteRequest& note) const;
  std::vector<v1::Trigger> DecideTick(Moment now) const;
  // Deletes ended tests that are not to be kept any longer.
  void DecideKeeping(Moment now, std::vector<v1::Trigger>& decisions) const;
  // The decision a single test needs now; false when none.
  bool DecideStart(Moment now, const Test& test, std::set<std::string>& taken,
                   v1::Trigger& out) const;
  bool DecideEnd(Moment now, const Test& test, v1::Trigger& out) const;
  // Shares of a lost driver to others, or back to its new life.
  bool DecideAdjust(Moment now, const Test& test, v1::Trigger& out) const;
  bool DecideRejoin(Moment now, const Test& test, int64_t at_ns, v1::Trigger& out) const;
  // Whether that life takes part in a test that is not ended.
  bool IsTaken(const DriverLife& life) const;
  bool DecideHandOver(const Test& test, int64_t at_ns, v1::Trigger& out) const;
  v1::Trigger NewTrigger(Moment now, const std::string& test_id) const;
  void AppendBody(Moment now, const std::string& test_id, const std::string& body,
                  std::vector<v1::Trigger>& decisions) const;
  void Take(const Test& test, std::set<std::string>& taken) const;
  // Idle drivers that `test` could have, in the order of their ids.
  std::vector<const KnownDriver*> FreeDrivers(Moment now, const Test& test,
                                              const std::set<std::string>& taken) const;
  v1::Assignment Assign(const KnownDriver& driver, int32_t slot, int32_t slots) const;

  void ApplyRegistration(Moment now, const v1::DriverRegistration& m, std::vector<Notice>& notices);
  void ApplyHeartbeat(Moment now, const v1::DriverHeartbeat& m, std::vector<Notice>& notices);
  void ApplyTrigger(Moment now, const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyMetrics(Moment now, const v1::MetricsReport& m, std::vector<Notice>& notices);
  void ApplyAlive(const v1::OrchestratorAlive& m, std::vector<Notice>& notices);
  void ApplyCreated(const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyStarted(Moment now, Test& test, const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyAdjusted(Test& test, const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyStopOrdered(Test& test, const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyFinished(Test& test, const v1::Trigger& m, std::vector<Notice>& notices);
  void ApplyRefusal(Moment now, Test& test, const Refusal& refusal, std::vector<Notice>& notices);
  void ApplyEarlyRefusals(Moment now, Test& test, const std::string& test_id,
                          std::vector<Notice>& notices);
  void ApplyOldHeartbeat(Moment now, const v1::DriverHeartbeat& m, std::vector<Notice>& notices);
  void ApplyHeld(Moment now, const std::string& test_id, std::vector<Notice>& notices);
  void ForgetHeld(Moment now, std::vector<Notice>& notices);
  void RememberRegistration(Test& test, const DriverLife& life);
  // Why a driver that takes part counts as lost now; empty: it does not. `has_heard`: what it has
  // said is read, so that what it has not said means something.
  std::string LossOf(Moment now, const Test& test, const ReportMerger::DriverPart& part,
                     bool has_heard) const;
  void MarkLost(Moment now, Test& test, const DriverLife& life);
  // A driver that counts as lost and takes part all the same: then it is not.
  void ApplyHeardAgain(Moment now, const std::string& id, const DriverLife& life,
                       std::vector<Notice>& notices);
  // Until when a driver that is silent may go on with its part: its lease runs from when it was
  // last heard of. Long ago when it is known to have ended.
  MonotonicTime MayGoOnUntil(Moment now, const Test& test,
                             const ReportMerger::DriverPart& part) const;
  // Whether all drivers are lost, or ended before their time, and one of them may still go on.
  bool MayBeHeardAgain(Moment now, const Test& test) const;
  static int64_t EndNs(const Test& test);
  void SetState(Test& test, v1::LoadTest::State state);
  void AddEvent(Test& test, WallTime when, std::string type, std::string message);
  // Adds what the test's merger has new to what is counted over all tests.
  void CountFresh(Test& test);
  void ForgetMerger(Test& test);
  void ForgetOldMergers();

  const CoreOptions options_;
  const Moment start_;
  DriverRegistry registry_;
  BodyCollector bodies_;
  std::map<std::string, Test, std::less<>> tests_;
  // Tests that are not ended: what each heartbeat and tick has to look at.
  std::set<std::string> active_;
  // Those that are, by the time of their end, nanoseconds since 1970.
  std::set<std::pair<int64_t, std::string>> ended_;
  std::map<std::string, std::string, std::less<>> request_ids_;
  HeldReports held_;
  // Of tests whose Started was not read here yet.
  std::deque<Refusal> early_refusals_;
  // Drivers remember what they have run, and reports of it may still come: these ids are not used
  // again.
  DeletedIds deleted_;
  // Ended tests whose merger is kept, oldest first.
  std::deque<std::string> recently_ended_;
  WriterFence fence_;
  int64_t writer_ = 0;
  bool catching_up_ = false;
  v1::RequestCounts counted_;
  Histogram counted_response_time_;
  Histogram counted_service_time_;
  Histogram counted_send_delay_;
};

bool IsEnded(v1::LoadTest::State state);

// NOT_FOUND as the API documents it.
absl::Status LoadTestNotFound(const std::string& id);

}  // namespace loadtest
