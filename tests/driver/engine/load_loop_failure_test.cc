// What goes wrong with single requests, and how it is counted.
#include "tests/driver/engine/load_loop_fixture.h"

namespace loadtest {
namespace {

using Reply = SimulatedTransport::Reply;

class RequestFailureTest : public LoadLoopTest {
 protected:
  RequestFailureTest() {
    plan_.connections = plan_.max_connections = 1;
    plan_.sends = SendPlan::ClosedLoop({.requests = 2});
  }

  // The first request gets this reply, the second a good one.
  void FirstReply(Reply reply) {
    transport_.reply = [reply](int request) { return request == 0 ? reply : Reply(); };
  }
};

TEST_F(RequestFailureTest, ClosedBeforeTheResponse) {
  FirstReply({.bytes = "", .close = true});
  Run();
  EXPECT_EQ(counts().failed(), 1);
  EXPECT_EQ(counts().completed(), 1);
  EXPECT_EQ(ErrorsOf(v1::CLOSED_BEFORE_RESPONSE), 1);
  EXPECT_EQ(ExampleOf(v1::CLOSED_BEFORE_RESPONSE),
            "127.0.0.1:80: closed before the first byte of the response");
  // It is not sent again: two requests were asked for, and two were sent.
  EXPECT_EQ(transport_.send_times.size(), 2u);
}

TEST_F(RequestFailureTest, ClosedInTheResponse) {
  FirstReply({.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", .close = true});
  Run();
  EXPECT_EQ(ErrorsOf(v1::CLOSED_IN_RESPONSE), 1);
}

TEST_F(RequestFailureTest, CloseEndsABodyWithoutLength) {
  FirstReply({.bytes = "HTTP/1.1 200 OK\r\n\r\nall of it", .close = true});
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(counts().failed(), 0);
}

TEST_F(RequestFailureTest, Reset) {
  FirstReply({.reset = ECONNRESET});
  Run();
  EXPECT_EQ(ErrorsOf(v1::CONNECTION_RESET), 1);
  EXPECT_EQ(ExampleOf(v1::CONNECTION_RESET), "127.0.0.1:80: Connection reset by peer");
}

TEST_F(RequestFailureTest, Timeout) {
  FirstReply({.bytes = ""});
  Run();
  EXPECT_EQ(ErrorsOf(v1::REQUEST_TIMEOUT), 1);
  EXPECT_EQ(ExampleOf(v1::REQUEST_TIMEOUT), "127.0.0.1:80: no whole response within 3s");
  // 3 s, and 0.1 ms for a new connection.
  EXPECT_EQ(SendOffsetsMs(), (std::vector<double>{0, 3000.1}));
}

TEST_F(RequestFailureTest, Malformed) {
  FirstReply({.bytes = "SSH-2.0-OpenSSH\r\n"});
  Run();
  EXPECT_EQ(ErrorsOf(v1::MALFORMED_RESPONSE), 1);
  EXPECT_EQ(
      ExampleOf(v1::MALFORMED_RESPONSE),
      "127.0.0.1:80: status line \"SSH-2.0-OpenSSH\": want HTTP/1.x and a status of three digits");
  EXPECT_EQ(counts().completed(), 1);
}

TEST_F(RequestFailureTest, HeaderTooLarge) {
  FirstReply({.bytes = "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')});
  Run();
  EXPECT_EQ(ErrorsOf(v1::HEADER_TOO_LARGE), 1);
}

TEST_F(RequestFailureTest, BytesAfterAResponseCostOnlyTheConnection) {
  FirstReply({.bytes = std::string(SimulatedTransport::kOk) + "more"});
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(counts().failed(), 0);
  EXPECT_EQ(transport_.connect_times.size(), 2u);
}

TEST_F(RequestFailureTest, AConnectionThatEndsWithItsResponseIsNotUsedAgain) {
  FirstReply({.bytes = SimulatedTransport::kOk, .peer_closed = true});
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(transport_.connect_times.size(), 2u);
}

TEST_F(RequestFailureTest, StatusesAreCountedAndErrorsAmongThemToo) {
  FirstReply({.bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"});
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(counts().http_errors(), 1);
  EXPECT_EQ(total_.ToProto().status_codes().at(503), 1);
  EXPECT_EQ(total_.ToProto().status_codes().at(200), 1);
}

TEST_F(RequestFailureTest, AConnectTimeoutDropsTheRequestOfItsConnection) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 1});
  plan_.start = {0};
  transport_.connect_hangs = true;
  Run();
  EXPECT_EQ(ErrorsOf(v1::CONNECT_TIMEOUT), 1);
  EXPECT_EQ(ExampleOf(v1::CONNECT_TIMEOUT), "connect 127.0.0.1:80: Connection timed out");
  EXPECT_EQ(last().end_offset_ns(), 2 * kSecond);
}

TEST_F(RequestFailureTest, ARequestThatIsSentInPartsCountsWhenAllOfItIsSent) {
  transport_.write_blocks_ns = 7 * kMs;
  Run();
  EXPECT_EQ(counts().completed(), 2);
  EXPECT_EQ(total_.send_delay().min(), 7 * kMs);
  EXPECT_EQ(total_.service_time().max(), 1 * kMs);
}

TEST_F(RequestFailureTest, APartOfARequestThatIsNotTakenIsDropped) {
  plan_.sends = SendPlan::ClosedLoop({.requests = 1});
  transport_.write_blocks_ns = 100 * kSecond;
  Run();
  EXPECT_EQ(counts().sent(), 0);
  EXPECT_EQ(ErrorsOf(v1::WRITE_FAILED), 1);
}

}  // namespace
}  // namespace loadtest
