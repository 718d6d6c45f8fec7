#include "target/target_server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "target/raw_client.h"

namespace loadtest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::unique_ptr<TargetServer> StartTarget(int max_connections = 4'096) {
  auto server = TargetServer::Start({.port = 0, .max_connections = max_connections});
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

milliseconds Since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find("\r\n")); }

std::string BodyOf(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

// The whole response to one request on a connection of its own.
std::string Fetch(const TargetServer& server, const std::string& target) {
  RawClient client(server.port());
  client.Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return client.ReadToEnd();
}

nlohmann::json Metrics(const TargetServer& server) {
  return nlohmann::json::parse(BodyOf(Fetch(server, "/metrics?format=json")));
}

// Whether `condition` comes true within ten seconds.
bool Await(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

TEST(TargetServer, PingIsAnsweredWithPong) {
  const auto server = StartTarget();
  const std::string response = Fetch(*server, "/ping");
  EXPECT_EQ(FirstLine(response), "HTTP/1.1 200 OK");
  EXPECT_EQ(BodyOf(response), "pong");
}

TEST(TargetServer, ServesBothLoopbackAddresses) {
  const auto server = StartTarget();
  const std::string port = std::to_string(server->port());
  EXPECT_EQ(server->missing(), "");
  EXPECT_EQ(server->addresses(), (std::vector<std::string>{"127.0.0.1:" + port, "[::1]:" + port}));
}

TEST(TargetServer, ATakenPortIsAnErrorThatNamesItAndTheWayOut) {
  const auto server = StartTarget();
  const auto second = TargetServer::Start({.port = server->port()});
  EXPECT_EQ(second.status().message(),
            absl::StrFormat("cannot listen on 127.0.0.1:%d: another program listens there; want a "
                            "free port (--port, or target.port in config.json)",
                            server->port()));
}

TEST(TargetServer, AConnectionServesManyRequests) {
  const auto server = StartTarget();
  RawClient client(server->port());
  for (int i = 0; i < 20; ++i) {
    client.Get("/ping");
    ASSERT_EQ(FirstLine(client.ReadThrough("pong")), "HTTP/1.1 200 OK") << "request " << i;
  }
}

TEST(TargetServer, PipelinedRequestsAreAllAnswered) {
  const auto server = StartTarget();
  RawClient client(server->port());
  const std::string request = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.Send(request + request + request);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(BodyOf(client.ReadThrough("pong")), "pong");
}

TEST(TargetServer, ARequestWithABodyLeavesTheConnectionUsable) {
  const auto server = StartTarget();
  RawClient client(server->port());
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS"}) {
    client.Send(method + " /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    ASSERT_EQ(BodyOf(client.ReadThrough("pong")), "pong") << method;
  }
}

TEST(TargetServer, AChunkedBodyIsRead) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Send("POST /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadThrough("pong")), "pong");
}

TEST(TargetServer, ABodyIsAskedForWhenTheClientWaitsForThat) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Send(
      "POST /ping HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(FirstLine(client.ReadThrough("\r\n\r\n")), "HTTP/1.1 100 Continue");
  client.Send("ok");
  EXPECT_EQ(BodyOf(client.ReadThrough("pong")), "pong");
}

TEST(TargetServer, DelayAnswersAfterTheTimeAskedFor) {
  const auto server = StartTarget();
  const auto start = steady_clock::now();
  EXPECT_EQ(BodyOf(Fetch(*server, "/delay/50")), "answered after 50 ms\n");
  EXPECT_GE(Since(start), milliseconds(50));
}

TEST(TargetServer, StatusAnswersWithTheCodeAskedFor) {
  const auto server = StartTarget();
  EXPECT_EQ(FirstLine(Fetch(*server, "/status/503")), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(BodyOf(Fetch(*server, "/status/204")), "");
}

TEST(TargetServer, BytesAnswersWithSoManyBytes) {
  const auto server = StartTarget();
  EXPECT_EQ(BodyOf(Fetch(*server, "/bytes/0")).size(), 0u);
  EXPECT_EQ(BodyOf(Fetch(*server, "/bytes/1")).size(), 1u);
  EXPECT_EQ(BodyOf(Fetch(*server, "/bytes/1000000")).size(), 1'000'000u);
}

TEST(TargetServer, HeadSaysTheLengthWithoutTheBody) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Send("HEAD /bytes/1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string response = client.ReadToEnd();
  EXPECT_NE(response.find("Content-Length: 1000\r\n"), std::string::npos) << response;
  EXPECT_EQ(BodyOf(response), "");
}

TEST(TargetServer, StreamAnswersInChunks) {
  const auto server = StartTarget();
  const std::string response = Fetch(*server, "/stream/2?size=3");
  EXPECT_NE(response.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << response;
  EXPECT_EQ(BodyOf(response), "3\r\nxxx\r\n3\r\nxxx\r\n0\r\n\r\n");
}

TEST(TargetServer, AChunkIsSentBeforeTheTimeToTheNextOneBegins) {
  const auto server = StartTarget();
  RawClient client(server->port());
  const auto start = steady_clock::now();
  client.Get("/stream/2?size=3&interval=1000");
  client.ReadThrough("xxx\r\n");
  EXPECT_LT(Since(start), milliseconds(900));
  client.ReadThrough("0\r\n\r\n");
  EXPECT_GE(Since(start), milliseconds(1'000));
}

TEST(TargetServer, CloseEndsTheConnectionWithoutAByte) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Get("/close");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST(TargetServer, StallIsReceivedAndNeverAnswered) {
  const auto server = StartTarget();
  {
    RawClient client(server->port());
    client.Get("/stall");
    const auto stall = [&] { return Metrics(*server)["endpoints"]["stall"]; };
    EXPECT_TRUE(Await([&] { return stall()["requests_received"] == 1; }));
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_EQ(stall()["responses_sent"], 0);
  }
  // The client went: its thread is free again, only that of the request for the metrics is there.
  EXPECT_TRUE(Await([&] { return Metrics(*server)["connections"]["open"] == 1; }));
}

TEST(TargetServer, FlakyFollowsTheSequenceOfItsSeed) {
  const auto server = StartTarget();
  FlakySequence expected;
  for (int i = 0; i < 10; ++i) {
    const bool fails = expected.Next(5, 30) == FlakySequence::Fate::kFails;
    EXPECT_EQ(FirstLine(Fetch(*server, "/flaky/30?seed=5")),
              fails ? "HTTP/1.1 500 Internal Server Error" : "HTTP/1.1 200 OK");
  }
}

TEST(TargetServer, AWrongParameterIsNamedWithWhatWasWanted) {
  const auto server = StartTarget();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/delay/soon", "/delay/{ms}: got \"soon\", want milliseconds from 0 to 3600000\n"},
      {"/delay", "/delay/{ms}: got \"\", want milliseconds from 0 to 3600000\n"},
      {"/delay/nan", "/delay/{ms}: got \"nan\", want milliseconds from 0 to 3600000\n"},
      {"/status/199", "/status/{code}: got \"199\", want a status from 200 to 599\n"},
      {"/bytes/-1", "/bytes/{n}: got \"-1\", want a number of bytes from 0 to 1073741824\n"},
      {"/stream/0", "/stream/{n}: got \"0\", want a number of chunks from 1 to 1000000\n"},
      {"/stream/1?size=0", "size: got \"0\", want bytes a chunk from 1 to 1048576\n"},
      {"/flaky/101", "/flaky/{percent}: got \"101\", want a percentage from 0 to 100\n"},
      {"/flaky/1?seed=x", "seed: got \"x\", want a whole number from 0 to 2^64 - 1\n"},
      {"/metrics?format=xml", "format: got \"xml\", want json or prometheus\n"},
  };
  for (const auto& [target, wanted] : cases) {
    const std::string response = Fetch(*server, target);
    EXPECT_EQ(FirstLine(response), "HTTP/1.1 400 Bad Request") << target;
    EXPECT_EQ(BodyOf(response), wanted);
  }
}

TEST(TargetServer, ALongPathIsNotFoundAndHarmsNobody) {
  const auto server = StartTarget();
  const std::string path = "/" + std::string(8'000, 'a');
  EXPECT_EQ(FirstLine(Fetch(*server, path)), "HTTP/1.1 404 Not Found");
}

TEST(TargetServer, ALongRangeHeaderHarmsNobody) {
  const auto server = StartTarget();
  RawClient client(server->port());
  std::string ranges = "1-2";
  while (ranges.size() < 8'150) ranges += ",1-2";
  client.Send("GET /bytes/10 HTTP/1.1\r\nHost: x\r\nRange: bytes=" + ranges + "\r\n\r\n");
  EXPECT_EQ(FirstLine(client.ReadThrough("\r\n")), "HTTP/1.1 200 OK");
}

TEST(TargetServer, WhatIsNoRequestIsRefusedAndCountedApart) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Send("no request at all\r\n\r\n");
  EXPECT_EQ(FirstLine(client.ReadToEnd()), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(Metrics(*server)["malformed_requests"], 1);
  EXPECT_EQ(Metrics(*server)["requests_received"], 0);
}

TEST(TargetServer, AReadResponseIsAlreadyCounted) {
  const auto server = StartTarget();
  RawClient client(server->port());
  for (int i = 1; i <= 50; ++i) {
    client.Get("/ping");
    client.ReadThrough("pong");
    const nlohmann::json metrics = Metrics(*server);
    ASSERT_EQ(metrics["requests_received"], i);
    ASSERT_EQ(metrics["responses_sent"], i);
  }
}

TEST(TargetServer, MetricsAreJsonForWhoAcceptsJson) {
  const auto server = StartTarget();
  RawClient client(server->port());
  client.Send(
      "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadToEnd()).front(), '{');
  EXPECT_EQ(BodyOf(Fetch(*server, "/metrics")).front(), '#');
}

TEST(TargetServer, AThousandConnectionsAtOnceAreAllAnsweredWithoutDelay) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_GE(limit.rlim_cur, 2'100u) << "both ends of the connections are in this process";

  const auto server = StartTarget();
  const auto start = steady_clock::now();
  std::vector<RawClient> clients;
  for (int i = 0; i < 1'000; ++i) clients.emplace_back(server->port());
  for (int round = 0; round < 2; ++round) {
    for (const RawClient& client : clients) client.Get("/ping");
    for (const RawClient& client : clients) {
      ASSERT_EQ(BodyOf(client.ReadThrough("pong")), "pong");
    }
  }
  // A connection that finds the listening queue full is tried again by TCP after 1, 2, 4 ...
  // seconds.
  EXPECT_LT(Since(start), milliseconds(3'000));
}

TEST(TargetServer, AConnectionTooManyIsToldSoAtOnceAndOthersAreServed) {
  const auto server = StartTarget(2);
  RawClient first(server->port()), second(server->port());
  first.Get("/ping");
  second.Get("/ping");
  EXPECT_EQ(BodyOf(first.ReadThrough("pong")), "pong");
  EXPECT_EQ(BodyOf(second.ReadThrough("pong")), "pong");

  const auto start = steady_clock::now();
  RawClient third(server->port());
  third.Get("/ping");
  const std::string response = third.ReadToEnd();
  EXPECT_LT(Since(start), milliseconds(900));
  EXPECT_EQ(FirstLine(response), "HTTP/1.1 503 Service Unavailable");
  EXPECT_NE(response.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(BodyOf(response),
            "target: as many connections as target.max_connections allows are open");

  first.Get("/ping");
  EXPECT_EQ(BodyOf(first.ReadThrough("pong")), "pong");
}

TEST(TargetServer, ARefusedConnectionThatSaysNothingIsClosedAsWell) {
  const auto server = StartTarget(1);
  RawClient first(server->port());
  first.Get("/ping");
  first.ReadThrough("pong");
  RawClient silent(server->port());
  EXPECT_EQ(FirstLine(silent.ReadToEnd()), "HTTP/1.1 503 Service Unavailable");
}

TEST(TargetServer, StopsAtOnceWhateverItsConnectionsWaitFor) {
  auto server = StartTarget();
  RawClient idle(server->port()), stalled(server->port()), delayed(server->port());
  stalled.Get("/stall");
  delayed.Get("/delay/60000");
  EXPECT_TRUE(Await([&] { return Metrics(*server)["requests_received"] == 2; }));
  const auto start = steady_clock::now();
  server.reset();
  EXPECT_LT(Since(start), milliseconds(3'000));
  EXPECT_EQ(stalled.ReadToEnd(), "");
}

}  // namespace
}  // namespace loadtest
