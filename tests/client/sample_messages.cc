#include "client/sample_messages.h"

#include <google/protobuf/text_format.h>

#include <cstdlib>

#include "common/measure/histogram.h"

namespace loadtest {
namespace {

template <typename Message>
Message Parse(const char* text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) std::abort();
  return message;
}

}  // namespace

v1::LoadTestUpdate SampleUpdate() {
  return Parse<v1::LoadTestUpdate>(R"pb(
    load_test {
      name: "loadTests/tsunami-1"
      state: RUNNING
      assignments { driver_id: "d1" }
      assignments { driver_id: "d2" }
      assignments { driver_id: "d3" }
    }
    interval {
      start_offset_ns: 1000000000
      end_offset_ns: 2000000000
      counts { sent: 600 completed: 599 }
      response_time { count: 599 p50_ns: 1230000 p99_ns: 4560000 }
    }
    totals { due: 1200 sent: 1200 completed: 1198 failed: 1 http_errors: 1 }
    verdict { level: VALID }
    drivers { driver_id: "d1" state: RUNNING }
    drivers { driver_id: "d2" state: RUNNING }
    drivers { driver_id: "d3" state: RUNNING }
    progress: 0.4
  )pb");
}

v1::Report SampleReport() {
  auto report = Parse<v1::Report>(R"pb(
    report_version: 1
    load_test {
      name: "loadTests/tsunami-1"
      state: SUCCEEDED
      spec {
        title: "Ping under a steady wave"
        request { url: "http://127.0.0.1:8081/ping" method: "GET" }
        tsunami { delay { nanos: 5000000 } }
        requests_per_driver: 1000
        connections: 50
        max_connections: 4096
        connect_timeout { seconds: 10 }
        request_timeout { seconds: 10 }
        drain_timeout { seconds: 10 }
        on_driver_loss: CONTINUE
      }
      assignments { driver_id: "d1" slot: 0 slots: 3 }
      assignments { driver_id: "d2" slot: 1 slots: 3 }
      assignments { driver_id: "d3" slot: 2 slots: 3 }
    }
    sending_seconds: 5
    sent_per_second: 600
    completed_per_second: 599.6
    totals {
      counts { due: 3000 sent: 3000 completed: 2998 failed: 2 http_errors: 12 }
      status_codes { key: 200 value: 2986 }
      status_codes { key: 503 value: 12 }
      errors { kind: REQUEST_TIMEOUT count: 2 example: "no response within 10s" }
      bytes_sent: 312000
      bytes_received: 480000
      connects: 150
    }
    drivers {
      assignment { driver_id: "d1" }
      ip_address: "127.0.0.1"
      counts { sent: 1000 completed: 999 failed: 1 http_errors: 12 }
      response_time { count: 999 p50_ns: 1200000 p99_ns: 4500000 }
      send_delay { count: 1000 p99_ns: 21000 }
      cpu_cores: 0.04
      finished: true
    }
    drivers {
      assignment { driver_id: "d2" }
      ip_address: "127.0.0.1"
      counts { sent: 1000 completed: 999 failed: 1 }
      response_time { count: 999 p50_ns: 1210000 p99_ns: 4600000 }
      send_delay { count: 1000 p99_ns: 19000 }
      cpu_cores: 0.05
      finished: true
    }
    drivers {
      assignment { driver_id: "d3" }
      ip_address: "10.0.0.2"
      counts { sent: 1000 completed: 1000 }
      response_time { count: 1000 p50_ns: 1190000 p99_ns: 4400000 }
      send_delay { count: 1000 p99_ns: 22000 }
      cpu_cores: 0.04
      finished: true
    }
    verdict { level: VALID }
  )pb");
  Histogram response, send_delay;
  for (int i = 0; i < 2'998; ++i) response.Record(1'000'000 + int64_t{i} * i);
  for (int i = 0; i < 3'000; ++i) send_delay.Record(10'000 + i * 4);
  response.ToProto(*report.mutable_totals()->mutable_response_time());
  response.ToProto(*report.mutable_totals()->mutable_service_time());
  send_delay.ToProto(*report.mutable_totals()->mutable_send_delay());
  *report.mutable_response_time() = response.Summary();
  *report.mutable_service_time() = response.Summary();
  *report.mutable_send_delay() = send_delay.Summary();
  return report;
}

v1::Report SampleReportWithThresholds() {
  v1::Report report = SampleReport();
  v1::ThresholdResult& good = *report.add_thresholds();
  good.set_expression("errors<1%");
  good.set_actual("0.47%");
  good.set_passed(true);
  v1::ThresholdResult& bad = *report.add_thresholds();
  bad.set_expression("p99<5ms");
  bad.set_actual("9.81ms");
  return report;
}

}  // namespace loadtest
