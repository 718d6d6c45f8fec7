// What the routes of the REST door do, through a real HTTP client.
#include "server/api/rest_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_format.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"

namespace loadtest {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr char kSpec[] =
    R"({"request": {"url": "http://127.0.0.1:8081/ping"}, "tsunami": {"delay": "5ms"}})";

class RestServerTest : public testing::Test {
 protected:
  RestServerTest() {
    auto server = RestServer::Start("127.0.0.1:0", fake_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", server_->port());
  }

  httplib::Result Post(const std::string& path, const std::string& body,
                       const char* type = "application/json") {
    return client_->Post(path, body, type);
  }

  FakeControlPlane fake_;
  std::unique_ptr<RestServer> server_;
  std::unique_ptr<httplib::Client> client_;
};

// The parts of an error response.
struct Error {
  int http_code;
  int code;
  std::string status;
  std::string message;
};

Error ErrorOf(const httplib::Result& result) {
  const json error = json::parse(result->body).at("error");
  return {result->status, error.at("code"), error.at("status"), error.at("message")};
}

TEST_F(RestServerTest, CreatedTestCanBeRead) {
  const auto created = Post("/v1/loadTests?load_test_id=smoke", kSpec);
  ASSERT_EQ(created->status, 200) << created->body;
  EXPECT_EQ(created->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(json::parse(created->body)["name"], "loadTests/smoke");

  const auto read = client_->Get("/v1/loadTests/smoke");
  ASSERT_EQ(read->status, 200);
  const json test = json::parse(read->body);
  EXPECT_EQ(test["state"], "PENDING");
  EXPECT_EQ(test["spec"]["request"]["url"], "http://127.0.0.1:8081/ping");
}

TEST_F(RestServerTest, ValidateOnlyCreatesNothing) {
  const auto checked = Post("/v1/loadTests?load_test_id=smoke&validate_only=true", kSpec);
  ASSERT_EQ(checked->status, 200) << checked->body;
  EXPECT_EQ(client_->Get("/v1/loadTests/smoke")->status, 404);
}

TEST_F(RestServerTest, ListComesInPages) {
  for (const char* id : {"a", "b", "c"}) fake_.AddTest(SampleTest(id, v1::LoadTest::SUCCEEDED));
  const json first = json::parse(client_->Get("/v1/loadTests?page_size=2")->body);
  EXPECT_EQ(first["load_tests"].size(), 2u);
  const std::string token = first["next_page_token"];
  const json second =
      json::parse(client_->Get("/v1/loadTests?page_size=2&page_token=" + token)->body);
  ASSERT_EQ(second["load_tests"].size(), 1u);
  EXPECT_EQ(second["load_tests"][0]["name"], "loadTests/c");
  EXPECT_EQ(second["next_page_token"], "");
}

TEST_F(RestServerTest, StopTakesAReasonOrNothing) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  fake_.AddTest(SampleTest("b", v1::LoadTest::RUNNING));
  const auto reasoned = Post("/v1/loadTests/a:stop", R"({"reason": "seen enough"})");
  ASSERT_EQ(reasoned->status, 200) << reasoned->body;
  EXPECT_EQ(json::parse(reasoned->body)["state"], "STOPPING");
  EXPECT_EQ(json::parse(reasoned->body)["state_reason"], "seen enough");
  EXPECT_EQ(client_->Post("/v1/loadTests/b:stop")->status, 200);
}

TEST_F(RestServerTest, StopOfAnotherTestThanThePathSaysIsRefused) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  const Error error = ErrorOf(Post("/v1/loadTests/a:stop", R"({"name": "loadTests/b"})"));
  EXPECT_EQ(error.http_code, 400);
  EXPECT_EQ(
      error.message,
      "request body: name: got \"loadTests/b\", want \"loadTests/a\" as in the path, or nothing");
}

TEST_F(RestServerTest, EndedTestCanBeDeletedAndARunningOneNot) {
  fake_.AddTest(SampleTest("done", v1::LoadTest::SUCCEEDED));
  fake_.AddTest(SampleTest("live", v1::LoadTest::RUNNING));
  const auto deleted = client_->Delete("/v1/loadTests/done");
  EXPECT_EQ(deleted->status, 200);
  EXPECT_EQ(json::parse(deleted->body), json::object());
  const Error error = ErrorOf(client_->Delete("/v1/loadTests/live"));
  EXPECT_EQ(error.http_code, 409);
  EXPECT_EQ(error.status, "FAILED_PRECONDITION");
}

TEST_F(RestServerTest, ReportIsPassedOn) {
  v1::Report report;
  *report.mutable_load_test() = SampleTest("a", v1::LoadTest::SUCCEEDED);
  report.mutable_totals()->mutable_counts()->set_sent(3'000);
  report.mutable_response_time()->set_p99_ns(1'500'000);
  fake_.SetReport(report);
  const json read = json::parse(client_->Get("/v1/loadTests/a/report")->body);
  EXPECT_EQ(read["totals"]["counts"]["sent"], 3'000);
  EXPECT_EQ(read["totals"]["counts"]["failed"], 0);
  EXPECT_EQ(read["response_time"]["p99_ns"], 1'500'000);
}

TEST_F(RestServerTest, NoteIsWritten) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::SUCCEEDED));
  const auto patched =
      client_->Patch("/v1/loadTests/a?update_mask=note", R"({"note": "after the fix"})",
                     "application/json");
  ASSERT_EQ(patched->status, 200) << patched->body;
  EXPECT_EQ(json::parse(patched->body)["note"], "after the fix");
  EXPECT_EQ(json::parse(client_->Get("/v1/loadTests/a")->body)["note"], "after the fix");
  EXPECT_EQ(client_->Patch("/v1/loadTests/a", R"({"name": "loadTests/b"})", "application/json")
                ->status,
            400);
  EXPECT_EQ(client_->Patch("/v1/loadTests/none", "{}", "application/json")->status, 404);
}

TEST_F(RestServerTest, ServerTellsWhatItIs) {
  ControlPlaneStats stats;
  stats.bus = "fake";
  stats.bus_connected = true;
  stats.own_drivers = 2;
  stats.drivers_live = 3;
  stats.start_ns = 1'700'000'000'500'000'000;
  fake_.SetStats(stats);
  const json info = json::parse(client_->Get("/v1/serverInfo")->body);
  EXPECT_EQ(info["bus"], "fake");
  EXPECT_EQ(info["bus_connected"], true);
  EXPECT_EQ(info["own_drivers"], 2);
  EXPECT_EQ(info["live_drivers"], 3);
  EXPECT_EQ(info["start_time"], "2023-11-14T22:13:20.500Z");
  EXPECT_NE(info["version"], "");
}

TEST_F(RestServerTest, DriversAreListed) {
  fake_.AddDriver(SampleDriver("d1"));
  const json list = json::parse(client_->Get("/v1/drivers")->body);
  EXPECT_EQ(list["drivers"][0]["name"], "drivers/d1");
  EXPECT_EQ(list["drivers"][0]["state"], "IDLE");
}

TEST_F(RestServerTest, MetricsAreInPrometheusFormat) {
  const auto metrics = client_->Get("/metrics");
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(metrics->body, HasSubstr("loadtest_orchestrator_bus_connected 1\n"));
}

TEST_F(RestServerTest, HealthSaysWhenTheBrokerIsAway) {
  EXPECT_EQ(client_->Get("/healthz")->body, "ok\n");
  fake_.SetBusConnected(false);
  const auto away = client_->Get("/healthz");
  EXPECT_EQ(away->status, 200);
  EXPECT_EQ(away->body, "ok, but the broker is away\n");
}

TEST_F(RestServerTest, ErrorsCarryCodeStatusAndMessage) {
  const Error error = ErrorOf(client_->Get("/v1/loadTests/none"));
  EXPECT_EQ(error.http_code, 404);
  EXPECT_EQ(error.code, 404);
  EXPECT_EQ(error.status, "NOT_FOUND");
  EXPECT_EQ(error.message, "name: got \"loadTests/none\", no such load test");
}

TEST_F(RestServerTest, ControlPlanesErrorsHaveTheirHttpCodes) {
  EXPECT_EQ(Post("/v1/loadTests", R"({"request": {}})")->status, 400);
  ASSERT_EQ(Post("/v1/loadTests?load_test_id=a", kSpec)->status, 200);
  EXPECT_EQ(ErrorOf(Post("/v1/loadTests?load_test_id=a", kSpec)).status, "ALREADY_EXISTS");
  EXPECT_EQ(Post("/v1/loadTests?load_test_id=a", kSpec)->status, 409);
  fake_.SetBusConnected(false);
  EXPECT_EQ(ErrorOf(Post("/v1/loadTests", kSpec)).status, "UNAVAILABLE");
  EXPECT_EQ(Post("/v1/loadTests", kSpec)->status, 503);
}

TEST_F(RestServerTest, MalformedJsonIsRefusedWithItsPlace) {
  for (const char* body :
       {"", "{", "[]", "nonsense", "{\"request\": }", "{\"request\": {\"url\": 5}}"}) {
    const Error error = ErrorOf(Post("/v1/loadTests", body));
    EXPECT_EQ(error.http_code, 400) << body;
    EXPECT_EQ(error.status, "INVALID_ARGUMENT") << body;
    EXPECT_THAT(error.message, testing::StartsWith("request body"));
  }
}

TEST_F(RestServerTest, UnknownKeyIsNamed) {
  const Error error = ErrorOf(Post("/v1/loadTests", R"({"request": {"colour": "red"}})"));
  EXPECT_EQ(error.http_code, 400);
  EXPECT_THAT(error.message, HasSubstr("request.colour: unknown key"));
}

TEST_F(RestServerTest, UnknownParameterIsNamed) {
  const Error error = ErrorOf(client_->Get("/v1/loadTests?pagesize=1"));
  EXPECT_EQ(error.http_code, 400);
  EXPECT_EQ(error.message,
            "query: unknown parameter \"pagesize\", want one of page_size, page_token, labels, "
            "states");
  EXPECT_EQ(client_->Get("/v1/drivers?page_size=ten")->status, 400);
  EXPECT_EQ(Post("/v1/loadTests?validate_only=yes", kSpec)->status, 400);
}

TEST_F(RestServerTest, UnknownPathIsNotFound) {
  for (const char* path : {"/v1", "/v1/loadTests/", "/v1/loadTests/a/b", "/v1/loadTests/a:start",
                           "/v1/loadTests/a/report/", "/app.js/", "/../etc/passwd", "/%00"}) {
    EXPECT_EQ(client_->Get(path)->status, 404) << path;
  }
}

TEST_F(RestServerTest, WrongMethodSaysWhatIsAllowed) {
  const auto put = client_->Put("/v1/loadTests", kSpec, "application/json");
  EXPECT_EQ(put->status, 405);
  EXPECT_EQ(put->get_header_value("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(client_->Get("/v1/loadTests/a:stop")->get_header_value("Allow"), "POST");
  EXPECT_EQ(client_->Options("/healthz")->status, 405);
}

TEST_F(RestServerTest, HeadIsGetWithoutTheBody) {
  const auto get = client_->Get("/healthz");
  const auto head = client_->Head("/healthz");
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->get_header_value("Content-Length"), get->get_header_value("Content-Length"));
  EXPECT_EQ(client_->Head("/v1/loadTests/none")->status, 404);
}

TEST_F(RestServerTest, BodyThatIsNotJsonIsUnsupported) {
  const Error error = ErrorOf(Post("/v1/loadTests", kSpec, "application/x-www-form-urlencoded"));
  EXPECT_EQ(error.http_code, 415);
  EXPECT_EQ(error.message,
            "Content-Type: got \"application/x-www-form-urlencoded\", want application/json");
  EXPECT_EQ(Post("/v1/loadTests", kSpec, "application/json; charset=utf-8")->status, 200);
}

TEST_F(RestServerTest, PagesOfOtherSitesAreForbidden) {
  const httplib::Headers foreign = {{"Origin", "http://evil.example"}};
  EXPECT_EQ(client_->Post("/v1/loadTests", foreign, kSpec, "application/json")->status, 403);
  EXPECT_EQ(client_->Get("/v1/drivers", {{"Host", "evil.example"}})->status, 403);
}

TEST_F(RestServerTest, LargeSpecIsAccepted) {
  // 4 MiB in base64: "AAAA" is three zero bytes.
  std::string spec = R"({"request": {"url": "http://127.0.0.1:8081/", "body": ")";
  spec.append((4 << 20) / 3 * 4, 'A');
  spec += "\"}}";
  client_->set_read_timeout(30);
  const auto checked = Post("/v1/loadTests?validate_only=true", spec);
  ASSERT_TRUE(checked) << httplib::to_string(checked.error());
  EXPECT_EQ(checked->status, 200) << checked->body.substr(0, 200);
}

TEST_F(RestServerTest, TakenPortIsAClearError) {
  EXPECT_EQ(RestServer::Start(absl::StrFormat("127.0.0.1:%d", server_->port()), fake_).status(),
            absl::UnavailableError(absl::StrFormat("orchestrator.http_address: cannot listen on "
                                                   "127.0.0.1:%d: Address already in use",
                                                   server_->port())));
}

TEST_F(RestServerTest, AddressThatIsNotLoopbackIsRefused) {
  EXPECT_EQ(RestServer::Start("0.0.0.0:0", fake_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RestServerTest, PortIsFreeAfterStop) {
  const std::string address = absl::StrFormat("127.0.0.1:%d", server_->port());
  ASSERT_EQ(client_->Get("/healthz")->status, 200);
  server_->Stop();
  EXPECT_FALSE(client_->Get("/healthz"));
  const auto again = RestServer::Start(address, fake_);
  EXPECT_TRUE(again.ok()) << again.status();
}

}  // namespace
}  // namespace loadtest
