// Transcripts of the orchestrator's core: what happens, and indented below it what the core decided
// and how things stand.
//
// Each file in scenarios/ is run; the indented lines are what the core must say. UPDATE_SCENARIOS=1
// writes them anew: read the difference. After each line the core is asked for decisions, which are
// applied at once, until it has none: as the shell does over the bus. At the end of each file the
// whole log is applied to a new core, which must come to the same state: live running and recovery
// are one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "server/core/orchestrator_core.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

using Options = std::map<std::string, std::string>;

class Scenario {
 public:
  Scenario() { Reset(); }

  // Runs one line of a transcript; the result is what stands indented below it.
  std::string Run(const std::string& line) {
    out_.clear();
    std::istringstream in(line);
    std::string verb;
    in >> verb;
    std::vector<std::string> words;
    Options options;
    for (std::string word; in >> word;) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) {
        words.push_back(word);
      } else {
        options[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
    Do(verb, words, options);
    if (verb != "show" && verb != "drivers" && verb != "events") Settle();
    return out_;
  }

  std::string ShowAll() {
    out_.clear();
    for (const auto& [id, state] : core_->States()) Show(id);
    return out_;
  }

  // The same log on a new core.
  void Replay() {
    const std::vector<std::pair<Moment, Record>> log = log_;
    const int64_t writer = core_->writer();
    Reset();
    core_->BecomeWriter(writer);
    for (const auto& [when, record] : log) core_->Apply(when, record);
    core_->Advance(Now(), bus_connected_);
  }

 private:
  void Reset() {
    CoreOptions options;
    options.settle_ns = 0;
    core_ = std::make_unique<OrchestratorCore>(options, Moment{{-10 * kNanosPerSecond}, {}});
  }

  Moment Now() { return {clock_.Now(), clock_.WallNow()}; }

  static std::string At(const Options& options, const std::string& key,
                        const std::string& otherwise) {
    const auto it = options.find(key);
    return it == options.end() ? otherwise : it->second;
  }
  static int Number(const Options& options, const std::string& key) {
    return std::stoi(At(options, key, "0"));
  }

  void Do(const std::string& verb, const std::vector<std::string>& words, const Options& options) {
    if (verb == "advance") {
      clock_.Advance(*ParseDuration(words.at(0)));
    } else if (verb == "driver") {
      Driver(words.at(0), std::stoll(words.at(1)), options);
    } else if (verb == "heartbeat") {
      Heartbeat(words.at(0), std::stoll(words.at(1)), words.at(2), words.size() > 3 ? words[3] : "",
                At(options, "error", ""), *ParseDuration(At(options, "clock", "0s")));
    } else if (verb == "create") {
      Create(words.at(0), options);
    } else if (verb == "stop") {
      Request(StopRequest{words.at(0), ""});
    } else if (verb == "delete") {
      Request(DeleteRequest{words.at(0)});
    } else if (verb == "note") {
      Request(NoteRequest{words.at(0), At(options, "text", "")});
    } else if (verb == "list") {
      List(options);
    } else if (verb == "report") {
      Report(words, options);
    } else if (verb == "show") {
      Show(words.at(0));
    } else if (verb == "events") {
      Events(words.at(0));
    } else if (verb == "drivers") {
      Drivers();
    } else if (verb == "bus") {
      bus_connected_ = words.at(0) == "back";
    } else if (verb == "orchestrator") {
      Orchestrator(words.at(0), std::stoll(words.at(1)));
    } else if (verb == "written") {
      StopOrder(std::stoll(words.at(0)), words.at(1));
    } else if (verb == "bus_made_anew") {
      core_->LoseBus();
    } else if (verb == "garbage") {
      Record record;
      record.topic = Topic::kMetrics;
      record.message_type = "MetricsReport";
      record.value = "\x01\x02garbage";
      Apply(record);
    } else {
      ADD_FAILURE() << "unknown verb " << verb;
    }
  }

  // A sign of life of an orchestrator; "this" one is that of this core.
  void Orchestrator(const std::string& kind, int64_t incarnation) {
    v1::Trigger m;
    v1::OrchestratorAlive::Kind value = v1::OrchestratorAlive::ALIVE;
    ASSERT_TRUE(v1::OrchestratorAlive::Kind_Parse(kind == "becomes" ? "TAKEOVER" : kind, &value));
    m.set_writer(incarnation);
    m.mutable_alive()->set_kind(value);
    m.mutable_alive()->set_incarnation(incarnation);
    m.mutable_alive()->set_host_name("host");
    m.mutable_alive()->set_pid(42);
    m.mutable_alive()->set_send_time_ns(clock_.WallNow().ns);
    if (kind == "becomes") core_->BecomeWriter(incarnation);
    Apply(MakeRecord(Topic::kTrigger, "orchestrator", "Trigger", m.SerializeAsString()));
  }

  // A stop order that some life of the orchestrator wrote.
  void StopOrder(int64_t writer, const std::string& test) {
    v1::Trigger m;
    m.set_test_id(test);
    m.set_writer(writer);
    m.mutable_stop_ordered()->set_reason("ordered by " + std::to_string(writer));
    Apply(MakeRecord(Topic::kTrigger, test, "Trigger", m.SerializeAsString()));
  }

  void Driver(const std::string& id, int64_t incarnation, const Options& labels) {
    v1::DriverRegistration m;
    m.set_driver_id(id);
    m.set_incarnation(incarnation);
    m.set_ip_address("10.0.0.1");
    m.set_protocol_version(1);
    for (const auto& [key, value] : labels) (*m.mutable_labels())[key] = value;
    Apply(MakeRecord(Topic::kRegister, id, "DriverRegistration", m.SerializeAsString()));
    Heartbeat(id, incarnation, "IDLE", "", "", 0);
  }

  void Heartbeat(const std::string& id, int64_t incarnation, const std::string& state,
                 const std::string& test, const std::string& error, int64_t clock_ns) {
    v1::DriverHeartbeat m;
    m.set_driver_id(id);
    m.set_incarnation(incarnation);
    m.set_sequence(++sequences_[{id, incarnation}]);
    v1::DriverHeartbeat::State value;
    ASSERT_TRUE(v1::DriverHeartbeat::State_Parse(state, &value)) << state;
    m.set_state(value);
    m.set_test_id(test);
    m.set_arm_error(error);
    m.set_wall_time_ns(clock_.WallNow().ns);
    if (clock_ns != 0) {
      // 2 ms there, 20 ms later the answer, 2 ms back.
      m.set_alive_send_time_ns(clock_.WallNow().ns - 24 * kNanosPerMilli);
      m.set_alive_read_time_ns(clock_.WallNow().ns - 22 * kNanosPerMilli + clock_ns);
      m.set_wall_time_ns(clock_.WallNow().ns - 2 * kNanosPerMilli + clock_ns);
    }
    Apply(MakeRecord(Topic::kHeartbeat, id, "DriverHeartbeat", m.SerializeAsString()));
  }

  void Create(const std::string& id, const Options& options) {
    CreateRequest create;
    create.request.set_load_test_id(id);
    create.request.set_request_id(At(options, "request_id", ""));
    v1::LoadTestSpec& spec = *create.request.mutable_spec();
    spec.mutable_request()->set_url(At(options, "url", "http://127.0.0.1/"));
    if (options.contains("delay")) {
      *spec.mutable_tsunami()->mutable_delay() =
          ToDuration(*ParseDuration(At(options, "delay", "")));
    } else if (options.contains("rate")) {
      spec.mutable_rate()->set_requests_per_second(Number(options, "rate"));
    } else {
      spec.mutable_avalanche();
    }
    spec.set_requests_per_driver(Number(options, "n"));
    spec.set_drivers(Number(options, "drivers"));
    if (options.contains("slo")) spec.add_thresholds(options.at("slo"));
    spec.set_abort_on_threshold(options.contains("abort"));
    for (const std::string key : {"label.build", "label.env"}) {
      if (options.contains(key)) (*spec.mutable_labels())[key.substr(6)] = options.at(key);
    }
    if (options.contains("d"))
      *spec.mutable_duration() = ToDuration(*ParseDuration(At(options, "d", "")));
    if (options.contains("warmup"))
      *spec.mutable_warmup() = ToDuration(*ParseDuration(At(options, "warmup", "")));
    spec.set_rejoin(Number(options, "rejoin") != 0);
    if (options.contains("with")) {
      const std::string label = At(options, "with", "");
      (*spec.mutable_driver_labels())[label.substr(0, label.find(':'))] =
          label.substr(label.find(':') + 1);
    }
    if (At(options, "loss", "") == "redistribute")
      spec.set_on_driver_loss(v1::LoadTestSpec::REDISTRIBUTE);
    if (At(options, "loss", "") == "abort") spec.set_on_driver_loss(v1::LoadTestSpec::ABORT);
    Request(create);
  }

  void Report(const std::vector<std::string>& words, const Options& options) {
    v1::MetricsReport m;
    m.set_driver_id(words.at(0));
    m.set_incarnation(std::stoll(words.at(1)));
    m.set_test_id(words.at(2));
    m.set_sequence(std::stoll(words.at(3)));
    m.set_end_offset_ns(*ParseDuration(At(options, "end", At(options, "", words.at(3) + "s"))));
    FakeCounts counts;
    counts.sent = Number(options, "sent");
    counts.failed = Number(options, "failed");
    counts.dropped = Number(options, "dropped");
    counts.in_flight = Number(options, "in_flight");
    counts.completed = options.contains("completed")
                           ? Number(options, "completed")
                           : counts.sent - counts.failed - counts.in_flight;
    counts.send_delay_ns = *ParseDuration(At(options, "send_delay", "10us"));
    *m.mutable_measurements() = FakeMeasurements(counts);
    m.set_has_sent(true);
    if (words.size() > 4 && words[4] == "final") {
      m.set_final(true);
      const std::string reason = words.size() > 5 ? words[5] : "";
      m.set_end_reason(reason == "lease"     ? v1::MetricsReport::LEASE_EXPIRED
                       : reason == "stopped" ? v1::MetricsReport::STOP_ORDERED
                                             : v1::MetricsReport::PLAN_DONE);
      m.set_last_send_offset_ns(m.end_offset_ns());
    }
    Apply(MakeRecord(Topic::kMetrics, m.driver_id(), "MetricsReport", m.SerializeAsString()));
  }

  Record MakeRecord(Topic topic, const std::string& key, const std::string& type,
                    std::string value) {
    Record record;
    record.topic = topic;
    record.offset = next_offset_++;
    record.key = key;
    record.message_type = type;
    record.value = std::move(value);
    return record;
  }

  void Apply(const Record& record) {
    log_.emplace_back(Now(), record);
    for (const Notice& notice : core_->Apply(Now(), record)) {
      if (notice.kind == Notice::Kind::kRejected) Say("refused: " + notice.text);
      if (notice.kind == Notice::Kind::kClaim) Say("asked by: " + notice.text);
      if (notice.kind == Notice::Kind::kFenced) Say("replaced by: " + notice.text);
      if (notice.kind == Notice::Kind::kReportDormant) Say("wakes the test: " + notice.text);
      if (notice.kind == Notice::Kind::kDuplicate) Say("duplicate: " + notice.text);
      if (notice.kind == Notice::Kind::kRecordHeld) Say("held until its test is known");
      if (notice.kind == Notice::Kind::kIntervalClosed)
        Say("interval closed: " + Interval(notice.test_id));
    }
  }

  std::string Interval(const std::string& id) {
    const v1::LoadTestUpdate update = core_->BuildUpdate(Now(), id);
    return absl::StrFormat("[%s, %s) sent %d from %d drivers",
                           FormatDuration(update.interval().start_offset_ns()),
                           FormatDuration(update.interval().end_offset_ns()),
                           update.interval().counts().sent(), update.interval().drivers());
  }

  void Request(const CoreRequest& request) {
    const auto decisions = core_->Decide(Now(), request);
    if (!decisions.ok()) return Say(absl::StrFormat("error: %s", decisions.status().ToString()));
    if (decisions->empty()) Say("nothing to decide");
    for (const v1::Trigger& trigger : *decisions) Publish(trigger);
  }

  void Settle() {
    for (int round = 0; round < 10; ++round) {
      core_->Advance(Now(), bus_connected_);
      const auto decisions = core_->Decide(Now(), Tick{});
      if (!decisions.ok()) return Say(absl::StrFormat("error: %s", decisions.status().ToString()));
      if (decisions->empty()) return;
      for (const v1::Trigger& trigger : *decisions) Publish(trigger);
    }
    ADD_FAILURE() << "the core does not come to rest";
  }

  void Publish(const v1::Trigger& trigger) {
    Say(Describe(trigger));
    Apply(MakeRecord(Topic::kTrigger, trigger.test_id(), "Trigger", trigger.SerializeAsString()));
  }

  std::string Describe(const v1::Trigger& t) {
    switch (t.event_case()) {
      case v1::Trigger::kCreated:
        return "trigger: created " + t.test_id();
      case v1::Trigger::kStarted: {
        std::string text =
            absl::StrFormat("trigger: started %s in %s:", t.test_id(),
                            FormatDuration(t.started().start_time_ns() - clock_.WallNow().ns));
        for (const v1::Assignment& a : t.started().assignments()) {
          text += absl::StrFormat(" %s/%d slot %d of %d", a.driver_id(), a.incarnation(), a.slot(),
                                  a.slots());
          if (a.clock_error_ns() > 0)
            text += absl::StrFormat(" clock %s +- %s", FormatDuration(a.clock_offset_ns()),
                                    FormatDuration(a.clock_error_ns()));
        }
        return text;
      }
      case v1::Trigger::kStopOrdered:
        return absl::StrFormat("trigger: stop ordered %s: %s", t.test_id(),
                               t.stop_ordered().reason());
      case v1::Trigger::kFinished:
        return absl::StrFormat("trigger: finished %s %s%s%s", t.test_id(),
                               v1::LoadTest::State_Name(t.finished().state()),
                               t.finished().reason().empty() ? "" : ": ", t.finished().reason());
      case v1::Trigger::kDeleted:
        return "trigger: deleted " + t.test_id();
      case v1::Trigger::kNoted:
        return absl::StrFormat("trigger: noted %s: %s", t.test_id(), t.noted().note());
      case v1::Trigger::kAdjusted: {
        std::string text =
            absl::StrFormat("trigger: adjusted %s: %s", t.test_id(), t.adjusted().reason());
        for (const v1::DriverShares& entry : t.adjusted().shares()) {
          text += absl::StrFormat(" | %s/%d", entry.driver_id(), entry.incarnation());
          for (const v1::Share& share : entry.shares()) {
            text += absl::StrFormat(" %d+%dk", share.first(), share.stride());
            if (share.from_offset_ns() > 0)
              text += " from " + FormatDuration(share.from_offset_ns());
            if (share.until_offset_ns() > 0)
              text += " until " + FormatDuration(share.until_offset_ns());
          }
        }
        return text;
      }
      case v1::Trigger::kBodyPart:
      case v1::Trigger::kAlive:
      case v1::Trigger::EVENT_NOT_SET:
        break;
    }
    return "trigger: ?";
  }

  void Show(const std::string& id) {
    const v1::LoadTest* test = core_->FindTest(id);
    if (test == nullptr) return Say("no test " + id);
    Say(absl::StrFormat("%s %s%s%s", id, v1::LoadTest::State_Name(test->state()),
                        test->state_reason().empty() ? "" : ": ", test->state_reason()));
    if (!test->note().empty()) Say("note: " + test->note());
    const auto report = core_->BuildReport(id);
    if (report == nullptr || !report->has_totals()) return;
    const v1::RequestCounts& c = report->totals().counts();
    Say(absl::StrFormat("due %d sent %d completed %d failed %d dropped %d in flight %d", c.due(),
                        c.sent(), c.completed(), c.failed(), c.dropped(), c.in_flight()));
    for (const v1::DriverResult& d : report->drivers()) {
      Say(absl::StrFormat(
          "%s sent %d, %d intervals%s%s%s", d.assignment().driver_id(), d.counts().sent(),
          d.intervals_received(),
          d.intervals_missing() > 0 ? absl::StrFormat(", %d missing", d.intervals_missing()) : "",
          d.finished() ? ", finished" : "", d.lost() ? ", lost" : ""));
      if (d.unknown_requests() > 0 || d.took_over_requests() > 0) {
        Say(absl::StrFormat("  unknown %d of [%s, %s), took over %d", d.unknown_requests(),
                            FormatDuration(d.unknown_from_offset_ns()),
                            FormatDuration(d.unknown_to_offset_ns()), d.took_over_requests()));
      }
    }
    for (const v1::ThresholdResult& t : report->thresholds()) {
      Say(absl::StrFormat("threshold %s %s: %s", t.expression(), t.passed() ? "passed" : "failed",
                          t.actual()));
    }
    Say("verdict " + v1::Verdict::Level_Name(report->verdict().level()));
    for (const v1::VerdictReason& reason : report->verdict().reasons()) {
      Say(absl::StrFormat("  %s %s: %s", reason.driver_id(), reason.resource(), reason.message()));
    }
  }

  void Events(const std::string& id) {
    for (const v1::Event& event : core_->EventsFrom(id, 0))
      Say(event.type() + (event.message().empty() ? "" : ": " + event.message()));
  }

  // list [state=RUNNING] [KEY=VALUE of a label]
  void List(const Options& options) {
    v1::ListLoadTestsRequest request;
    for (const auto& [key, value] : options) {
      v1::LoadTest::State state;
      if (key != "state") {
        (*request.mutable_labels())[key] = value;
      } else if (v1::LoadTest::State_Parse(value, &state)) {
        request.add_states(state);
      } else {
        request.mutable_states()->Add(99);
      }
    }
    const auto response = core_->List(request);
    if (!response.ok()) return Say(absl::StrFormat("error: %s", response.status().ToString()));
    for (const v1::LoadTest& test : response->load_tests()) Say(test.name());
  }

  void Drivers() {
    const auto response = core_->ListDrivers(Now(), {});
    for (const v1::Driver& d : response->drivers()) {
      Say(absl::StrFormat("%s/%d %s %s %s", d.name(), d.incarnation(), d.ip_address(),
                          v1::Driver::State_Name(d.state()), d.load_test()));
    }
  }

  void Say(std::string text) {
    // One line of the transcript each.
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at)
      text.replace(at, 1, " | ");
    out_ += "    " + text + "\n";
  }

  ManualClock clock_;
  bool bus_connected_ = true;
  std::unique_ptr<OrchestratorCore> core_;
  std::vector<std::pair<Moment, Record>> log_;
  std::map<std::pair<std::string, int64_t>, int64_t> sequences_;
  int64_t next_offset_ = 0;
  std::string out_;
};

class ScenarioTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ScenarioTest, GoesAsWritten) {
  std::ifstream in(GetParam());
  std::string wanted;
  std::string got;
  Scenario scenario;
  for (std::string line; std::getline(in, line);) {
    wanted += line + "\n";
    if (line.rfind("    ", 0) == 0) continue;
    got += line + "\n";
    if (!line.empty() && line[0] != '#') got += scenario.Run(line);
  }
  if (std::getenv("UPDATE_SCENARIOS") != nullptr) {
    std::ofstream(GetParam()) << got;
  } else {
    EXPECT_EQ(got, wanted);
  }
  const std::string live = scenario.ShowAll();
  scenario.Replay();
  EXPECT_EQ(scenario.ShowAll(), live) << "replaying the log came to another state";
}

std::vector<std::filesystem::path> ScenarioFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SCENARIO_DIR))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScenarioTest, testing::ValuesIn(ScenarioFiles()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace loadtest
