#include "server/api/door_security.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

// A token is guessed over the network; 16 random characters cannot be.
constexpr size_t kShortestToken = 16;

constexpr char kCertificateSetting[] = "orchestrator.tls_certificate_file";
constexpr char kKeySetting[] = "orchestrator.tls_key_file";
constexpr char kClientCaSetting[] = "orchestrator.tls_client_ca_file";

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::StatusOr<std::string> ReadFile(std::string_view setting, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: cannot read %s: %s; want a readable file", setting, path, std::strerror(errno)));
  }
  return text.str();
}

absl::StatusOr<std::string> LoadToken(const v1::OrchestratorConfig& config) {
  std::string token = config.token();
  std::string_view setting = "orchestrator.token";
  if (!config.token_file().empty()) {
    setting = "orchestrator.token_file";
    ASSIGN_OR_RETURN(const std::string text, ReadFile(setting, config.token_file()));
    token = text.substr(0, text.find_first_of("\r\n"));
    if (token.empty()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: the first line of %s is empty, want the token there", setting,
                          config.token_file()));
    }
  }
  if (token.empty()) return token;
  // What a header may carry (RFC 6750 section 2.1 allows less; a blank would end it).
  for (const char c : token) {
    if (c > ' ' && c < 0x7f) continue;
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: has a blank or a character that is not ASCII, want visible ASCII only", setting));
  }
  if (token.size() < kShortestToken) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got %d characters, want at least %d; make one with: openssl rand "
                        "-hex 32",
                        setting, token.size(), kShortestToken));
  }
  return token;
}

absl::Status WrongPem(std::string_view setting, std::string_view want) {
  const unsigned long error = ERR_get_error();
  char reason[160] = "nothing of the kind is in it";
  if (error != 0) ERR_error_string_n(error, reason, sizeof(reason));
  ERR_clear_error();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: cannot be used: %s; want %s", setting, reason, want));
}

BioPtr Memory(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

absl::Status UseCertificate(SSL_CTX& context, const std::string& pem) {
  const BioPtr bio = Memory(pem);
  const X509Ptr leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (leaf == nullptr || SSL_CTX_use_certificate(&context, leaf.get()) != 1) {
    return WrongPem(kCertificateSetting, "a PEM certificate, its chain after it");
  }
  for (;;) {
    X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(&context, next.get()) != 1) {
      return WrongPem(kCertificateSetting, "a PEM certificate, its chain after it");
    }
    next.release();  // the context's now
  }
  ERR_clear_error();  // "no start line", at the end of the text
  return absl::OkStatus();
}

absl::Status UseKey(SSL_CTX& context, const std::string& pem) {
  const BioPtr bio = Memory(pem);
  // No callback: a key with a pass phrase would make OpenSSL ask for it on the terminal.
  const auto no_phrase = [](char*, int, int, void*) { return -1; };
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_phrase, nullptr), &EVP_PKEY_free);
  if (key == nullptr || SSL_CTX_use_PrivateKey(&context, key.get()) != 1 ||
      SSL_CTX_check_private_key(&context) != 1) {
    return WrongPem(kKeySetting, "the PEM private key of the certificate, without a pass phrase");
  }
  return absl::OkStatus();
}

absl::Status UseClientAuthorities(SSL_CTX& context, const std::string& pem) {
  const BioPtr bio = Memory(pem);
  int count = 0;
  for (;; ++count) {
    const X509Ptr authority(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
    if (authority == nullptr) break;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get());
    SSL_CTX_add_client_CA(&context, authority.get());
  }
  if (count == 0) return WrongPem(kClientCaSetting, "PEM certificates of authorities");
  ERR_clear_error();
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return absl::OkStatus();
}

std::array<unsigned char, SHA256_DIGEST_LENGTH> Digest(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

absl::StatusOr<DoorSecurity> LoadDoorSecurity(const v1::OrchestratorConfig& config) {
  DoorSecurity security;
  security.insecure = config.insecure();
  ASSIGN_OR_RETURN(security.token, LoadToken(config));
  if (config.tls_certificate_file().empty()) {
    const std::string_view given = !config.tls_key_file().empty()         ? kKeySetting
                                   : !config.tls_client_ca_file().empty() ? kClientCaSetting
                                                                          : "";
    if (given.empty()) return security;
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: is empty, want a certificate, since %s is given", kCertificateSetting, given));
  }
  if (config.tls_key_file().empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: is empty, want the private key of the certificate, since %s is given",
                        kKeySetting, kCertificateSetting));
  }
  ASSIGN_OR_RETURN(security.certificate,
                   ReadFile(kCertificateSetting, config.tls_certificate_file()));
  ASSIGN_OR_RETURN(security.private_key, ReadFile(kKeySetting, config.tls_key_file()));
  if (!config.tls_client_ca_file().empty()) {
    ASSIGN_OR_RETURN(security.client_authorities,
                     ReadFile(kClientCaSetting, config.tls_client_ca_file()));
  }
  RETURN_IF_ERROR(MakeTlsServerContext(security).status());
  return security;
}

absl::Status CheckExposure(const DoorSecurity& security, const ListenAddress& address,
                           std::string_view setting) {
  if (IsLoopbackHost(address.host) || security.insecure) return absl::OkStatus();
  const bool callers_known = !security.token.empty() || !security.client_authorities.empty();
  if (security.tls() && callers_known) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s: got %s, which other hosts can reach: that needs %s%s%s; or a loopback address, or "
      "--insecure to serve without",
      setting, address.ToString(),
      security.tls() ? "" : "TLS (orchestrator.tls_certificate_file and tls_key_file)",
      security.tls() || callers_known ? "" : " and ",
      callers_known ? "" : "a token (orchestrator.token_file) or client certificates "
                           "(orchestrator.tls_client_ca_file)"));
}

absl::Status CheckAuthorization(const DoorSecurity& security, std::string_view authorization) {
  if (security.token.empty()) return absl::OkStatus();
  constexpr std::string_view kScheme = "Bearer ";
  const bool has_scheme =
      authorization.size() > kScheme.size() &&
      absl::EqualsIgnoreCase({authorization.data(), kScheme.size()}, "Bearer ");
  const std::string_view shown = has_scheme ? authorization.substr(kScheme.size()) : "";
  // Digests have one length, so that not even that of the token can be measured.
  const auto got = Digest(shown), wanted = Digest(security.token);
  if (CRYPTO_memcmp(got.data(), wanted.data(), got.size()) == 0) return absl::OkStatus();
  return absl::UnauthenticatedError(
      has_scheme ? "authorization: the token is not the one of this orchestrator"
                 : "authorization: got none, want \"Bearer TOKEN\" with the token of this "
                   "orchestrator");
}

absl::StatusOr<TlsServerContext> MakeTlsServerContext(const DoorSecurity& security) {
  const TlsServerContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Renegotiation is work that an unknown client could ask for again and again.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // With client certificates a resumed session must be of this server (SSL_CTX_set_verify(3)).
  constexpr unsigned char kSessionContext[] = "loadtest";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  RETURN_IF_ERROR(UseCertificate(*context, security.certificate));
  RETURN_IF_ERROR(UseKey(*context, security.private_key));
  if (!security.client_authorities.empty()) {
    RETURN_IF_ERROR(UseClientAuthorities(*context, security.client_authorities));
  }
  return context;
}

}  // namespace loadtest
