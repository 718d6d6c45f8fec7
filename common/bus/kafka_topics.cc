#include "common/bus/kafka_topics.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/bus/kafka_settings.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, decltype(&rd_kafka_NewTopic_destroy)>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, decltype(&rd_kafka_AdminOptions_destroy)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;
using Event = std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)>;

milliseconds Left(steady_clock::time_point deadline) {
  return std::max(milliseconds(1),
                  std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()));
}

absl::StatusOr<NewTopic> MakeNewTopic(const TopicPlan& plan) {
  char error[256] = "";
  NewTopic topic(rd_kafka_NewTopic_new(plan.name.c_str(), plan.partitions, plan.replicas, error,
                                       sizeof(error)),
                 &rd_kafka_NewTopic_destroy);
  if (topic == nullptr) {
    return absl::InvalidArgumentError(absl::StrFormat("create topic %s: %s", plan.name, error));
  }
  for (const auto& [name, value] : plan.properties) {
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  }
  return topic;
}

// Each topic has a result of its own. That another orchestrator was faster is no error.
absl::Status CheckResults(rd_kafka_event_t* event) {
  if (const auto error = rd_kafka_event_error(event); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaStatus(error, "create topics");
  }
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      continue;
    }
    const char* detail = rd_kafka_topic_result_error_string(results[i]);
    return KafkaStatus(
        error, absl::StrFormat("create topic %s: %s", rd_kafka_topic_result_name(results[i]),
                               detail == nullptr ? "refused" : detail));
  }
  return absl::OkStatus();
}

absl::Status CreateTopics(KafkaHandle& handle, const std::vector<TopicPlan>& plans,
                          milliseconds timeout) {
  std::vector<NewTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  for (const TopicPlan& plan : plans) {
    ASSIGN_OR_RETURN(NewTopic topic, MakeNewTopic(plan));
    pointers.push_back(topic.get());
    topics.push_back(std::move(topic));
  }
  const int timeout_ms = static_cast<int>(timeout.count());
  const AdminOptions options(
      rd_kafka_AdminOptions_new(handle.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS),
      &rd_kafka_AdminOptions_destroy);
  char error[256] = "";
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, error, sizeof(error));
  // The broker, too, answers only when the topics have their leaders.
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), timeout_ms, error, sizeof(error));

  const Queue queue(rd_kafka_queue_new(handle.get()), &rd_kafka_queue_destroy);
  rd_kafka_CreateTopics(handle.get(), pointers.data(), pointers.size(), options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), timeout_ms), &rd_kafka_event_destroy);
  if (event == nullptr) {
    return absl::UnavailableError(
        absl::StrFormat("create topics: no answer from the broker in %d ms", timeout_ms));
  }
  return CheckResults(event.get());
}

// Waits for what the broker may tell its clients a little after it has answered.
absl::StatusOr<int32_t> AwaitTopic(KafkaHandle& handle, const std::string& name,
                                   steady_clock::time_point deadline) {
  for (;;) {
    absl::StatusOr<int32_t> partitions = handle.CountPartitions(name, Left(deadline));
    if (partitions.ok() || steady_clock::now() >= deadline) return partitions;
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace

absl::Status EnsureKafkaTopics(KafkaHandle& handle, const v1::KafkaConfig& config,
                               milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  ASSIGN_OR_RETURN(const int32_t brokers, handle.CountBrokers(timeout));
  std::vector<TopicPlan> missing;
  for (const Topic topic : kAllTopics) {
    TopicPlan plan = PlanTopic(config, topic, brokers);
    const absl::StatusOr<int32_t> partitions = handle.CountPartitions(plan.name, Left(deadline));
    if (absl::IsNotFound(partitions.status())) {
      missing.push_back(std::move(plan));
    } else if (!partitions.ok()) {
      return partitions.status();
    }
  }
  if (!missing.empty()) RETURN_IF_ERROR(CreateTopics(handle, missing, Left(deadline)));

  for (const Topic topic : kAllTopics) {
    const std::string name = FullTopicName(config, topic);
    const absl::StatusOr<int32_t> partitions = AwaitTopic(handle, name, deadline);
    if (!partitions.ok()) return partitions.status();
    if (topic != Topic::kMetrics && *partitions != 1) {
      return absl::FailedPreconditionError(absl::StrFormat(
          "topic %s has %d partitions, want 1; delete it, or set another kafka.topic_prefix", name,
          *partitions));
    }
  }
  return absl::OkStatus();
}

}  // namespace loadtest
