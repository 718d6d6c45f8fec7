// The request as it goes over the wire, built once for a whole test.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/spec/load_test_spec.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Request line, Host, the given header fields in their order, User-Agent and Accept unless given,
// Content-Length when there is a body (or when the method expects one), and the body. `request` was
// validated, and `url` is its URL.
std::string BuildRequestBytes(const v1::HttpRequest& request, const Url& url);

// The same for HTTP/2: pseudo-header fields first (RFC 9113, section 8.3), names in lower case.
struct Http2Request {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
Http2Request BuildHttp2Request(const v1::HttpRequest& request, const Url& url);

}  // namespace loadtest
