#include <algorithm>
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/spec/body_parts.h"
#include "common/spec/spec_checks.h"

namespace loadtest {
namespace {

constexpr int kLargestHeaders = 256;
constexpr size_t kLargestHeaderValue = 16'384;
constexpr int kLargestStreams = 1'000;

// tchar of RFC 9110 section 5.6.2.
bool IsToken(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

void CheckUrlAndMethod(v1::HttpRequest& request, SpecProblems& problems) {
  if (request.url().empty()) {
    problems.Add("spec.request.url: got nothing, want http[s]://host[:port][/path][?query]");
  } else if (const absl::StatusOr<Url> url = ParseUrl(request.url()); !url.ok()) {
    problems.Add("spec.request.url: " + std::string(url.status().message()));
  }
  if (request.method().empty()) request.set_method("GET");
  if (!IsToken(request.method()) || request.method().size() > 32) {
    problems.Add(
        absl::StrFormat("spec.request.method: got \"%s\", want a token such as GET or POST",
                        Printable(request.method())));
  } else if (request.method() == "CONNECT") {
    problems.Add(
        "spec.request.method: got \"CONNECT\", want a method that is answered by a response alone");
  }
}

// RFC 9113 section 8.2.2: what concerns one connection has no place in HTTP/2.
void CheckHttp2Header(const v1::Header& header, const std::string& field, SpecProblems& problems) {
  for (const std::string_view of_connection : {"Upgrade", "Keep-Alive", "Proxy-Connection"}) {
    if (EqualsIgnoreCase(header.name(), of_connection)) {
      problems.Add(absl::StrFormat("%s.name: got \"%s\", want a header that HTTP/2 allows", field,
                                   header.name()));
    }
  }
  if (EqualsIgnoreCase(header.name(), "TE") && !EqualsIgnoreCase(header.value(), "trailers")) {
    problems.Add(
        absl::StrFormat("%s.value: got \"%s\", want trailers, all that HTTP/2 allows in TE", field,
                        Printable(header.value())));
  }
}

void CheckHeaders(const v1::LoadTestSpec& spec, SpecProblems& problems) {
  const v1::HttpRequest& request = spec.request();
  if (request.headers_size() > kLargestHeaders) {
    problems.Add(absl::StrFormat("spec.request.headers: got %d, want at most %d",
                                 request.headers_size(), kLargestHeaders));
  }
  for (int i = 0; i < request.headers_size(); ++i) {
    const v1::Header& header = request.headers(i);
    const std::string field = absl::StrFormat("spec.request.headers[%d]", i);
    if (!IsToken(header.name())) {
      problems.Add(absl::StrFormat("%s.name: got \"%s\", want a header name such as Accept", field,
                                   Printable(header.name())));
    }
    if (spec.http_version() == v1::LoadTestSpec::HTTP_2) CheckHttp2Header(header, field, problems);
    for (const std::string_view ours : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      if (EqualsIgnoreCase(header.name(), ours)) {
        problems.Add(absl::StrFormat(
            "%s.name: got \"%s\", want a header that the driver does not set itself", field,
            header.name()));
      }
    }
    const bool clean = std::all_of(header.value().begin(), header.value().end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t';
    });
    if (!clean) {
      problems.Add(
          absl::StrFormat("%s.value: got \"%s\", want no line breaks or control characters", field,
                          Printable(header.value())));
    }
    problems.CheckLength(field + ".value", header.value().size(), kLargestHeaderValue);
  }
}

void CheckBody(v1::HttpRequest& request, BodyIn body_in, SpecProblems& problems) {
  const auto size = static_cast<int64_t>(request.body().size());
  problems.CheckLength("spec.request.body", request.body().size(), kLargestBody);
  if (size == 0 && body_in == BodyIn::kParts) {
    problems.CheckNumber("spec.request.body_bytes", request.body_bytes(), 0, kLargestBody);
    return;
  }
  if (size == 0 && request.body_bytes() != 0) {
    problems.Add(
        absl::StrFormat("spec.request.body_bytes: got %d and no body, want the body: it was left "
                        "out of what you copied",
                        request.body_bytes()));
  } else if (request.body_bytes() != 0 && request.body_bytes() != size) {
    problems.Add(
        absl::StrFormat("spec.request.body_bytes: got %d, want %d, the size of the body, or 0",
                        request.body_bytes(), size));
  }
  request.set_body_bytes(size);
}

void CheckVersion(v1::LoadTestSpec& spec, SpecProblems& problems) {
  if (spec.http_version() == v1::LoadTestSpec::HTTP_VERSION_UNSPECIFIED)
    spec.set_http_version(v1::LoadTestSpec::HTTP_1_1);
  if (spec.streams() == 0) spec.set_streams(1);
  switch (spec.http_version()) {
    case v1::LoadTestSpec::HTTP_1_1:
      if (spec.streams() != 1) {
        problems.Add(absl::StrFormat("spec.streams: got %d, want 1: only HTTP_2 has streams",
                                     spec.streams()));
      }
      break;
    case v1::LoadTestSpec::HTTP_2:
      problems.CheckNumber("spec.streams", spec.streams(), 1, kLargestStreams);
      break;
    default:
      problems.Add(absl::StrFormat("spec.http_version: got %d, want HTTP_1_1 or HTTP_2",
                                   static_cast<int>(spec.http_version())));
  }
}

}  // namespace

void CheckRequest(v1::LoadTestSpec& spec, BodyIn body_in, SpecProblems& problems) {
  CheckUrlAndMethod(*spec.mutable_request(), problems);
  CheckVersion(spec, problems);
  CheckHeaders(spec, problems);
  CheckBody(*spec.mutable_request(), body_in, problems);
}

}  // namespace loadtest
