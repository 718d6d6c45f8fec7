#include "target/counters.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace loadtest {
namespace {

bool HasLine(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

TEST(Counters, RequestsAreCountedInAllAndByEndpoint) {
  Counters counters;
  counters.RequestReceived(Endpoint::kPing);
  counters.RequestReceived(Endpoint::kPing);
  counters.RequestReceived(Endpoint::kStall);
  counters.ResponseSent(Endpoint::kPing);
  const std::string text = counters.PrometheusText();
  EXPECT_TRUE(HasLine(text, "target_requests_received_total 3")) << text;
  EXPECT_TRUE(HasLine(text, "target_responses_sent_total 1")) << text;
  EXPECT_TRUE(HasLine(text, "target_endpoint_requests_received_total{endpoint=\"ping\"} 2"));
  EXPECT_TRUE(HasLine(text, "target_endpoint_requests_received_total{endpoint=\"stall\"} 1"));
  EXPECT_TRUE(HasLine(text, "target_endpoint_responses_sent_total{endpoint=\"stall\"} 0"));
}

TEST(Counters, RequestsOfMetricsAreNotInTheTotals) {
  Counters counters;
  counters.RequestReceived(Endpoint::kMetrics);
  counters.ResponseSent(Endpoint::kMetrics);
  const std::string text = counters.PrometheusText();
  EXPECT_TRUE(HasLine(text, "target_requests_received_total 0")) << text;
  EXPECT_TRUE(HasLine(text, "target_responses_sent_total 0")) << text;
  EXPECT_TRUE(HasLine(text, "target_endpoint_responses_sent_total{endpoint=\"metrics\"} 1"));
}

TEST(Counters, AResponseThatCouldNotBeSentIsTakenBack) {
  Counters counters;
  counters.ResponseSent(Endpoint::kBytes);
  counters.ResponseNotSent(Endpoint::kBytes);
  EXPECT_TRUE(HasLine(counters.PrometheusText(), "target_responses_sent_total 0"));
}

TEST(Counters, EveryMetricHasItsHelpAndType) {
  const std::string text = Counters().PrometheusText();
  EXPECT_EQ(text.find("# HELP target_requests_received_total "), 0u);
  EXPECT_TRUE(HasLine(text, "# TYPE target_requests_received_total counter"));
  EXPECT_TRUE(HasLine(text, "# TYPE target_connections_open gauge"));
}

TEST(Counters, JsonHasTheSameNumbers) {
  Counters counters;
  counters.RequestReceived(Endpoint::kPing);
  counters.ResponseSent(Endpoint::kPing);
  counters.ConnectionOpened();
  counters.ConnectionOpened();
  counters.ConnectionClosed();
  counters.ConnectionRefused();
  const auto json = nlohmann::json::parse(counters.Json());
  EXPECT_EQ(json["requests_received"], 1);
  EXPECT_EQ(json["responses_sent"], 1);
  EXPECT_EQ(json["endpoints"]["ping"]["requests_received"], 1);
  EXPECT_EQ(json["connections"]["accepted"], 2);
  EXPECT_EQ(json["connections"]["open"], 1);
  EXPECT_EQ(json["connections"]["refused"], 1);
}

}  // namespace
}  // namespace loadtest
