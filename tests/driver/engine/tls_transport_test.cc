// TLS on a transport that tears bytes apart and takes its time, with OpenSSL's own server at the
// other end. tests/process/protocols_test.py has nginx at the other end.
#include "driver/engine/tls_transport.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "driver/engine/tls_context.h"

namespace loadtest {
namespace {

// A self-signed certificate for localhost and its key.
struct Identity {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  Identity() {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string Pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }
};

// One connection to an OpenSSL server in memory, which sends back whatever it is sent.
class EchoTransport final : public Transport {
 public:
  explicit EchoTransport(const Identity& identity, int version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_, identity.certificate);
    SSL_CTX_use_PrivateKey(context_, identity.key);
    SSL_CTX_set_max_proto_version(context_, version);
  }
  ~EchoTransport() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  // Settings.
  size_t piece = 1 << 20;       // bytes in a read at most
  bool sends_slowly = false;    // every send is pending until the next Poll
  std::string instead_of_tls;   // what the server answers, if it speaks no TLS
  bool closes_at_once = false;  // instead of a handshake

  int sends = 0;
  bool is_open = false;

  int Connect(int, int) override {
    SSL_free(ssl_);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_);
    connects_ = true;
    is_open = true;
    outgoing_.clear();
    return 0;
  }

  SendState Send(int, std::string_view bytes) override {
    ++sends;
    EXPECT_TRUE(is_open);
    EXPECT_FALSE(pending_) << "a send before the last one was done";
    if (sends_slowly) {
      // Looked at only later, as a real transport does.
      unsent_ = bytes;
      pending_ = true;
      return SendState::kPending;
    }
    Serve(bytes);
    return SendState::kSent;
  }

  void Close(int) override {
    is_open = false;
    pending_ = false;
    outgoing_.clear();
  }

  MonotonicTime Poll(MonotonicTime, TransportEvents& events) override {
    now_.ns += 1000;
    if (std::exchange(connects_, false)) {
      if (closes_at_once) {
        is_open = false;
        events.OnClosed(0, {});
        return now_;
      }
      events.OnConnected(0, {.connected_at = now_, .secured_at = now_});
    }
    if (std::exchange(pending_, false)) {
      Serve(unsent_);
      events.OnSent(0);
    }
    if (is_open && !outgoing_.empty()) {
      const std::string bytes = outgoing_.substr(0, piece);
      outgoing_.erase(0, bytes.size());
      events.OnRead(0, {.bytes = bytes, .received_at = now_});
    }
    return now_;
  }
  void Wake() override {}

 private:
  void Serve(std::string_view bytes) {
    if (!instead_of_tls.empty()) {
      outgoing_ += std::exchange(instead_of_tls, "");
      return;
    }
    BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    char buffer[20'000];
    size_t size = 0;
    while (SSL_read_ex(ssl_, buffer, sizeof(buffer), &size) == 1) {
      size_t written = 0;
      EXPECT_EQ(SSL_write_ex(ssl_, buffer, size, &written), 1);
    }
    char* data = nullptr;
    const long left = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
    outgoing_.append(data, static_cast<size_t>(left));
    (void)BIO_reset(SSL_get_wbio(ssl_));
  }

  SSL_CTX* const context_;
  SSL* ssl_ = nullptr;
  bool connects_ = false;
  bool pending_ = false;
  std::string_view unsent_;
  std::string outgoing_;
  MonotonicTime now_;
};

class TlsTransportTest : public ::testing::Test, protected TransportEvents {
 protected:
  void Make(int version = TLS1_3_VERSION) {
    auto below = std::make_unique<EchoTransport>(identity_, version);
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
    error_ = event.error;
  }

  const Identity identity_;
  v1::TlsOptions options_ = [this] {
    v1::TlsOptions options;
    options.set_ca_certificates(identity_.Pem());
    return options;
  }();
  EchoTransport* below_ = nullptr;
  std::unique_ptr<TlsTransport> tls_;
  bool connected_ = false;
  bool resumed_ = false;
  bool closed_ = false;
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
  EXPECT_FALSE(below_->is_open);
}

TEST(TlsContextTest, WhatCannotBeUsedIsNamed) {
  const auto refusal = [](const v1::TlsOptions& options) {
    return std::string(TlsContext::Create(options, "localhost", "h2").status().message());
  };
  v1::TlsOptions options;
  options.set_ca_certificates("-----BEGIN NONSENSE-----");
  EXPECT_EQ(refusal(options),
            "tls.ca_certificates: got a text without a certificate, want PEM certificates");
  options.Clear();
  options.set_client_certificate(Identity().Pem());
  options.set_client_key("-----BEGIN NONSENSE-----");
  EXPECT_EQ(refusal(options),
            "tls.client_key: got a text without a readable key, want a PEM key without a password");
}

}  // namespace
}  // namespace loadtest
