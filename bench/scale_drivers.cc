// scale_drivers: many drivers in one process, without load. They register, send heartbeats, arm,
// and report plausible measurements over the same bus code as real ones; then the program compares
// the report with what it has sent, to one. bench/scale runs it.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/plausible_measurements.h"
#include "common/base/time.h"
#include "common/bus/kafka_bus.h"
#include "common/config/config.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/service.grpc.pb.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string kafka;
  std::string prefix;
  std::string server;
  int drivers = 1'000;
  int seconds = 20;
  int requests = 1'000;  // of a driver in an interval
  int watchers = 0;      // beside the one that measures, and one of them never reads
};

constexpr int64_t kHeartbeatNs = kNanosPerSecond;
// Heartbeats that are due within it leave together: a thousand drivers do not wake one by one.
constexpr int64_t kTurnMs = 5;
constexpr int kVariants = 16;
// Connections by which the drivers publish. Real drivers have one each, and their reports travel side
// by side; one producer for all would send a batch only when the one before it is acknowledged.
constexpr int kProducers = 2;

void AppendField(int number, std::string_view message, std::string& out) {
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.WriteTag(static_cast<uint32_t>(number) << 3 | 2);  // 2: with its length before it
  coded.WriteVarint32(static_cast<uint32_t>(message.size()));
  coded.WriteRaw(message.data(), static_cast<int>(message.size()));
}

struct SimulatedDriver {
  std::string id;
  MessageBus* bus = nullptr;
  int64_t heartbeats = 0;
  int64_t reports = 0;
  bool takes_part = false;
};

// All the drivers. One thread: it owns the buses, of which the first reads.
class Fleet {
 public:
  Fleet(const Options& options, std::vector<std::unique_ptr<KafkaBus>> buses)
      : options_(options), buses_(std::move(buses)), bus_(*buses_.front()) {
    incarnation_ = clock_.WallNow().ns;
    for (int i = 0; i < options.drivers; ++i)
      drivers_.push_back({.id = absl::StrFormat("sim-%05d", i), .bus = buses_[i % kProducers].get()});
    for (int i = 0; i < kVariants; ++i)
      variants_.push_back(PlausibleMeasurements(i + 1, options.requests).SerializeAsString());
  }

  bool Join() {
    const auto ranges = bus_.QueryOffsets(Topic::kTrigger, milliseconds(5'000));
    if (!ranges.ok()) return Fail(ranges.status());
    Offsets end;
    for (const auto& [partition, range] : *ranges) end[partition] = range.end;
    if (const absl::Status assigned = bus_.Assign(end); !assigned.ok()) return Fail(assigned);
    for (SimulatedDriver& driver : drivers_) {
      v1::DriverRegistration m;
      m.set_driver_id(driver.id);
      m.set_incarnation(incarnation_);
      m.set_message_type("DriverRegistration");
      m.set_protocol_version(1);
      m.set_ip_address("127.0.0.1");
      m.set_host_name("simulated");
      Publish(driver, Topic::kRegister, "DriverRegistration", m.SerializeAsString());
      Heartbeat(driver);
      driver.bus->Poll(milliseconds(0));
    }
    joined_ = true;
    return true;
  }

  // Until `done`.
  void Run(const std::atomic<bool>& done) {
    next_heartbeat_ns_ = clock_.WallNow().ns;
    while (!done) {
      const int64_t now = clock_.WallNow().ns;
      SendHeartbeats(now);
      SendReports(now);
      int64_t wait_ms = kTurnMs;
      if (start_ns_ > 0)
        wait_ms = std::clamp<int64_t>((next_report_ns_ - now) / kNanosPerMilli, 0, kTurnMs);
      for (const Record& record : bus_.Poll(milliseconds(wait_ms)).records) OnTrigger(record);
      for (const auto& bus : buses_) {
        if (bus.get() != &bus_) bus->Poll(milliseconds(0));
      }
    }
  }

  bool joined() const { return joined_; }
  int64_t reports_sent() const { return reports_sent_; }
  int64_t reports_failed() const { return reports_failed_; }
  // Longest time that sending the reports of an interval took, nanoseconds.
  int64_t longest_burst_ns() const { return longest_burst_ns_; }
  int64_t bytes() const { return bytes_; }

 private:
  bool Fail(const absl::Status& status) {
    std::fprintf(stderr, "scale_drivers: %s\n", std::string(status.message()).c_str());
    return false;
  }

  void Publish(const SimulatedDriver& driver, Topic topic, std::string_view type,
               const std::string& value) {
    const absl::Status published =
        driver.bus->Publish(topic, driver.id, type, value, [this](const auto& s) {
          if (!s.ok()) ++reports_failed_;
        });
    if (!published.ok()) ++reports_failed_;
  }

  void Heartbeat(SimulatedDriver& driver) {
    v1::DriverHeartbeat m;
    m.set_driver_id(driver.id);
    m.set_incarnation(incarnation_);
    m.set_sequence(++driver.heartbeats);
    m.set_wall_time_ns(clock_.WallNow().ns);
    m.set_state(v1::DriverHeartbeat::IDLE);
    if (driver.takes_part) {
      m.set_test_id(test_id_);
      m.set_state(clock_.WallNow().ns < start_ns_ ? v1::DriverHeartbeat::ARMED
                                                  : v1::DriverHeartbeat::RUNNING);
    }
    Publish(driver, Topic::kHeartbeat, "DriverHeartbeat", m.SerializeAsString());
  }

  // One driver after the other, evenly over the interval.
  void SendHeartbeats(int64_t now) {
    for (; next_heartbeat_ns_ <= now; next_heartbeat_ns_ += kHeartbeatNs / options_.drivers) {
      Heartbeat(drivers_[turn_]);
      turn_ = (turn_ + 1) % drivers_.size();
    }
  }

  void OnTrigger(const Record& record) {
    v1::Trigger trigger;
    if (!trigger.ParseFromString(record.value)) return;
    if (trigger.has_started()) {
      test_id_ = trigger.test_id();
      interval_ns_ = trigger.started().metrics_interval_ns();
      start_ns_ = trigger.started().start_time_ns();
      next_report_ns_ = start_ns_ + interval_ns_;
      std::map<std::string, SimulatedDriver*> by_id;
      for (SimulatedDriver& driver : drivers_) by_id[driver.id] = &driver;
      for (const v1::Assignment& a : trigger.started().assignments()) {
        if (a.incarnation() == incarnation_ && by_id.contains(a.driver_id()))
          by_id[a.driver_id()]->takes_part = true;
      }
      for (SimulatedDriver& driver : drivers_) {
        if (driver.takes_part) Heartbeat(driver);
      }
      Prepare();
    }
  }

  // The reports of the next interval, made in the middle of this one: so that they leave at once, and
  // the work is not done while the orchestrator has its own.
  void Prepare() {
    ++interval_;
    prepared_.clear();
    const bool final = interval_ * interval_ns_ >= options_.seconds * kNanosPerSecond;
    for (size_t i = 0; i < drivers_.size(); ++i) {
      if (!drivers_[i].takes_part) continue;
      v1::MetricsReport m;
      m.set_driver_id(drivers_[i].id);
      m.set_incarnation(incarnation_);
      m.set_test_id(test_id_);
      m.set_sequence(interval_);
      m.set_start_offset_ns((interval_ - 1) * interval_ns_);
      m.set_end_offset_ns(interval_ * interval_ns_);
      m.set_has_sent(true);
      m.set_first_send_offset_ns(20'000 + static_cast<int64_t>(i % 100) * 1'000);
      if (final) {
        m.set_final(true);
        m.set_end_reason(v1::MetricsReport::PLAN_DONE);
        m.set_last_send_offset_ns(interval_ * interval_ns_ - 1'000'000);
      }
      // A message's parts may stand one after the other.
      std::string& value = prepared_.emplace_back(&drivers_[i], m.SerializeAsString()).second;
      AppendField(v1::MetricsReport::kMeasurementsFieldNumber,
                  variants_[(i + interval_) % kVariants], value);
      bytes_ += static_cast<int64_t>(prepared_.back().second.size());
    }
    final_ = final;
  }

  void SendReports(int64_t now) {
    if (start_ns_ == 0) return;
    if (prepared_.empty() && now >= next_report_ns_ - interval_ns_ / 2) Prepare();
    if (now < next_report_ns_) return;
    for (auto& [driver, value] : prepared_) {
      ++reports_sent_;
      Publish(*driver, Topic::kMetrics, "MetricsReport", value);
    }
    longest_burst_ns_ = std::max<int64_t>(longest_burst_ns_, clock_.WallNow().ns - next_report_ns_);
    next_report_ns_ += interval_ns_;
    prepared_.clear();
    if (!final_) return;
    start_ns_ = 0;
    for (SimulatedDriver& driver : drivers_) driver.takes_part = false;
    for (SimulatedDriver& driver : drivers_) Heartbeat(driver);
  }

  const Options options_;
  const std::vector<std::unique_ptr<KafkaBus>> buses_;
  MessageBus& bus_;
  SystemClock clock_;
  int64_t incarnation_ = 0;
  std::vector<SimulatedDriver> drivers_;
  std::vector<std::string> variants_;  // v1::Measurements
  std::vector<std::pair<SimulatedDriver*, std::string>> prepared_;
  std::string test_id_;
  int64_t start_ns_ = 0;
  int64_t interval_ns_ = kNanosPerSecond;
  int64_t next_report_ns_ = 0;
  int64_t next_heartbeat_ns_ = 0;
  int64_t interval_ = 0;
  size_t turn_ = 0;
  bool final_ = false;
  std::atomic<bool> joined_ = false;
  std::atomic<int64_t> reports_sent_ = 0;
  std::atomic<int64_t> reports_failed_ = 0;
  std::atomic<int64_t> longest_burst_ns_ = 0;
  std::atomic<int64_t> bytes_ = 0;
};

int64_t Nanos(const google::protobuf::Timestamp& t) {
  return t.seconds() * kNanosPerSecond + t.nanos();
}

double Percentile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(q * static_cast<double>(values.size())))];
}

// Creates the test and watches it to its end. Milliseconds from the end of each interval to its
// update.
class Watcher {
 public:
  explicit Watcher(const Options& options) : options_(options) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    stub_ = v1::LoadTestService::NewStub(
        grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments));
  }

  // The drivers, as the orchestrator sees them.
  int Drivers() {
    int found = 0;
    v1::ListDriversRequest request;
    v1::ListDriversResponse response;
    do {
      grpc::ClientContext context;
      if (!stub_->ListDrivers(&context, request, &response).ok()) return -1;
      for (const v1::Driver& driver : response.drivers())
        found += driver.name().starts_with("drivers/sim-") && driver.state() == v1::Driver::IDLE;
      request.set_page_token(response.next_page_token());
    } while (!response.next_page_token().empty());
    return found;
  }

  bool Create() {
    v1::CreateLoadTestRequest request;
    v1::LoadTestSpec& spec = *request.mutable_spec();
    spec.mutable_request()->set_url("http://127.0.0.1:9/simulated");
    spec.mutable_rate()->set_requests_per_second(static_cast<double>(options_.drivers) *
                                                 options_.requests);
    spec.mutable_duration()->set_seconds(options_.seconds);
    spec.set_drivers(options_.drivers);
    grpc::ClientContext context;
    const grpc::Status created = stub_->CreateLoadTest(&context, request, &test_);
    if (!created.ok()) std::fprintf(stderr, "create: %s\n", created.error_message().c_str());
    return created.ok();
  }

  void Watch() {
    v1::WatchLoadTestRequest request;
    request.set_name(test_.name());
    grpc::ClientContext context;
    const auto stream = stub_->WatchLoadTest(&context, request);
    v1::LoadTestUpdate update;
    int64_t seen_ns = 0;
    while (stream->Read(&update)) {
      ++updates_;
      const int64_t end_ns = update.interval().end_offset_ns();
      if (end_ns <= seen_ns) continue;
      seen_ns = end_ns;
      const int64_t due_ns = Nanos(update.load_test().start_time()) + end_ns;
      fresh_ms_.push_back(static_cast<double>(clock_.WallNow().ns - due_ns) / 1e6);
    }
    stream->Finish();
  }

  // Others that watch until the end; the first of them opens its stream and never reads. Counts
  // those that saw the end.
  void WatchBeside(int watchers) {
    for (int i = 0; i < watchers; ++i) {
      beside_.emplace_back([this, stalled = i == 0] {
        v1::WatchLoadTestRequest request;
        request.set_name(test_.name());
        grpc::ClientContext context;
        const auto stream = stub_->WatchLoadTest(&context, request);
        v1::LoadTestUpdate update;
        while (stalled && !over_) std::this_thread::sleep_for(milliseconds(20));
        if (stalled) context.TryCancel();
        while (stream->Read(&update)) {
        }
        const bool ended = update.load_test().has_end_time();
        if (stream->Finish().ok() && ended) ++saw_the_end_;
      });
    }
  }
  int JoinBeside() {
    over_ = true;
    for (std::thread& thread : beside_) thread.join();
    return saw_the_end_;
  }

  v1::Report Report() {
    v1::GetReportRequest request;
    request.set_name(test_.name());
    grpc::ClientContext context;
    v1::Report report;
    stub_->GetReport(&context, request, &report);
    return report;
  }

  const std::vector<double>& fresh_ms() const { return fresh_ms_; }
  int updates() const { return updates_; }

 private:
  const Options options_;
  SystemClock clock_;
  std::unique_ptr<v1::LoadTestService::Stub> stub_;
  v1::LoadTest test_;
  std::vector<double> fresh_ms_;
  int updates_ = 0;
  std::vector<std::thread> beside_;
  std::atomic<bool> over_ = false;
  std::atomic<int> saw_the_end_ = 0;
};

// Whether the report has what was sent, to one.
bool Compare(const Options& options, const Fleet& fleet, const v1::Report& report) {
  int64_t received = 0;
  int64_t missing = 0;
  for (const v1::DriverResult& driver : report.drivers()) {
    received += driver.intervals_received();
    missing += driver.intervals_missing();
  }
  const int64_t sent_requests = fleet.reports_sent() * options.requests;
  const bool equal = received == fleet.reports_sent() && missing == 0 &&
                     report.totals().counts().sent() == sent_requests &&
                     report.totals().response_time().count() == sent_requests &&
                     report.intervals_size() == options.seconds;
  std::printf(
      "reports sent %ld, received %ld, missing %ld; requests reported %ld, in the report "
      "%ld; intervals %d: %s\n",
      fleet.reports_sent(), received, missing, sent_requests, report.totals().counts().sent(),
      report.intervals_size(), equal ? "EQUAL" : "DIFFERENT");
  std::printf("verdict %s, state %s\n", v1::Verdict::Level_Name(report.verdict().level()).c_str(),
              v1::LoadTest::State_Name(report.load_test().state()).c_str());
  return equal;
}

int Main(const Options& options) {
  v1::Config config = *LoadConfig(ConfigSources());
  config.mutable_kafka()->set_bootstrap_servers(options.kafka);
  config.mutable_kafka()->set_topic_prefix(options.prefix);
  std::vector<std::unique_ptr<KafkaBus>> buses;
  for (int i = 0; i < kProducers; ++i) {
    auto bus = KafkaBus::Connect(config.kafka(),
                                 {.client_id = absl::StrFormat("fleet-%d", i), .role = "scale"});
    if (!bus.ok()) {
      std::fprintf(stderr, "scale_drivers: %s\n", std::string(bus.status().message()).c_str());
      return 1;
    }
    buses.push_back(*std::move(bus));
  }
  Fleet fleet(options, std::move(buses));
  std::atomic<bool> done = false;
  std::thread thread([&] {
    if (fleet.Join()) fleet.Run(done);
  });
  Watcher watcher(options);
  SystemClock clock;
  const int64_t deadline = clock.Now().ns + 60 * kNanosPerSecond;
  int known = 0;
  while ((known = watcher.Drivers()) < options.drivers && clock.Now().ns < deadline)
    std::this_thread::sleep_for(milliseconds(50));
  std::printf("%d drivers known\n", known);
  bool equal = false;
  if (watcher.Create()) {
    watcher.WatchBeside(options.watchers);
    watcher.Watch();
    const int ended = watcher.JoinBeside();
    if (options.watchers > 0)
      std::printf("%d of %d reading watchers saw the end\n", ended, options.watchers - 1);
    equal = Compare(options, fleet, watcher.Report());
  }
  done = true;
  thread.join();
  std::printf(
      "report %ld bytes; longest burst of an interval's reports %.1f ms; not delivered %ld\n",
      fleet.reports_sent() > 0 ? fleet.bytes() / fleet.reports_sent() : 0,
      static_cast<double>(fleet.longest_burst_ns()) / 1e6, fleet.reports_failed());
  const std::vector<double>& fresh = watcher.fresh_ms();
  std::printf(
      "freshness, interval end to Watch: p50 %.1f ms, p99 %.1f ms, max %.1f ms of %zu "
      "intervals (%d updates)\n",
      Percentile(fresh, 0.5), Percentile(fresh, 0.99), Percentile(fresh, 1), fresh.size(),
      watcher.updates());
  std::vector<size_t> slowest(fresh.size());
  std::iota(slowest.begin(), slowest.end(), 0);
  std::sort(slowest.begin(), slowest.end(), [&](size_t a, size_t b) { return fresh[a] > fresh[b]; });
  for (size_t i = 0; i < std::min<size_t>(5, slowest.size()); ++i) {
    std::printf("%s%.1f ms for interval %zu%s", i == 0 ? "slowest: " : ", ", fresh[slowest[i]],
                slowest[i] + 1, i == 4 ? "\n" : "");
  }
  std::fflush(stdout);
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace loadtest

int main(int argc, char** argv) {
  loadtest::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const std::string value = argv[i + 1];
    if (flag == "--kafka") options.kafka = value;
    if (flag == "--prefix") options.prefix = value;
    if (flag == "--server") options.server = value;
    if (flag == "--drivers") options.drivers = std::atoi(value.c_str());
    if (flag == "--seconds") options.seconds = std::atoi(value.c_str());
    if (flag == "--watchers") options.watchers = std::atoi(value.c_str());
    if (flag == "--requests") options.requests = std::atoi(value.c_str());
  }
  if (options.kafka.empty() || options.server.empty() || options.drivers < 1) {
    std::fprintf(stderr,
                 "usage: scale_drivers --kafka HOST:PORT --server HOST:PORT [--prefix TEXT] "
                 "[--drivers N] [--seconds N] [--requests N] [--watchers N]\n");
    return 2;
  }
  return loadtest::Main(options);
}
