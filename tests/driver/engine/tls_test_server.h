// The other end of TLS for tests: certificates, and a server in memory.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string>
#include <string_view>
#include <utility>

#include "driver/engine/transport.h"

namespace loadtest {

// A certificate and its key.
struct Identity {
  struct Options {
    const char* name = "localhost";
    // Who signs; itself when null.
    const Identity* issuer = nullptr;
    bool is_authority = false;
    // From now; negative: it has expired.
    long seconds_left = 3600;
  };

  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  Identity() : Identity(Options{}) {}
  explicit Identity(const Options& options) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options.seconds_left);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(options.name), -1, -1, 0);
    const Identity& issuer = options.issuer == nullptr ? *this : *options.issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate));
    Extend(NID_subject_alt_name, std::string("DNS:") + options.name);
    if (options.is_authority) Extend(NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate, issuer.key, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  std::string Pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return TextOf(bio);
  }
  // With a password when there is one.
  std::string KeyPem(const char* password = nullptr) const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, password == nullptr ? nullptr : EVP_aes_128_cbc(),
                                  password, password == nullptr ? 0 : 4, nullptr, nullptr);
    return TextOf(bio);
  }

 private:
  void Extend(int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string TextOf(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
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

  // The server ends the handshake of a client that shows no certificate.
  void DemandCertificate() {
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  // TLS 1.2: the server wants to begin anew, which a client refuses by an alert.
  void Renegotiate() {
    SSL_renegotiate(ssl_);
    SSL_do_handshake(ssl_);
    TakeOutput();
  }
  // What the server sends without having been asked.
  void Say(std::string_view bytes) {
    size_t written = 0;
    EXPECT_EQ(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written), 1);
    TakeOutput();
  }

  // Settings.
  size_t piece = 1 << 20;       // bytes in a read at most
  bool sends_slowly = false;    // every send is pending until the next Poll
  std::string instead_of_tls;   // what the server answers, if it speaks no TLS
  bool closes_at_once = false;  // instead of a handshake
  bool sends_first = true;      // a pending send is done before the next read
  int sends_left = 1 << 30;     // those after them fail, and the connection is closed

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
    if (--sends_left < 0) {
      is_open = false;
      return SendState::kFailed;
    }
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
    EXPECT_TRUE(is_open) << "closed twice";
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
    if (sends_first && std::exchange(pending_, false)) {
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
    TakeOutput();
  }

  void TakeOutput() {
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

}  // namespace loadtest
