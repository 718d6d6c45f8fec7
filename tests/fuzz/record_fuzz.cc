// Any record on any topic while a test runs: refused with a reason, or counted; the state stays one
// that can be shown, that adds up, and that the same log makes again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/orchestrator_core.h"
#include "server/core/record_decoder.h"
#include "tests/fuzz/text_seed.h"
#include "tests/server/core/fake_measurements.h"

namespace loadtest {
namespace {

constexpr Moment kStart{{1'000'000'000'000}, {1'700'000'000'000'000'000}};

void Require(bool holds) {
  if (!holds) std::abort();
}

// The first byte of an input is the topic.
Topic TopicOf(std::string_view input) { return static_cast<Topic>(input[0] & 3); }

// Readers check that the key is the id in the value; a mutation would hardly ever pass.
std::string KeyOf(Topic topic, const std::string& value) {
  v1::DriverHeartbeat by_driver;  // all messages of drivers have driver_id in field 1
  v1::Trigger by_test;
  if (topic == Topic::kTrigger) {
    by_test.ParseFromString(value);
    return by_test.test_id();
  }
  by_driver.ParsePartialFromString(value);
  return by_driver.driver_id();
}

Record MakeRecord(Topic topic, std::string value) {
  Record record;
  record.topic = topic;
  record.key = KeyOf(topic, value);
  record.message_type = MessageTypeOf(topic);
  record.value = std::move(value);
  return record;
}

Record Heartbeat(const std::string& id, int64_t sequence) {
  v1::DriverHeartbeat m;
  m.set_driver_id(id);
  m.set_incarnation(1);
  m.set_sequence(sequence);
  m.set_state(v1::DriverHeartbeat::IDLE);
  return MakeRecord(Topic::kHeartbeat, m.SerializeAsString());
}

Record Registration(const std::string& id) {
  v1::DriverRegistration m;
  m.set_driver_id(id);
  m.set_incarnation(1);
  m.set_protocol_version(1);
  return MakeRecord(Topic::kRegister, m.SerializeAsString());
}

Record Report(const std::string& id) {
  v1::MetricsReport m;
  m.set_driver_id(id);
  m.set_incarnation(1);
  m.set_test_id("t1");
  m.set_sequence(1);
  m.set_end_offset_ns(kNanosPerSecond);
  *m.mutable_measurements() = FakeMeasurements({.sent = 10, .completed = 9, .in_flight = 1});
  return MakeRecord(Topic::kMetrics, m.SerializeAsString());
}

// A core and the log of what it was given.
class Run {
 public:
  Run() : core_(Options(), kStart) {}

  void Apply(const Record& record) {
    log_.push_back(record);
    core_.Apply(kStart, record);
  }
  void Tick() { Decide(loadtest::Tick{}); }
  void Decide(const CoreRequest& request) {
    const auto decisions = core_.Decide(kStart, request);
    if (!decisions.ok()) return;
    for (const v1::Trigger& trigger : *decisions)
      Apply(MakeRecord(Topic::kTrigger, trigger.SerializeAsString()));
  }

  // In mid-test: two drivers, one interval of each.
  void Prepare() {
    for (const char* id : {"a", "b"}) {
      Apply(Registration(id));
      Apply(Heartbeat(id, 1));
    }
    v1::CreateLoadTestRequest create;
    create.set_load_test_id("t1");
    create.mutable_spec()->mutable_request()->set_url("http://127.0.0.1/");
    create.mutable_spec()->mutable_rate()->set_requests_per_second(100);
    Decide(CreateRequest{create, "x"});
    Tick();
    for (const char* id : {"a", "b"}) Apply(Report(id));
  }

  void Look() {
    for (const auto& [id, state] : core_.States()) {
      core_.BuildUpdate(kStart, id);
      const auto report = core_.BuildReport(id);
      if (report == nullptr) continue;
      int64_t sent = 0;
      for (const v1::DriverResult& driver : report->drivers()) sent += driver.counts().sent();
      Require(sent == report->totals().counts().sent());
    }
    Require(core_.List({}).ok());
    Require(core_.ListDrivers(kStart, {}).ok());
  }

  std::string State() {
    std::string text;
    for (const auto& [id, state] : core_.States()) {
      text += id + " " + std::to_string(state) + "\n";
      if (const auto report = core_.BuildReport(id)) {
        text += std::to_string(report->totals().counts().sent());
        text += std::to_string(report->totals().response_time().count());
      }
    }
    return text;
  }

  OrchestratorCore& core() { return core_; }
  const std::vector<Record>& log() const { return log_; }

 private:
  static CoreOptions Options() {
    CoreOptions options;
    options.settle_ns = 0;
    options.expected_drivers = 2;
    return options;
  }

  OrchestratorCore core_;
  std::vector<Record> log_;
};

}  // namespace
}  // namespace loadtest

std::string BinaryInput(std::string_view input) {
  using namespace loadtest;
  std::string kind, text;
  if (!IsTextSeed(input, kind, text)) return std::string(input);
  for (const Topic topic : kAllTopics) {
    if (kind != TopicName(topic)) continue;
    v1::DriverRegistration registration;
    v1::DriverHeartbeat heartbeat;
    v1::Trigger trigger;
    v1::MetricsReport report;
    google::protobuf::Message* const messages[] = {&registration, &heartbeat, &trigger, &report};
    google::protobuf::Message& message = *messages[static_cast<int>(topic)];
    if (ParseText(text, message)) return static_cast<char>(topic) + message.SerializeAsString();
  }
  return std::string(input);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace loadtest;
  const std::string input = BinaryInput({reinterpret_cast<const char*>(data), size});
  if (input.empty()) return 0;
  Run run;
  run.Prepare();
  const Record record = MakeRecord(TopicOf(input), input.substr(1));
  run.Apply(record);
  run.Look();
  run.Apply(record);
  run.Tick();
  run.Look();
  Run again;
  for (const Record& r : run.log()) again.Apply(r);
  Require(again.State() == run.State());
  return 0;
}
