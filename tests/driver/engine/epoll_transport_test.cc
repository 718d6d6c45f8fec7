// The engine on real sockets: load loop and epoll against a server in this process. Nothing here
// depends on how fast the machine is.
#include "driver/engine/epoll_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/measure/measurements.h"
#include "driver/engine/http1_client.h"
#include "driver/engine/load_loop.h"
#include "tests/driver/loopback_server.h"

namespace loadtest {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    plan_.request_bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    plan_.connections = 4;
    plan_.max_connections = 4;
    plan_.connect_timeout_ns = plan_.request_timeout_ns = plan_.drain_timeout_ns =
        60 * kNanosPerSecond;
    plan_.metrics_interval_ns = kNanosPerSecond;
  }

  v1::Measurements Run(int port) {
    const absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve("127.0.0.1", port);
    EXPECT_TRUE(addresses.ok()) << addresses.status();
    plan_.addresses = {(*addresses)[0].text};
    SystemClock clock;
    auto transport = EpollTransport::Create(*addresses, plan_.max_connections, clock);
    EXPECT_TRUE(transport.ok()) << transport.status();
    plan_.start = {clock.Now().ns + 20 * kNanosPerMilli};
    RunControl control;
    IntervalChannel intervals;
    Http1Client http({.bytes = plan_.request_bytes, .is_head = plan_.is_head},
                     plan_.max_connections, **transport);
    LoadLoop(plan_, clock, http, control, intervals).Run();
    MeasurementSum sum;
    while (std::unique_ptr<IntervalStats> stats = intervals.Take()) {
      v1::MetricsReport report;
      stats->ToReport(report);
      EXPECT_TRUE(CheckMeasurements(report.measurements()).ok());
      EXPECT_TRUE(sum.Add(report.measurements()).ok());
    }
    return sum.ToProto();
  }

  // `requests` requests in a closed loop against a server that gives this answer to each.
  v1::Measurements RunAgainst(const std::string& bytes, bool close, int requests = 100) {
    LoopbackServer server(
        [&](int) { return LoopbackServer::Reply{.bytes = bytes, .close = close}; });
    plan_.sends = SendPlan::ClosedLoop({.requests = requests});
    const v1::Measurements result = Run(server.port());
    EXPECT_EQ(server.requests(), result.counts().sent());
    return result;
  }

  LoadPlan plan_;
};

TEST_F(EngineTest, AvalancheCountsWhatTheServerCounts) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  plan_.sends = SendPlan::ClosedLoop({.requests = 5000});
  const v1::Measurements result = Run(server.port());
  EXPECT_EQ(result.counts().sent(), 5000);
  EXPECT_EQ(result.counts().completed(), 5000);
  EXPECT_EQ(server.requests(), 5000);
  EXPECT_EQ(server.connections(), 4);
  EXPECT_EQ(result.bytes_received(), 5000 * 40);
  EXPECT_GT(result.service_time().min_ns(), 0);
}

TEST_F(EngineTest, TsunamiSendsEveryRequestNotBeforeItIsDue) {
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  plan_.sends = SendPlan::OpenLoop(Schedule::EveryDelay(kNanosPerMilli), Slot(), {.requests = 200});
  plan_.max_connections = 64;
  const v1::Measurements result = Run(server.port());
  EXPECT_EQ(result.counts().completed(), 200);
  EXPECT_EQ(server.requests(), 200);
  EXPECT_GE(result.measured_ns(), 199 * kNanosPerMilli);
}

TEST_F(EngineTest, CloseDelimitedBodies) {
  const v1::Measurements result = RunAgainst("HTTP/1.0 200 OK\r\n\r\nbody", /*close=*/true);
  EXPECT_EQ(result.counts().completed(), 100);
  // The four at the start, and one for each request but the last ones.
  EXPECT_GE(result.connects(), 97);
}

TEST_F(EngineTest, ChunkedBodies) {
  const v1::Measurements result =
      RunAgainst("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                 /*close=*/false);
  EXPECT_EQ(result.counts().completed(), 100);
  EXPECT_EQ(result.connects(), 4);
}

TEST_F(EngineTest, BodiesLargerThanTheReadBuffer) {
  const std::string body(300'000, 'x');
  const v1::Measurements result = RunAgainst(
      absl::StrFormat("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body.size(), body), false,
      20);
  EXPECT_EQ(result.counts().completed(), 20);
}

TEST_F(EngineTest, AServerThatLimitsRequestsOnAConnectionLosesNone) {
  const auto answer = [](int request) {
    if (request % 10 != 9) return LoopbackServer::Reply{.bytes = kOk};
    return LoopbackServer::Reply{
        .bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        .close = true};
  };
  LoopbackServer server(answer);
  plan_.sends = SendPlan::ClosedLoop({.requests = 500});
  const v1::Measurements result = Run(server.port());
  EXPECT_EQ(result.counts().completed(), 500);
  EXPECT_EQ(result.counts().failed(), 0);
}

TEST_F(EngineTest, AServerThatClosesInsteadOfAnswering) {
  const v1::Measurements result = RunAgainst("", /*close=*/true);
  EXPECT_EQ(result.counts().completed(), 0);
  EXPECT_EQ(result.counts().failed(), 100);
}

TEST_F(EngineTest, ARefusedPortDropsEveryRequest) {
  plan_.sends = SendPlan::OpenLoop(Schedule::EveryDelay(kNanosPerMilli), Slot(), {.requests = 50});
  plan_.max_connections = 64;
  const v1::Measurements result = Run(UnusedPort());
  EXPECT_EQ(result.counts().sent(), 0);
  EXPECT_EQ(result.counts().dropped(), 50);
  ASSERT_EQ(result.errors_size(), 1);
  EXPECT_EQ(result.errors(0).kind(), v1::CONNECT_REFUSED);
}

TEST_F(EngineTest, AStalledServerAbandonsWhatIsInFlight) {
  plan_.drain_timeout_ns = 50 * kNanosPerMilli;
  plan_.sends = SendPlan::ClosedLoop({.requests = 4});
  LoopbackServer server([](int) { return LoopbackServer::Reply{}; });
  const v1::Measurements result = Run(server.port());
  EXPECT_EQ(result.counts().sent(), 4);
  EXPECT_EQ(result.counts().abandoned(), 4);
}

TEST_F(EngineTest, ARequestLargerThanTheKernelsBufferIsSentWhole) {
  // Its body looks like nothing that ends a request, so the server counts it once.
  plan_.request_bytes = "POST / HTTP/1.1\r\nX: " + std::string(20'000'000, 'x') + "\r\n\r\n";
  plan_.connections = plan_.max_connections = 1;
  plan_.sends = SendPlan::ClosedLoop({.requests = 1});
  LoopbackServer server([](int) { return LoopbackServer::Reply{.bytes = kOk}; });
  const v1::Measurements result = Run(server.port());
  EXPECT_EQ(result.counts().completed(), 1);
  EXPECT_EQ(result.bytes_sent(), static_cast<int64_t>(plan_.request_bytes.size()));
  EXPECT_EQ(server.requests(), 1);
}

TEST(ResolveTest, AnUnknownNameIsAnErrorThatNamesIt) {
  const auto addresses = Resolve("nowhere.invalid", 80);
  ASSERT_FALSE(addresses.ok());
  EXPECT_EQ(std::string(addresses.status().message()).rfind("resolve \"nowhere.invalid\": ", 0), 0u)
      << addresses.status();
}

TEST(ResolveTest, AddressesNeedNoNameServer) {
  EXPECT_EQ((*Resolve("127.0.0.1", 80))[0].text, "127.0.0.1:80");
  EXPECT_EQ((*Resolve("::1", 8081))[0].text, "[::1]:8081");
  EXPECT_EQ((*Resolve("::1", 8081))[0].ip, "::1");
}

TEST(EpollTransportTest, ConnectionsComeFromTheSourcesInTurn) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const auto target = Resolve("127.0.0.1", ntohs(address.sin_port));
  const auto first = Resolve("127.0.0.2", 0);
  const auto second = Resolve("127.0.0.3", 0);
  ASSERT_TRUE(target.ok() && first.ok() && second.ok());
  SystemClock clock;
  auto transport = EpollTransport::Create(*target, 4, clock, {(*first)[0], (*second)[0]});
  ASSERT_TRUE(transport.ok());
  std::vector<std::string> peers;
  for (int connection = 0; connection < 4; ++connection) {
    ASSERT_EQ((*transport)->Connect(connection, 0), 0);
    sockaddr_in peer = {};
    size = sizeof(peer);
    const int fd = accept(listener, reinterpret_cast<sockaddr*>(&peer), &size);
    char text[INET_ADDRSTRLEN] = "";
    peers.emplace_back(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text)));
    close(fd);
  }
  close(listener);
  EXPECT_EQ(peers, (std::vector<std::string>{"127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"}));
}

}  // namespace
}  // namespace loadtest
