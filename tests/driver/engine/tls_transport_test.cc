// TLS on a transport that tears bytes apart and takes its time, with OpenSSL's own server at the
// other end. tests/process/protocols_test.py has nginx at the other end.
#include "driver/engine/tls_transport.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "driver/engine/tls_context.h"
#include "driver/engine/tls_test_server.h"

namespace loadtest {
namespace {

class TlsTransportTest : public ::testing::Test, protected TransportEvents {
 protected:
  void Make(int version = TLS1_3_VERSION) {
    auto below =
        std::make_unique<EchoTransport>(server_ == nullptr ? identity_ : *server_, version);
    below_ = below.get();
    auto context = TlsContext::Create(options_, "localhost", "http/1.1");
    ASSERT_TRUE(context.ok()) << context.status();
    tls_ = std::make_unique<TlsTransport>(std::move(below), *std::move(context), 1);
  }
  void PollUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 200'000 && !done(); ++i) tls_->Poll({}, *this);
    EXPECT_TRUE(done());
  }
  void Connect() {
    ASSERT_EQ(tls_->Connect(0, 0), 0);
    PollUntil([this] { return connected_ || !failure_.empty(); });
  }
  // Sends `bytes` and awaits their echo.
  void ExpectEcho(const std::string& bytes) {
    received_.clear();
    sent_ = 0;
    const SendState state = tls_->Send(0, bytes);
    ASSERT_NE(state, SendState::kFailed);
    PollUntil([&] { return received_.size() >= bytes.size() || closed_; });
    EXPECT_TRUE(received_ == bytes);
    EXPECT_EQ(sent_, state == SendState::kPending ? 1 : 0);
  }

  void OnConnected(int, const ConnectedEvent& event) override {
    connected_ = true;
    resumed_ = event.tls_resumed;
    EXPECT_GT(event.secured_at, event.connected_at);
  }
  void OnConnectFailed(int, const ConnectFailure& failure) override {
    kind_ = failure.kind;
    failure_ = std::string(failure.text);
  }
  void OnSent(int) override { ++sent_; }
  void OnRead(int, const ReadEvent& event) override {
    received_ += event.bytes;
    ++reads_;
  }
  void OnClosed(int, const ClosedEvent& event) override {
    closed_ = true;
    ++closes_;
    error_ = event.error;
    kind_ = event.kind;
    failure_ = std::string(event.text);
  }

  const Identity identity_;
  v1::TlsOptions options_ = [this] {
    v1::TlsOptions options;
    options.set_ca_certificates(identity_.Pem());
    return options;
  }();
  // Of the server, when it is not `identity_`.
  const Identity* server_ = nullptr;
  EchoTransport* below_ = nullptr;
  std::unique_ptr<TlsTransport> tls_;
  bool connected_ = false;
  bool resumed_ = false;
  bool closed_ = false;
  int closes_ = 0;
  int error_ = 0;
  int sent_ = 0;
  int reads_ = 0;
  v1::ErrorKind kind_ = v1::ERROR_KIND_UNSPECIFIED;
  std::string failure_;
  std::string received_;
};

TEST_F(TlsTransportTest, WhatIsSentComesBackInOneRead) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connected_ = false;
    Make(version);
    Connect();
    ASSERT_TRUE(connected_) << failure_;
    reads_ = 0;
    ExpectEcho("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(reads_, 1);
    EXPECT_NE(tls_->context().description().find("certificate verified"), std::string::npos);
  }
}

TEST_F(TlsTransportTest, BytesMayComeOneByOne) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connected_ = false;
    Make(version);
    below_->piece = 1;
    Connect();
    ASSERT_TRUE(connected_) << failure_;
    ExpectEcho("hello");
    ExpectEcho("again");
  }
}

TEST_F(TlsTransportTest, ALargeRequestGoesInPiecesThatTheTransportBelowTakes) {
  Make();
  below_->sends_slowly = true;
  Connect();
  ASSERT_TRUE(connected_) << failure_;
  below_->sends = 0;
  ExpectEcho(std::string(1'000'000, 'x'));
  EXPECT_GE(below_->sends, 15);
}

TEST_F(TlsTransportTest, SessionsAreResumedUnlessTheyShallNotBe) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool resumes : {true, false}) {
      options_.set_no_resumption(!resumes);
      Make(version);
      for (int round = 0; round < 3; ++round) {
        connected_ = resumed_ = false;
        Connect();
        ASSERT_TRUE(connected_) << failure_;
        EXPECT_EQ(resumed_, resumes && round > 0) << version << round;
        ExpectEcho("x");
        tls_->Close(0);
      }
    }
  }
}

TEST_F(TlsTransportTest, AStrangersCertificateIsRefused) {
  options_.set_ca_certificates(Identity().Pem());
  Make();
  Connect();
  EXPECT_FALSE(connected_);
  EXPECT_EQ(kind_, v1::CERTIFICATE_REJECTED);
  EXPECT_NE(failure_.find("trust it with --cacert"), std::string::npos) << failure_;
  EXPECT_FALSE(below_->is_open);
}

TEST_F(TlsTransportTest, WhoSpeaksNoTlsIsToldFromWhoCloses) {
  Make();
  below_->instead_of_tls = "HTTP/1.1 400 Bad Request\r\n\r\n";
  Connect();
  EXPECT_EQ(kind_, v1::TLS_FAILED);
  EXPECT_NE(failure_.find("no TLS"), std::string::npos) << failure_;
  failure_.clear();
  below_->closes_at_once = true;
  Connect();
  EXPECT_EQ(failure_, "closed by the server in the TLS handshake");
}

TEST_F(TlsTransportTest, BytesThatCannotBeDecryptedEndTheConnection) {
  Make();
  Connect();
  ASSERT_TRUE(connected_);
  below_->instead_of_tls = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_NE(tls_->Send(0, "hello"), SendState::kFailed);
  PollUntil([this] { return closed_; });
  EXPECT_EQ(error_, EPROTO);
  EXPECT_EQ(kind_, v1::TLS_FAILED);
  EXPECT_FALSE(below_->is_open);
}

TEST_F(TlsTransportTest, AResponseLargerThanAnyBufferIsReadToItsEnd) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connected_ = false;
    Make(version);
    Connect();
    ASSERT_TRUE(connected_) << failure_;
    reads_ = 0;
    ExpectEcho(std::string(500'000, 'x'));  // all of it in one read of the transport below
    EXPECT_GE(reads_, 5);
  }
}

TEST_F(TlsTransportTest, AConnectionThatBreaksInMidSendIsReportedOnce) {
  Make();
  Connect();
  ASSERT_TRUE(connected_);
  below_->sends_left = 1;
  const std::string request(200'000, 'x');
  EXPECT_EQ(tls_->Send(0, request), SendState::kPending);
  PollUntil([this] { return closed_; });
  for (int i = 0; i < 3; ++i) tls_->Poll({}, *this);
  EXPECT_EQ(closes_, 1);
  EXPECT_EQ(error_, ECONNRESET);
  EXPECT_EQ(sent_, 0);
}

TEST_F(TlsTransportTest, AConnectionThatBrokeInMidSendAndWasReopenedIsNotReportedClosed) {
  Make();
  Connect();
  ASSERT_TRUE(connected_);
  below_->sends_left = 1;
  const std::string request(200'000, 'x');
  EXPECT_EQ(tls_->Send(0, request), SendState::kPending);
  tls_->Close(0);
  below_->sends_left = 1000;
  connected_ = false;
  Connect();
  EXPECT_TRUE(connected_);
  EXPECT_FALSE(closed_);
  ExpectEcho("again");
}

TEST_F(TlsTransportTest, WhatOfARequestWasNotSentAtAllFailsAtOnce) {
  Make();
  Connect();
  below_->sends_left = 0;
  EXPECT_EQ(tls_->Send(0, "hello"), SendState::kFailed);
  EXPECT_FALSE(below_->is_open);
  tls_->Poll({}, *this);
  EXPECT_FALSE(closed_);
}

TEST_F(TlsTransportTest, TheEndOfASendOfTlsItselfIsNoEndOfARequest) {
  Make(TLS1_2_VERSION);
  Connect();
  ASSERT_TRUE(connected_);
  ExpectEcho("hello");
  below_->sends_slowly = true;
  below_->Renegotiate();
  const int sends = below_->sends;
  for (int i = 0; i < 5; ++i) tls_->Poll({}, *this);
  EXPECT_EQ(below_->sends, sends + 1);  // the alert
  EXPECT_EQ(sent_, 0);
}

TEST_F(TlsTransportTest, AnAnswerOfTlsThatCannotBeSentEndsTheConnectionOnce) {
  Make(TLS1_2_VERSION);
  Connect();
  ASSERT_TRUE(connected_);
  below_->sends_slowly = true;
  const std::string request(200'000, 'x');
  ASSERT_EQ(tls_->Send(0, request), SendState::kPending);
  // The alert waits for the first piece of the request, and then fails.
  below_->Renegotiate();
  below_->sends_first = false;
  tls_->Poll({}, *this);
  EXPECT_FALSE(closed_);
  below_->sends_left = 0;
  below_->sends_first = true;
  PollUntil([this] { return closed_; });
  for (int i = 0; i < 3; ++i) tls_->Poll({}, *this);
  EXPECT_EQ(closes_, 1);
  EXPECT_EQ(error_, ECONNRESET);
}

TEST_F(TlsTransportTest, WhatCameBeforeTheConnectionBrokeIsStillDelivered) {
  Make(TLS1_2_VERSION);
  Connect();
  ASSERT_TRUE(connected_);
  below_->sends_left = 0;
  below_->Say("news");
  below_->Renegotiate();
  PollUntil([this] { return closed_; });
  EXPECT_EQ(received_, "news");
  EXPECT_EQ(closes_, 1);
}

TEST_F(TlsTransportTest, AnExpiredAuthorityIsNotBlamedOnTheServer) {
  const Identity authority({.name = "Old Root", .is_authority = true, .seconds_left = -3600});
  const Identity server({.issuer = &authority});
  server_ = &server;
  options_.set_ca_certificates(authority.Pem());
  Make();
  Connect();
  EXPECT_EQ(kind_, v1::CERTIFICATE_REJECTED);
  EXPECT_NE(failure_.find("the certificate of the authority \"CN=Old Root\", which vouches for "
                          "localhost, has expired ("),
            std::string::npos)
      << failure_;
}

TEST_F(TlsTransportTest, AnExpiredCertificateIsBlamedOnTheServer) {
  const Identity authority({.name = "Root", .is_authority = true});
  const Identity server({.issuer = &authority, .seconds_left = -3600});
  server_ = &server;
  options_.set_ca_certificates(authority.Pem());
  Make();
  Connect();
  EXPECT_EQ(kind_, v1::CERTIFICATE_REJECTED);
  EXPECT_EQ(failure_.find("the certificate of localhost has expired ("), 0U) << failure_;
}

// With TLS 1.2 that ends the handshake. With TLS 1.3 the client's part of it is over by then.
TEST_F(TlsTransportTest, AServerThatWantsAClientCertificateIsToldFromABrokenOne) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connected_ = closed_ = false;
    failure_.clear();
    Make(version);
    below_->DemandCertificate();
    Connect();
    EXPECT_EQ(connected_, version == TLS1_3_VERSION);
    PollUntil([this] { return !failure_.empty(); });
    EXPECT_EQ(kind_, v1::TLS_FAILED);
    EXPECT_EQ(failure_, "the server wants a client certificate; give --cert and --key");
    EXPECT_FALSE(below_->is_open);
  }
}

TEST_F(TlsTransportTest, AServerThatRefusesTheClientCertificateSaysSo) {
  const Identity client({.name = "client"});
  options_.set_client_certificate(client.Pem());
  options_.set_client_key(client.KeyPem());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connected_ = closed_ = false;
    failure_.clear();
    Make(version);
    below_->DemandCertificate();  // of somebody whom the server trusts
    Connect();
    PollUntil([this] { return !failure_.empty(); });
    EXPECT_EQ(kind_, v1::TLS_FAILED);
    EXPECT_EQ(failure_.find("the server refuses the client certificate: "), 0U) << failure_;
  }
}

}  // namespace
}  // namespace loadtest
