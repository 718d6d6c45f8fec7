// Real sockets, and a server that breaks off at every stage of an answer.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/time.h"
#include "common/measure/measurements.h"
#include "driver/engine/epoll_transport.h"
#include "driver/engine/http1_client.h"
#include "driver/engine/interval_channel.h"
#include "driver/engine/load_loop.h"
#include "driver/engine/socket_address.h"

namespace loadtest {
namespace {

enum class Then { kClose, kReset, kStall, kGoOn };

struct Hostility {
  std::string name;
  std::string bytes;  // said after the request was read
  Then then = Then::kClose;
  v1::ErrorKind kind = v1::ERROR_KIND_UNSPECIFIED;
  std::string words = {};  // of the example
};

void PrintTo(const Hostility& hostility, std::ostream* out) { *out << hostility.name; }

// Treats each connection the same way, one after the other, and keeps stalled ones until its end.
class HostileServer {
 public:
  explicit HostileServer(Hostility hostility) : hostility_(std::move(hostility)) {
    listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listen_fd_, 64), 0);
    socklen_t size = sizeof(address);
    getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HostileServer() {
    stop_ = true;
    thread_.join();
    for (const int fd : stalled_) close(fd);
    close(listen_fd_);
  }
  int port() const { return port_; }

 private:
  void Serve() {
    while (!stop_) {
      pollfd waiting = {.fd = listen_fd_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 10) <= 0) continue;
      const int fd = accept(listen_fd_, nullptr, nullptr);
      if (fd < 0) continue;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
        if (poll(&readable, 1, 500) <= 0) break;
        const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
        if (size <= 0) break;
        request.append(buffer, static_cast<size_t>(size));
      }
      send(fd, hostility_.bytes.data(), hostility_.bytes.size(), MSG_NOSIGNAL);
      Finish(fd);
    }
  }

  void Finish(int fd) {
    if (hostility_.then == Then::kStall) {
      stalled_.push_back(fd);
      return;
    }
    if (hostility_.then == Then::kGoOn) {
      const std::string more = "X-More: " + std::string(1000, 'x') + "\r\n";
      while (!stop_ && send(fd, more.data(), more.size(), MSG_NOSIGNAL) > 0) {
      }
    }
    if (hostility_.then == Then::kReset) {
      // What was said has to arrive first.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const linger now = {.l_onoff = 1, .l_linger = 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(fd);
  }

  const Hostility hostility_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<int> stalled_;
  std::thread thread_;
};

class HostileServerTest : public ::testing::TestWithParam<Hostility> {};

TEST_P(HostileServerTest, EachRequestIsCountedOnceWithItsReason) {
  const Hostility& hostility = GetParam();
  HostileServer server(hostility);
  const absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve("127.0.0.1", server.port());
  ASSERT_TRUE(addresses.ok());
  SystemClock clock;
  LoadPlan plan;
  plan.sends = SendPlan::ClosedLoop({.requests = 4});
  plan.connections = plan.max_connections = 1;
  plan.connect_timeout_ns = kNanosPerSecond;
  plan.request_timeout_ns = 150 * kNanosPerMilli;
  plan.drain_timeout_ns = 500 * kNanosPerMilli;
  plan.metrics_interval_ns = 3600 * kNanosPerSecond;
  plan.addresses = {(*addresses)[0].text};
  plan.start = {clock.Now().ns + 10 * kNanosPerMilli};
  auto transport = EpollTransport::Create(*addresses, 1, clock);
  ASSERT_TRUE(transport.ok());
  Http1Client http({.bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"}, 1, **transport);
  RunControl control;
  IntervalChannel intervals;
  LoadLoop(plan, clock, http, control, intervals).Run();
  const std::unique_ptr<IntervalStats> stats = intervals.Take();
  ASSERT_NE(stats, nullptr);
  v1::MetricsReport report;
  stats->ToReport(report);
  const v1::Measurements& m = report.measurements();
  EXPECT_TRUE(CheckMeasurements(m).ok()) << CheckMeasurements(m);
  EXPECT_EQ(m.counts().due(), 4);
  EXPECT_EQ(m.counts().sent(), m.counts().completed() + m.counts().failed());
  if (hostility.kind == v1::ERROR_KIND_UNSPECIFIED) {
    EXPECT_EQ(m.counts().completed(), 4);
    return;
  }
  EXPECT_EQ(m.counts().failed(), 4);
  ASSERT_EQ(m.errors_size(), 1);
  EXPECT_EQ(m.errors(0).kind(), hostility.kind) << v1::ErrorKind_Name(m.errors(0).kind());
  EXPECT_NE(m.errors(0).example().find(hostility.words), std::string::npos)
      << m.errors(0).example();
  EXPECT_NE(m.errors(0).example().find(plan.addresses[0]), std::string::npos)
      << m.errors(0).example();
}

constexpr char kHead[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Stages, HostileServerTest,
    ::testing::Values(
        Hostility{"CloseBeforeTheAnswer", "", Then::kClose, v1::CLOSED_BEFORE_RESPONSE,
                  "before the first byte"},
        Hostility{"CloseInTheStatusLine", "HTTP/1.1 2", Then::kClose, v1::CLOSED_IN_RESPONSE,
                  "in the middle"},
        Hostility{"CloseInTheHeader", "HTTP/1.1 200 OK\r\nContent-", Then::kClose,
                  v1::CLOSED_IN_RESPONSE, "in the middle"},
        Hostility{"CloseInTheBody", std::string(kHead) + "five!", Then::kClose,
                  v1::CLOSED_IN_RESPONSE, "in the middle"},
        Hostility{"CloseInAChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                  Then::kClose, v1::CLOSED_IN_RESPONSE, "in the middle"},
        Hostility{"CloseAfterTheAnswer",
                  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                  Then::kClose},
        Hostility{"ResetBeforeTheAnswer", "", Then::kReset, v1::CONNECTION_RESET, "reset by peer"},
        Hostility{"ResetInTheStatusLine", "HTTP/1.1 2", Then::kReset, v1::CONNECTION_RESET,
                  "reset by peer"},
        Hostility{"ResetInTheHeader", "HTTP/1.1 200 OK\r\nContent-", Then::kReset,
                  v1::CONNECTION_RESET, "reset by peer"},
        Hostility{"ResetInTheBody", std::string(kHead) + "five!", Then::kReset,
                  v1::CONNECTION_RESET, "reset by peer"},
        Hostility{"StallBeforeTheAnswer", "", Then::kStall, v1::REQUEST_TIMEOUT,
                  "no whole response within 150ms"},
        Hostility{"StallInTheHeader", "HTTP/1.1 200 OK\r\nContent-", Then::kStall,
                  v1::REQUEST_TIMEOUT, "no whole response within 150ms"},
        Hostility{"StallInTheBody", std::string(kHead) + "five!", Then::kStall, v1::REQUEST_TIMEOUT,
                  "no whole response within 150ms"},
        Hostility{"Garbage", "SSH-2.0-OpenSSH_9.2p1\r\n", Then::kStall, v1::MALFORMED_RESPONSE,
                  "SSH-2.0-OpenSSH_9.2p1"},
        Hostility{"TwoLengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  Then::kStall, v1::MALFORMED_RESPONSE, "the same length as before"},
        Hostility{"EndlessHeader", "HTTP/1.1 200 OK\r\n", Then::kGoOn, v1::HEADER_TOO_LARGE,
                  "65536 bytes"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace loadtest
