// Who may come in: one policy for gRPC, REST and the web page.
//
// On loopback the doors are open, unless a token or client certificates are configured. On any
// other address they need TLS and one of the two, or somebody who says `insecure`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "loadtest/v1/config.pb.h"
#include "server/api/listen_address.h"

struct ssl_ctx_st;

namespace loadtest {

struct DoorSecurity {
  // What a caller must know; empty: nothing. Never logged, never part of an error.
  std::string token = {};
  // PEM texts. Empty certificate: plain text.
  std::string certificate = {};
  std::string private_key = {};
  // Signs the certificate that each caller must show; empty: none is asked for.
  std::string client_authorities = {};
  bool insecure = false;

  bool tls() const { return !certificate.empty(); }
};

// Reads token, certificate and key, and checks that they fit each other. InvalidArgument names the
// setting, never a secret.
absl::StatusOr<DoorSecurity> LoadDoorSecurity(const v1::OrchestratorConfig& config);

// Whether a door with this security may listen at `address`. InvalidArgument begins with `setting`
// and says what is missing.
absl::Status CheckExposure(const DoorSecurity& security, const ListenAddress& address,
                           std::string_view setting);

// Whether the value of an Authorization header shows the token, "Bearer TOKEN"; always true when
// none is asked for. Takes the same time whatever is wrong with it. Unauthenticated says what was
// wanted.
absl::Status CheckAuthorization(const DoorSecurity& security, std::string_view authorization);

using TlsServerContext = std::shared_ptr<ssl_ctx_st>;

// TLS 1.2 or newer with this certificate. Requires security.tls().
absl::StatusOr<TlsServerContext> MakeTlsServerContext(const DoorSecurity& security);

}  // namespace loadtest
