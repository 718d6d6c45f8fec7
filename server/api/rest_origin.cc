#include "server/api/rest_origin.h"

#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "server/api/listen_address.h"
#include "server/api/rest_error.h"

namespace loadtest {
namespace {

std::string OwnName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

// An address cannot be rebound: only names are looked up.
bool IsOwnHost(std::string_view host, const OriginRules& rules) {
  if (IsLoopbackHost(host) || rules.any_host) return true;
  if (!rules.beyond_loopback) return false;
  return IsNumericHost(host) || absl::EqualsIgnoreCase({host.data(), host.size()}, OwnName());
}

// With a token the door may stand behind a proxy that does the TLS.
bool IsOwnOrigin(const RestHead& head, const OriginRules& rules) {
  const bool https = rules.tls || rules.any_host;
  return (!rules.tls && absl::EqualsIgnoreCase(head.origin, "http://" + head.host)) ||
         (https && absl::EqualsIgnoreCase(head.origin, "https://" + head.host));
}

}  // namespace

std::optional<RestResponse> RefuseForeignPage(const RestHead& head, const OriginRules& rules) {
  if (head.host.empty()) {
    return ErrorResponse(absl::InvalidArgumentError("Host: got none, want such as localhost:8080"));
  }
  if (!IsOwnHost(SplitHostAndPort(head.host).host, rules)) {
    return ErrorResponse(
        403, absl::StatusCode::kPermissionDenied,
        absl::StrFormat("Host: got \"%s\", want localhost or %s", head.host,
                        rules.beyond_loopback ? "an address or the name of this host"
                                              : "a loopback address"));
  }
  const bool only_reads = head.method == "GET" || head.method == "HEAD";
  if (!only_reads && !head.origin.empty() && !IsOwnOrigin(head, rules)) {
    return ErrorResponse(403, absl::StatusCode::kPermissionDenied,
                         absl::StrFormat("Origin: got \"%s\", want %s://%s or none", head.origin,
                                         rules.tls ? "https" : "http", head.host));
  }
  return std::nullopt;
}

}  // namespace loadtest
