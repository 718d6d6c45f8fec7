#include "target/counters.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

void AppendFamily(std::string& text, const char* name, const char* type, const char* help) {
  absl::StrAppend(&text, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

void AppendMetric(std::string& text, const char* name, const char* type, const char* help,
                  int64_t value) {
  AppendFamily(text, name, type, help);
  absl::StrAppend(&text, name, " ", value, "\n");
}

}  // namespace

int64_t Counters::LoadReceived() const {
  int64_t sum = 0;
  for (Endpoint endpoint : kAllEndpoints) {
    if (endpoint != Endpoint::kMetrics) sum += Of(endpoint).received;
  }
  return sum;
}

int64_t Counters::LoadSent() const {
  int64_t sum = 0;
  for (Endpoint endpoint : kAllEndpoints) {
    if (endpoint != Endpoint::kMetrics) sum += Of(endpoint).sent;
  }
  return sum;
}

std::string Counters::PrometheusText() const {
  std::string text;
  AppendMetric(text, "target_requests_received_total", "counter",
               "Requests whose headers were received, without those of /metrics.", LoadReceived());
  AppendMetric(text, "target_responses_sent_total", "counter",
               "Responses sent, without those of /metrics.", LoadSent());

  const char* const received_name = "target_endpoint_requests_received_total";
  AppendFamily(text, received_name, "counter", "Requests received, by endpoint.");
  for (Endpoint endpoint : kAllEndpoints) {
    absl::StrAppendFormat(&text, "%s{endpoint=\"%s\"} %d\n", received_name, EndpointName(endpoint),
                          Of(endpoint).received.load());
  }
  const char* const sent_name = "target_endpoint_responses_sent_total";
  AppendFamily(text, sent_name, "counter", "Responses sent, by endpoint.");
  for (Endpoint endpoint : kAllEndpoints) {
    absl::StrAppendFormat(&text, "%s{endpoint=\"%s\"} %d\n", sent_name, EndpointName(endpoint),
                          Of(endpoint).sent.load());
  }

  AppendMetric(text, "target_malformed_requests_total", "counter",
               "Requests that could not be read and were answered with an error.", malformed_);
  AppendMetric(text, "target_connections_accepted_total", "counter", "Connections served.",
               accepted_);
  AppendMetric(text, "target_connections_refused_total", "counter",
               "Connections answered with status 503 because max_connections were open.", refused_);
  AppendMetric(text, "target_connections_open", "gauge", "Connections open now.", open_);
  return text;
}

std::string Counters::Json() const {
  nlohmann::ordered_json endpoints;
  for (Endpoint endpoint : kAllEndpoints) {
    endpoints[std::string(EndpointName(endpoint))] = {
        {"requests_received", Of(endpoint).received.load()},
        {"responses_sent", Of(endpoint).sent.load()}};
  }
  const nlohmann::ordered_json all = {
      {"requests_received", LoadReceived()},
      {"responses_sent", LoadSent()},
      {"malformed_requests", malformed_.load()},
      {"connections",
       {{"open", open_.load()}, {"accepted", accepted_.load()}, {"refused", refused_.load()}}},
      {"endpoints", endpoints}};
  return all.dump(2) + "\n";
}

}  // namespace loadtest
