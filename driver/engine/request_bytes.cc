#include "driver/engine/request_bytes.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/version.h"

namespace loadtest {
namespace {

const v1::Header* FindHeader(const v1::HttpRequest& request, std::string_view name) {
  for (const v1::Header& header : request.headers()) {
    if (absl::EqualsIgnoreCase(header.name(), absl::string_view(name.data(), name.size()))) {
      return &header;
    }
  }
  return nullptr;
}

// RFC 9110, section 8.6: a request whose method gives a body a meaning says so even when it has
// none.
bool ExpectsBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::string BuildRequestBytes(const v1::HttpRequest& request, const Url& url) {
  const std::string method = request.method().empty() ? "GET" : request.method();
  std::string bytes = absl::StrCat(method, " ", url.target, " HTTP/1.1\r\n");
  // Host comes first, as RFC 9110, section 7.2 asks for, wherever it was given.
  const v1::Header* host = FindHeader(request, "Host");
  absl::StrAppend(&bytes, "Host: ", host != nullptr ? host->value() : url.authority, "\r\n");
  for (const v1::Header& header : request.headers()) {
    if (absl::EqualsIgnoreCase(header.name(), "Host")) continue;
    absl::StrAppend(&bytes, header.name(), ": ", header.value(), "\r\n");
  }
  if (FindHeader(request, "User-Agent") == nullptr) {
    absl::StrAppend(&bytes, "User-Agent: loadtest-driver/", kVersion, "\r\n");
  }
  if (FindHeader(request, "Accept") == nullptr) absl::StrAppend(&bytes, "Accept: */*\r\n");
  if (!request.body().empty() || ExpectsBody(method)) {
    absl::StrAppend(&bytes, "Content-Length: ", request.body().size(), "\r\n");
  }
  absl::StrAppend(&bytes, "\r\n", request.body());
  return bytes;
}

Http2Request BuildHttp2Request(const v1::HttpRequest& request, const Url& url) {
  const std::string method = request.method().empty() ? "GET" : request.method();
  const v1::Header* host = FindHeader(request, "Host");
  Http2Request out;
  out.headers = {{":method", method},
                 {":scheme", url.is_tls ? "https" : "http"},
                 {":authority", host != nullptr ? host->value() : url.authority},
                 {":path", url.target}};
  for (const v1::Header& header : request.headers()) {
    if (absl::EqualsIgnoreCase(header.name(), "Host")) continue;
    out.headers.emplace_back(absl::AsciiStrToLower(header.name()), header.value());
  }
  if (FindHeader(request, "User-Agent") == nullptr) {
    out.headers.emplace_back("user-agent", absl::StrCat("loadtest-driver/", kVersion));
  }
  if (FindHeader(request, "Accept") == nullptr) out.headers.emplace_back("accept", "*/*");
  if (!request.body().empty() || ExpectsBody(method)) {
    out.headers.emplace_back("content-length", absl::StrCat(request.body().size()));
  }
  out.body = request.body();
  return out;
}

}  // namespace loadtest
