#include "client/view/record_json.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/json/proto_json.h"
#include "loadtest/v1/bus.pb.h"

namespace loadtest {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShownBytes = 64;

std::unique_ptr<google::protobuf::Message> MessageOf(Topic topic) {
  switch (topic) {
    case Topic::kRegister:
      return std::make_unique<v1::DriverRegistration>();
    case Topic::kHeartbeat:
      return std::make_unique<v1::DriverHeartbeat>();
    case Topic::kTrigger:
      return std::make_unique<v1::Trigger>();
    case Topic::kMetrics:
      return std::make_unique<v1::MetricsReport>();
  }
  std::abort();
}

// A client's key travels in the spec; it is nobody's to read.
void HideKey(v1::Trigger& trigger) {
  v1::LoadTestSpec* spec = trigger.has_created()   ? trigger.mutable_created()->mutable_spec()
                           : trigger.has_started() ? trigger.mutable_started()->mutable_spec()
                                                   : nullptr;
  if (spec != nullptr && !spec->tls().client_key().empty()) {
    spec->mutable_tls()->set_client_key("(not shown)");
  }
}

absl::StatusOr<Json> Decode(const Record& record) {
  const auto message = MessageOf(record.topic);
  const std::string& wanted = message->GetDescriptor()->name();
  if (record.message_type != wanted) {
    return absl::InvalidArgumentError(
        absl::StrFormat("header message_type: got \"%s\", want %s", record.message_type, wanted));
  }
  if (!message->ParseFromString(record.value)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("value: got %d bytes that are no %s", record.value.size(), wanted));
  }
  if (record.topic == Topic::kTrigger) HideKey(static_cast<v1::Trigger&>(*message));
  return Json::parse(ProtoToJson(*message));
}

}  // namespace

std::string RecordJson(const Record& record) {
  Json json;
  json["topic"] = TopicName(record.topic);
  json["partition"] = record.partition;
  json["offset"] = record.offset;
  json["key"] = record.key;
  json["message_type"] = record.message_type;
  json["timestamp"] = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixNanos(record.timestamp.ns), absl::UTCTimeZone());
  absl::StatusOr<Json> value = Decode(record);
  if (value.ok()) {
    json["value"] = *std::move(value);
  } else {
    json["error"] = std::string(value.status().message());
    json["value_hex"] = absl::BytesToHexString(record.value.substr(0, kShownBytes));
  }
  // Keys and headers may be any bytes; what is not UTF-8 is replaced.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace loadtest
