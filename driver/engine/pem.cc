#include "driver/engine/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

struct Block {
  std::string kind;
  std::string header;
  std::string bytes;
};

BioPointer BioOf(const std::string& text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

size_t CountOf(std::string_view what, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Why OpenSSL could not read what it was given last.
std::string TakeReason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string text = reason == nullptr ? "unreadable" : reason;
  ERR_clear_error();
  return text;
}

absl::Status Damaged(std::string_view field, size_t block, const std::string& why,
                     std::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s: got PEM text whose block %d is damaged (%s), want %s", field, block, why, wanted));
}

// OpenSSL takes a block whose first line is damaged for a comment, and the end of the text for the
// end of the blocks. So the blocks that it finds are compared with the lines that were meant to
// begin and to end one.
absl::StatusOr<std::vector<Block>> ReadBlocks(std::string_view field, const std::string& pem,
                                              std::string_view wanted) {
  std::vector<Block> blocks;
  const BioPointer bio = BioOf(pem);
  char* kind = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  ERR_clear_error();
  while (PEM_read_bio(bio.get(), &kind, &header, &bytes, &size) == 1) {
    blocks.push_back({.kind = kind,
                      .header = header,
                      .bytes = {reinterpret_cast<char*>(bytes), static_cast<size_t>(size)}});
    OPENSSL_free(kind);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, static_cast<size_t>(size));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = at_end ? "bad first or last line" : TakeReason();
  ERR_clear_error();
  const size_t meant = std::max(CountOf("-BEGIN ", pem), CountOf("-END ", pem));
  if (blocks.size() < meant) return Damaged(field, blocks.size() + 1, why, wanted);
  return blocks;
}

}  // namespace

void FreePem::operator()(x509_st* certificate) const { X509_free(certificate); }
void FreePem::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

absl::StatusOr<std::vector<CertificatePointer>> ReadCertificates(std::string_view field,
                                                                 const std::string& pem) {
  constexpr std::string_view kWanted = "PEM certificates";
  ASSIGN_OR_RETURN(const std::vector<Block> blocks, ReadBlocks(field, pem, kWanted));
  std::vector<CertificatePointer> certificates;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    const bool is_trusted = block.kind == PEM_STRING_X509_TRUSTED;
    if (!is_trusted && block.kind != PEM_STRING_X509 && block.kind != PEM_STRING_X509_OLD) continue;
    const auto* next = reinterpret_cast<const unsigned char*>(block.bytes.data());
    const unsigned char* const end = next + block.bytes.size();
    const auto size = static_cast<long>(block.bytes.size());
    CertificatePointer certificate(is_trusted ? d2i_X509_AUX(nullptr, &next, size)
                                              : d2i_X509(nullptr, &next, size));
    if (certificate == nullptr) return Damaged(field, i + 1, TakeReason(), kWanted);
    if (next != end) return Damaged(field, i + 1, "bytes after the certificate", kWanted);
    certificates.push_back(std::move(certificate));
  }
  if (!certificates.empty()) return certificates;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got a text without a certificate, want %s", field, kWanted));
}

absl::StatusOr<KeyPointer> ReadKey(std::string_view field, const std::string& pem) {
  constexpr std::string_view kWanted = "a PEM key without a password";
  ASSIGN_OR_RETURN(const std::vector<Block> blocks, ReadBlocks(field, pem, kWanted));
  bool has_password = false;
  size_t keys = 0;
  for (const Block& block : blocks) {
    if (!absl::EndsWith(block.kind, "PRIVATE KEY")) continue;
    ++keys;
    has_password = has_password || block.kind == PEM_STRING_PKCS8 ||
                   block.header.find("ENCRYPTED") != std::string::npos;
  }
  if (keys == 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got a text without a private key, want %s", field, kWanted));
  }
  if (has_password) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got a key with a password, want %s", field, kWanted));
  }
  const BioPointer bio = BioOf(pem);
  const auto refuse_password = [](char*, int, int, void*) { return -1; };
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr));
  if (key != nullptr) return key;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got a key that is damaged (%s), want %s", field, TakeReason(), kWanted));
}

}  // namespace loadtest
