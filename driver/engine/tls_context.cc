#include "driver/engine/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "driver/engine/pem.h"

namespace loadtest {
namespace {

constexpr size_t kKeptSessions = 256;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

bool IsAddress(const std::string& host) {
  in6_addr unused;
  return inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

int VersionNumber(v1::TlsOptions::Version version, int otherwise) {
  switch (version) {
    case v1::TlsOptions::TLS_1_2:
      return TLS1_2_VERSION;
    case v1::TlsOptions::TLS_1_3:
      return TLS1_3_VERSION;
    default:
      return otherwise;
  }
}

// The names and addresses that a certificate is for: "a.example, *.b.example".
std::string NamesOf(X509* certificate) {
  std::vector<std::string> found;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count && found.size() < 5; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      found.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(name->d.iPAddress);
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
                sizeof(text));
      found.emplace_back(text);
    }
  }
  return found.empty() ? "no name" : absl::StrJoin(found, ", ");
}

std::string DateOf(const ASN1_TIME* time) {
  tm date = {};
  if (ASN1_TIME_to_tm(time, &date) != 1) return "?";
  return absl::StrFormat("%04d-%02d-%02d", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

// "CN=Example Root/O=Example".
std::string SubjectOf(X509* certificate) {
  char text[256] = "";
  X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof(text));
  return text[0] == '/' ? text + 1 : text;
}

// An alert by which a server says what it thinks of the client's certificate.
bool IsAboutCertificate(int reason) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

void FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void FreeSsl::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void FreeSsl::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

TlsContext::~TlsContext() = default;

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Create(const v1::TlsOptions& options,
                                                               const std::string& host,
                                                               const std::string& alpn) {
  std::unique_ptr<TlsContext> tls(new TlsContext);
  tls->context_.reset(SSL_CTX_new(TLS_client_method()));
  if (tls->context_ == nullptr) return absl::ResourceExhaustedError("tls: out of memory");
  SSL_CTX* const context = tls->context_.get();
  SSL_CTX_set_min_proto_version(context, VersionNumber(options.min_version(), TLS1_2_VERSION));
  SSL_CTX_set_max_proto_version(context, VersionNumber(options.max_version(), 0));
  // Idle connections keep no buffers; a response may be read as it comes.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Many servers close without saying so; HTTP itself tells whether a response was whole.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_app_data(context, tls.get());
  tls->name_ = options.server_name().empty() ? host : options.server_name();
  tls->name_is_address_ = IsAddress(tls->name_);
  tls->is_verified_ = !options.insecure();
  tls->resumes_ = !options.no_resumption();
  RETURN_IF_ERROR(tls->Trust(options));
  RETURN_IF_ERROR(tls->Identify(options));
  tls->alpn_ = alpn;
  const std::string offer = static_cast<char>(alpn.size()) + alpn;
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offer.data()),
                          static_cast<unsigned>(offer.size()));
  if (tls->resumes_) {
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, &TlsContext::KeepSession);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }
  return tls;
}

absl::Status TlsContext::Trust(const v1::TlsOptions& options) {
  SSL_CTX* const context = context_.get();
  if (options.insecure()) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return absl::OkStatus();
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &TlsContext::OnVerified);
  if (options.ca_certificates().empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return absl::OkStatus();
    return absl::InternalError("tls: the system's certificates cannot be read");
  }
  ASSIGN_OR_RETURN(const std::vector<CertificatePointer> certificates,
                   ReadCertificates("tls.ca_certificates", options.ca_certificates()));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const CertificatePointer& certificate : certificates) {
    X509_STORE_add_cert(store, certificate.get());
  }
  // What is trusted by name need not be a root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return absl::OkStatus();
}

absl::Status TlsContext::Identify(const v1::TlsOptions& options) {
  SSL_CTX* const context = context_.get();
  if (options.client_certificate().empty()) {
    SSL_CTX_set_client_cert_cb(context, &TlsContext::OnCertificateWanted);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<CertificatePointer> chain,
                   ReadCertificates("tls.client_certificate", options.client_certificate()));
  for (size_t i = 0; i < chain.size(); ++i) {
    const long taken = i == 0 ? SSL_CTX_use_certificate(context, chain[i].get())
                              : SSL_CTX_add1_chain_cert(context, chain[i].get());
    if (taken == 1) continue;
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    const std::string why = reason == nullptr ? "refused by OpenSSL" : reason;
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrFormat("tls.client_certificate: got certificate %d (%s), which cannot be used "
                        "(%s), want one that servers accept",
                        i + 1, SubjectOf(chain[i].get()), why));
  }
  ASSIGN_OR_RETURN(const KeyPointer key, ReadKey("tls.client_key", options.client_key()));
  if (SSL_CTX_use_PrivateKey(context, key.get()) == 1) return absl::OkStatus();
  ERR_clear_error();
  return absl::InvalidArgumentError(
      "tls.client_key: got a key that does not fit the certificate, want the key of "
      "tls.client_certificate");
}

int TlsContext::OnCertificateWanted(ssl_st* ssl, x509_st**, evp_pkey_st**) {
  SSL_set_app_data(ssl, SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return 0;  // there is none
}

int TlsContext::KeepSession(ssl_st* ssl, ssl_session_st* session) {
  auto* const self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->sessions_.emplace_back(session);
  if (self->sessions_.size() > kKeptSessions) self->sessions_.pop_front();
  return 1;  // ours now
}

SslPointer TlsContext::NewConnection() {
  SslPointer ssl(SSL_new(context_.get()));
  if (ssl == nullptr) return ssl;
  SSL_set_connect_state(ssl.get());
  if (!name_is_address_) SSL_set_tlsext_host_name(ssl.get(), name_.c_str());
  if (is_verified_) {
    X509_VERIFY_PARAM* const check = SSL_get0_param(ssl.get());
    if (name_is_address_) {
      X509_VERIFY_PARAM_set1_ip_asc(check, name_.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(check, name_.data(), name_.size());
    }
  }
  if (!sessions_.empty()) {
    SSL_set_session(ssl.get(), sessions_.back().get());
    const bool serves_once =
        SSL_SESSION_get_protocol_version(sessions_.back().get()) >= TLS1_3_VERSION;
    if (serves_once) sessions_.pop_back();
  }
  return ssl;
}

int TlsContext::OnVerified(int is_good, x509_store_ctx_st* check) {
  if (is_good == 1) return 1;
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->problem_ =
      self->DescribeProblem(X509_STORE_CTX_get_current_cert(check),
                            X509_STORE_CTX_get_error_depth(check), X509_STORE_CTX_get_error(check));
  return 0;
}

std::string TlsContext::DescribeProblem(x509_st* certificate, int depth, int problem) const {
  // Above depth 0 it is an authority's certificate: nothing is wrong with that of the server.
  const std::string whose =
      depth == 0 || certificate == nullptr
          ? absl::StrFormat("the certificate of %s", name_)
          : absl::StrFormat("the certificate of the authority \"%s\", which vouches for %s,",
                            SubjectOf(certificate), name_);
  switch (problem) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::StrFormat("%s has expired (%s)", whose,
                             certificate ? DateOf(X509_get0_notAfter(certificate)) : "?");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrFormat("%s is not valid yet (from %s)", whose,
                             certificate ? DateOf(X509_get0_notBefore(certificate)) : "?");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return absl::StrFormat("the certificate is for %s, want %s",
                             certificate ? NamesOf(certificate) : "?", name_);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return absl::StrFormat(
          "the certificate of %s is signed by nobody who is trusted (%s); trust it with --cacert "
          "FILE, or skip the check with -k",
          name_, X509_verify_cert_error_string(problem));
    default:
      return absl::StrFormat("%s is refused: %s", whose, X509_verify_cert_error_string(problem));
  }
}

ConnectFailure TlsContext::Explain(const ssl_st* ssl) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const char* const reason_text = ERR_reason_error_string(error);
  const bool lacks_certificate = SSL_get_app_data(ssl) != nullptr;
  v1::ErrorKind kind = v1::TLS_FAILED;
  if (!problem_.empty()) {
    kind = v1::CERTIFICATE_REJECTED;
    failure_ = std::exchange(problem_, "");
  } else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
             reason == SSL_R_UNEXPECTED_MESSAGE) {
    failure_ = "what the server answered is no TLS; is it an http:// server?";
  } else if (reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL) {
    failure_ = "the server speaks none of the TLS versions that were allowed";
  } else if (lacks_certificate &&
             (IsAboutCertificate(reason) || reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)) {
    // Before TLS 1.3 there is no alert of its own for it (RFC 8446, section 6.2).
    failure_ = "the server wants a client certificate; give --cert and --key";
  } else if (IsAboutCertificate(reason)) {
    failure_ = absl::StrFormat("the server refuses the client certificate: %s", reason_text);
  } else if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL ||
             reason == SSL_R_NO_APPLICATION_PROTOCOL) {
    kind = alpn_ == "h2" ? v1::HTTP2_NOT_OFFERED : v1::TLS_FAILED;
    failure_ =
        absl::StrFormat("the server does not speak %s", alpn_ == "h2" ? "HTTP/2" : "HTTP/1.1");
  } else if (error != 0) {
    failure_ = absl::StrFormat("%s: %s", SSL_is_init_finished(ssl) ? "TLS" : "TLS handshake",
                               reason_text != nullptr ? reason_text : "failed");
  } else {
    failure_ = "TLS handshake: closed by the server";
  }
  ERR_clear_error();
  return {.kind = kind, .text = failure_};
}

bool TlsContext::AgreedOnProtocol(ssl_st* ssl) const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &chosen, &size);
  // A server without ALPN speaks HTTP/1.1.
  if (size == 0) return alpn_ != "h2";
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == alpn_;
}

void TlsContext::Describe(ssl_st* ssl) {
  if (is_described_.load(std::memory_order_relaxed)) return;
  description_ =
      absl::StrFormat("%s, %s, certificate %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
                      is_verified_ ? "verified" : "NOT verified (-k)");
  if (alpn_ == "h2") description_ += ", h2";
  is_described_.store(true, std::memory_order_release);
}

std::string TlsContext::description() const {
  return is_described_.load(std::memory_order_acquire) ? description_ : "";
}

}  // namespace loadtest
