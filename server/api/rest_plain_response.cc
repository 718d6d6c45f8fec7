#include "server/api/rest_plain_response.h"

#include "absl/strings/str_format.h"

namespace loadtest {

std::string PlainResponse(const RestResponse& response) {
  // The reason phrase may be empty (RFC 9112 section 4); clients go by the code.
  std::string text = absl::StrFormat("HTTP/1.1 %d \r\nContent-Type: %s\r\nContent-Length: %d\r\n",
                                     response.code, response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers) {
    absl::StrAppendFormat(&text, "%s: %s\r\n", name, value);
  }
  return text + "Connection: close\r\n\r\n" + response.body;
}

}  // namespace loadtest
