// What the REST door does with clients that are slow, greedy or do not speak HTTP: bytes on a
// socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/api/rest_server.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"
#include "tests/server/api/raw_client.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kGetHealth[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

class RestLimitsTest : public testing::Test {
 protected:
  RestLimitsTest() { Start({}); }

  void Start(const RestOptions& options) {
    server_ = nullptr;
    auto server = RestServer::Start("127.0.0.1:0", fake_, options);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // The whole answer to `bytes`, which must make the server close.
  std::string Exchange(const std::string& bytes) {
    RawClient client(server_->port());
    client.Send(bytes);
    std::string answer = client.ReadToEnd();
    EXPECT_TRUE(client.closed());
    return answer;
  }

  // A request that creates, with `headers` and `body` as they are.
  static std::string Create(const std::string& headers, const std::string& body) {
    return "POST /v1/loadTests?validate_only=true HTTP/1.1\r\nHost: localhost\r\n"
           "Content-Type: application/json\r\nConnection: close\r\n" +
           headers + "\r\n" + body;
  }

  FakeControlPlane fake_;
  std::unique_ptr<RestServer> server_;
};

TEST_F(RestLimitsTest, NonsenseIsABadRequest) {
  EXPECT_THAT(Exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange("GET /healthz HTTP/9.9\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(RestLimitsTest, RequestNeedsExactlyOneHost) {
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
              HasSubstr("Host: got none"));
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
                       "Connection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(RestLimitsTest, HugeHeaderIsRefused) {
  const std::string huge(200'000, 'x');
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + huge + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Exchange("GET /" + huge + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(RestLimitsTest, AnnouncedBodyOverTheLimitIsRefusedBeforeItComes) {
  EXPECT_THAT(Exchange(Create("Content-Length: 94371841\r\n", "")), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Exchange(Create("Content-Length: 99999999999999\r\n", "")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"),
              HasSubstr("body: got 1 bytes, want at most 0"));
}

TEST_F(RestLimitsTest, ChunkedBodyIsRead) {
  const std::string answer = Exchange(
      Create("Transfer-Encoding: chunked\r\n",
             "2d\r\n{\"request\": {\"url\": \"http://127.0.0.1:8081/\"}\r\n1\r\n}\r\n0\r\n\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("http://127.0.0.1:8081/"));
}

TEST_F(RestLimitsTest, ChunkedBodyOverTheLimitIsRefused) {
  const std::string chunk = "10000\r\n" + std::string(65'536, ' ') + "\r\n";
  const std::string answer = Exchange(
      "POST /v1/loadTests/a:stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
      chunk + chunk + "0\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
}

TEST_F(RestLimitsTest, LengthsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(Exchange(Create("Content-Length: 2\r\nContent-Length: 3\r\n", "{}")),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange(Create("Content-Length: abc\r\n", "{}")), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Exchange(Create("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(RestLimitsTest, ClientThatAsksBeforeItsBodyIsToldToGoOn) {
  RawClient client(server_->port());
  client.Send(Create("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("{}");
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("spec.request.url"));
}

TEST_F(RestLimitsTest, PipelinedRequestsAreAnsweredInOrder) {
  fake_.AddTest(SampleTest("first", v1::LoadTest::RUNNING));
  const std::string answer = Exchange(
      "GET /v1/loadTests/first HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /v1/loadTests/second HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const size_t first = answer.find("HTTP/1.1 200 ");
  const size_t second = answer.find("HTTP/1.1 404 ");
  const size_t third = answer.find("ok\n");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(RestLimitsTest, ConnectionIsKeptForTheNextRequest) {
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) client.Send(kGetHealth);
  client.ReadUntil("never", std::chrono::milliseconds(50));
  EXPECT_FALSE(client.closed());
}

TEST_F(RestLimitsTest, ClientOfHttp10IsAnsweredAndClosed) {
  const std::string answer = Exchange("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("ok\n"));
}

TEST_F(RestLimitsTest, SlowClientIsClosedAndHoldsUpNobody) {
  Start({.io_timeout = std::chrono::milliseconds(200)});
  RawClient slow_head(server_->port());
  slow_head.Send("GET /healthz HTT");
  RawClient slow_body(server_->port());
  slow_body.Send(Create("Content-Length: 100\r\n", "{"));
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              HasSubstr("ok\n"));
  EXPECT_EQ(slow_head.ReadToEnd(), "");
  EXPECT_TRUE(slow_head.closed());
  EXPECT_EQ(slow_body.ReadToEnd(), "");
  EXPECT_TRUE(slow_body.closed());
}

TEST_F(RestLimitsTest, ClientThatNeverReadsItsAnswersIsClosed) {
  Start({.io_timeout = std::chrono::milliseconds(200)});
  v1::Report report;
  *report.mutable_load_test() = SampleTest("a", v1::LoadTest::SUCCEEDED);
  report.mutable_load_test()->set_state_reason(std::string(12 << 20, 'x'));
  fake_.SetReport(report);
  RawClient deaf(server_->port());
  deaf.Send("GET /v1/loadTests/a/report HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // Stop waits for the response under way: it returns early because the write has timed out.
  const auto begin = std::chrono::steady_clock::now();
  deaf.ReadUntil("HTTP/1.1 200");
  server_->Stop(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(RestLimitsTest, MissingReplyIsATimeOut) {
  Start({.reply_timeout = std::chrono::milliseconds(50)});
  fake_.StopReplying();
  const std::string answer =
      Exchange("GET /v1/drivers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 504 "));
  EXPECT_THAT(answer, HasSubstr("DEADLINE_EXCEEDED"));
}

TEST_F(RestLimitsTest, OneConnectionTooManyIsToldSo) {
  Start({.max_connections = 4});
  fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send("GET /v1/loadTests/a:watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(clients.back()->ReadUntil("\n\n"), HasSubstr("event: update"));
  }
  RawClient refused(server_->port());
  const std::string answer = refused.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("connections: got one more than 4, want at most 4 at once"));
}

TEST_F(RestLimitsTest, ClientsThatAskNothingGiveWayToOneThatDoes) {
  Start({.max_connections = 8});
  fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  RawClient watcher(server_->port());
  watcher.Send("GET /v1/loadTests/a:watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(watcher.ReadUntil("\n\n"), HasSubstr("event: update"));
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int i = 0; i < 100; ++i) {
    half_open.push_back(std::make_unique<RawClient>(server_->port()));
    if (i % 2 == 0) half_open.back()->Send("GET /healthz HTTP/1.1\r\nHost: loc");
  }
  EXPECT_THAT(Exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  half_open[0]->ReadToEnd();
  EXPECT_TRUE(half_open[0]->closed()) << "the one that has waited longest";
  fake_.Publish("loadTests/a", SampleUpdate(0.25));
  EXPECT_THAT(watcher.ReadUntil("0.25"), HasSubstr("0.25")) << "it had something under way";
}

TEST_F(RestLimitsTest, StopClosesIdleConnectionsAtOnce) {
  RawClient idle(server_->port());
  idle.Send(kGetHealth);
  idle.ReadUntil("ok\n");
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop(std::chrono::seconds(10));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  idle.ReadToEnd();
  EXPECT_TRUE(idle.closed());
}

TEST_F(RestLimitsTest, StopDoesNotWaitForeverForAReply) {
  fake_.StopReplying();
  RawClient waiting(server_->port());
  waiting.Send("GET /v1/drivers HTTP/1.1\r\nHost: localhost\r\n\r\n");
  fake_.WaitForUnansweredCall();
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop(std::chrono::milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

}  // namespace
}  // namespace loadtest
