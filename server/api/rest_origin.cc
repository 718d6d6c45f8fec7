#include "server/api/rest_origin.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "server/api/listen_address.h"
#include "server/api/rest_error.h"

namespace loadtest {

std::optional<RestResponse> RefuseForeignPage(const RestHead& head) {
  if (head.host.empty()) {
    return ErrorResponse(absl::InvalidArgumentError("Host: got none, want such as localhost:8080"));
  }
  if (!IsLoopbackHost(SplitHostAndPort(head.host).host)) {
    return ErrorResponse(
        403, absl::StatusCode::kPermissionDenied,
        absl::StrFormat("Host: got \"%s\", want localhost or a loopback address", head.host));
  }
  const bool only_reads = head.method == "GET" || head.method == "HEAD";
  if (!only_reads && !head.origin.empty() &&
      !absl::EqualsIgnoreCase(head.origin, "http://" + head.host)) {
    return ErrorResponse(
        403, absl::StatusCode::kPermissionDenied,
        absl::StrFormat("Origin: got \"%s\", want http://%s or none", head.origin, head.host));
  }
  return std::nullopt;
}

}  // namespace loadtest
