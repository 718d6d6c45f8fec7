// Certificates and keys out of PEM text (RFC 7468).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct evp_pkey_st;
struct x509_st;

namespace loadtest {

struct FreePem {
  void operator()(x509_st* certificate) const;
  void operator()(evp_pkey_st* key) const;
};
using CertificatePointer = std::unique_ptr<x509_st, FreePem>;
using KeyPointer = std::unique_ptr<evp_pkey_st, FreePem>;

// All certificates of a text, in order: at least one. Comments between the blocks and whole blocks
// of other kinds are passed over, as in the files that people have; a block that is damaged is not.
// InvalidArgument names `field` and the block.
absl::StatusOr<std::vector<CertificatePointer>> ReadCertificates(std::string_view field,
                                                                 const std::string& pem);

// The first private key of a text, which must need no password. Errors as above; they show nothing
// of the text.
absl::StatusOr<KeyPointer> ReadKey(std::string_view field, const std::string& pem);

}  // namespace loadtest
