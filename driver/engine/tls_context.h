// How a driver speaks TLS to its target: what it trusts, what it shows, which sessions it knows.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "driver/engine/transport.h"
#include "loadtest/v1/load_test.pb.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct x509_st;
struct x509_store_ctx_st;

namespace loadtest {

struct FreeSsl {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
};
using SslPointer = std::unique_ptr<ssl_st, FreeSsl>;

// For all connections of a run. Owned by the loop thread, which all calls are from.
class TlsContext {
 public:
  // `host` is the URL's: verified and sent as SNI unless `options` has another name; an address is
  // verified as such and not sent. `alpn` is what is spoken above: "http/1.1" or "h2".
  // InvalidArgument names the field of TlsOptions: `tls.client_key: ...`.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Create(const v1::TlsOptions& options,
                                                            const std::string& host,
                                                            const std::string& alpn);
  ~TlsContext();

  // A connection before its handshake, which will take up an earlier session if there is one. Null:
  // out of memory.
  SslPointer NewConnection();

  // Why the last call of OpenSSL for a connection failed. The text is kept until the next call.
  ConnectFailure Explain(const ssl_st* ssl);

  // Once connected: whether the protocol that was asked for by ALPN was agreed.
  bool AgreedOnProtocol(ssl_st* ssl) const;

  // Notes how the first connection was agreed on.
  void Describe(ssl_st* ssl);
  // "TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified"; empty while there is none.
  // Thread-safe.
  std::string description() const;

 private:
  TlsContext() = default;

  absl::Status Trust(const v1::TlsOptions& options);
  absl::Status Identify(const v1::TlsOptions& options);
  static int KeepSession(ssl_st* ssl, ssl_session_st* session);
  static int OnVerified(int is_good, x509_store_ctx_st* check);
  // Notes that the server asked for a certificate, and that there is none.
  static int OnCertificateWanted(ssl_st* ssl, x509_st** certificate, evp_pkey_st** key);
  // `depth` as OpenSSL counts: 0 is the server's own certificate.
  std::string DescribeProblem(x509_st* certificate, int depth, int problem) const;

  std::unique_ptr<ssl_ctx_st, FreeSsl> context_;
  std::string name_;  // verified
  bool name_is_address_ = false;
  bool is_verified_ = true;
  bool resumes_ = true;
  std::string alpn_;
  // Newest last. Those of TLS 1.3 serve once (RFC 8446, appendix C.4).
  std::deque<std::unique_ptr<ssl_session_st, FreeSsl>> sessions_;
  // What is wrong with the certificate of the handshake that was verified last; empty: nothing.
  std::string problem_;
  std::string failure_;
  std::atomic<bool> is_described_ = false;
  std::string description_;
};

}  // namespace loadtest
