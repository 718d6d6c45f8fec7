#include <arpa/inet.h>

#include <charconv>

#include "absl/strings/str_format.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";
constexpr size_t kMaxUrl = 8'192;

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

std::string ToLowerPrefix(std::string_view text, size_t n) {
  std::string out(text.substr(0, n));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

// RFC 3986 section 3, the part of it that an http request can carry (RFC 9110 section 4.2.1).
absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "got \"%s\", want http[s]://host[:port][/path][?query]%s%s",
        text.size() > 200 ? std::string(text.substr(0, 197)) + "..." : std::string(text),
        why.empty() ? "" : ": ", why));
  };
  if (text.size() > kMaxUrl) return wrong(absl::StrFormat("it is longer than %d bytes", kMaxUrl));
  const bool is_tls = ToLowerPrefix(text, kHttps.size()) == kHttps;
  if (!is_tls && ToLowerPrefix(text, kHttp.size()) != kHttp) return wrong("");
  for (const char c : text) {
    // Bytes that would break the request line, or that a URL must percent-encode.
    if (c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' ||
        static_cast<unsigned char>(c) >= 0x80) {
      return wrong("it has a space, a control or a non-ASCII character; write it percent-encoded");
    }
  }
  std::string_view rest = text.substr((is_tls ? kHttps : kHttp).size());
  const size_t authority_end = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, authority_end);
  std::string_view target =
      authority_end == std::string_view::npos ? "" : rest.substr(authority_end);
  if (target.find('#') != std::string_view::npos)
    return wrong("a fragment (#) is never sent to a server");
  if (authority.find('@') != std::string_view::npos)
    return wrong("user name and password are not taken from a URL");

  Url url;
  url.is_tls = is_tls;
  if (is_tls) url.port = 443;
  url.authority = std::string(authority);
  std::string_view host = authority;
  std::string_view port;
  bool has_port = false;
  if (!host.empty() && host.front() == '[') {
    const size_t close = host.find(']');
    if (close == std::string_view::npos) return wrong("the ] of the IPv6 address is missing");
    if (close + 1 < host.size()) {
      if (host[close + 1] != ':') return wrong("after ] only :port may follow");
      port = host.substr(close + 2);
      has_port = true;
    }
    host = host.substr(1, close - 1);
    in6_addr unused;
    if (inet_pton(AF_INET6, std::string(host).c_str(), &unused) != 1)
      return wrong("between [ and ] is no IPv6 address");
  } else {
    if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
      has_port = true;
    }
    if (host.empty()) return wrong("the host is missing");
    for (const char c : host) {
      if (!IsHostChar(c)) return wrong("the host has a character that no host name has");
    }
  }
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port < 1 ||
        url.port > 65535) {
      return wrong("the port must be 1 to 65535");
    }
  }
  url.host = std::string(host);
  url.target =
      target.empty() || target.front() == '?' ? "/" + std::string(target) : std::string(target);
  return url;
}

}  // namespace loadtest
