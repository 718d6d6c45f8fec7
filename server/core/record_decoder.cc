#include "server/core/record_decoder.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/measure/measurements.h"
#include "common/spec/load_test_spec.h"
#include "server/core/record_checks.h"

namespace loadtest {
namespace {

absl::Status CheckKey(const Record& record, const std::string& want) {
  if (record.key == want) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("key: got %d bytes that differ, want \"%s\"", record.key.size(), want));
}

absl::Status Check(const v1::DriverRegistration& m) {
  RETURN_IF_ERROR(CheckDriverId(m.driver_id(), "driver_id"));
  if (m.incarnation() <= 0) return Wrong("incarnation", m.incarnation(), "1 or more");
  if (m.protocol_version() < 1 || m.protocol_version() > kProtocolVersion) {
    return Wrong("protocol_version", m.protocol_version(),
                 absl::StrFormat("1 to %d", kProtocolVersion));
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::DriverHeartbeat& m) {
  RETURN_IF_ERROR(CheckDriverId(m.driver_id(), "driver_id"));
  if (m.incarnation() <= 0) return Wrong("incarnation", m.incarnation(), "1 or more");
  if (m.sequence() <= 0) return Wrong("sequence", m.sequence(), "1 or more");
  if (!v1::DriverHeartbeat::State_IsValid(m.state()) ||
      m.state() == v1::DriverHeartbeat::STATE_UNSPECIFIED) {
    return Wrong("state", m.state(), "a state of DriverHeartbeat.State");
  }
  RETURN_IF_ERROR(CheckTime("wall_time_ns", m.wall_time_ns()));
  RETURN_IF_ERROR(CheckTime("alive_send_time_ns", m.alive_send_time_ns()));
  RETURN_IF_ERROR(CheckTime("alive_read_time_ns", m.alive_read_time_ns()));
  if (m.reports_waiting() < 0) return Wrong("reports_waiting", m.reports_waiting(), "0 or more");
  if (!(m.cpu_cores() >= 0 && m.cpu_cores() < 1e6)) return Wrong("cpu_cores", -1, "0 to 1,000,000");
  return absl::OkStatus();
}

absl::Status Check(const v1::MetricsReport& m) {
  RETURN_IF_ERROR(CheckDriverId(m.driver_id(), "driver_id"));
  RETURN_IF_ERROR(CheckLoadTestId(m.test_id(), "test_id"));
  if (m.incarnation() <= 0) return Wrong("incarnation", m.incarnation(), "1 or more");
  if (m.sequence() <= 0) return Wrong("sequence", m.sequence(), "1 or more");
  RETURN_IF_ERROR(CheckTime("start_offset_ns", m.start_offset_ns()));
  RETURN_IF_ERROR(CheckTime("end_offset_ns", m.end_offset_ns()));
  if (m.end_offset_ns() < m.start_offset_ns())
    return Wrong("end_offset_ns", m.end_offset_ns(), "start_offset_ns or more");
  return CheckMeasurements(m.measurements());
}

absl::Status Check(const v1::Trigger& m) { return CheckTrigger(m); }

template <typename Message>
absl::StatusOr<BusMessage> Decode(const Record& record, std::string (*key_of)(const Message&)) {
  if (record.message_type != MessageTypeOf(record.topic)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("header message_type: got \"%s\", want \"%s\"",
                        record.message_type.substr(0, 60), MessageTypeOf(record.topic)));
  }
  Message message;
  if (!message.ParseFromString(record.value)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "value: %d bytes that are no %s", record.value.size(), MessageTypeOf(record.topic)));
  }
  RETURN_IF_ERROR(Check(message));
  RETURN_IF_ERROR(CheckKey(record, key_of(message)));
  return BusMessage(std::move(message));
}

absl::StatusOr<BusMessage> DecodeByTopic(const Record& record) {
  switch (record.topic) {
    case Topic::kRegister:
      return Decode<v1::DriverRegistration>(
          record, [](const v1::DriverRegistration& m) { return m.driver_id(); });
    case Topic::kHeartbeat:
      return Decode<v1::DriverHeartbeat>(
          record, [](const v1::DriverHeartbeat& m) { return m.driver_id(); });
    case Topic::kTrigger:
      return Decode<v1::Trigger>(record, [](const v1::Trigger& m) {
        return m.has_alive() ? std::string(kOrchestratorKey) : m.test_id();
      });
    case Topic::kMetrics:
      return Decode<v1::MetricsReport>(record,
                                       [](const v1::MetricsReport& m) { return m.driver_id(); });
  }
  return absl::InternalError("a topic without a message type");
}

}  // namespace

std::string_view MessageTypeOf(Topic topic) {
  switch (topic) {
    case Topic::kRegister:
      return "DriverRegistration";
    case Topic::kHeartbeat:
      return "DriverHeartbeat";
    case Topic::kTrigger:
      return "Trigger";
    case Topic::kMetrics:
      return "MetricsReport";
  }
  return "";
}

absl::StatusOr<BusMessage> DecodeRecord(const Record& record) {
  absl::StatusOr<BusMessage> decoded = DecodeByTopic(record);
  if (decoded.ok()) return decoded;
  return absl::InvalidArgumentError(absl::StrFormat("%s[%d]@%d: %s", TopicName(record.topic),
                                                    record.partition, record.offset,
                                                    std::string(decoded.status().message())));
}

}  // namespace loadtest
