#include <algorithm>
#include <string_view>

#include "absl/strings/str_format.h"
#include "common/spec/spec_checks.h"

namespace loadtest {
namespace {

constexpr size_t kLargestPem = 256 << 10;
// Of a name in the DNS.
constexpr size_t kLargestName = 253;

// What stands in the text is not shown: it may be a key.
void CheckPem(std::string_view field, const std::string& text, SpecProblems& problems) {
  problems.CheckLength(field, text.size(), kLargestPem);
  if (!text.empty() && text.find("-----BEGIN") == std::string::npos) {
    problems.Add(
        absl::StrFormat("%s: got %d bytes without -----BEGIN, want PEM text", field, text.size()));
  }
}

void CheckServerName(const std::string& name, SpecProblems& problems) {
  const bool good =
      name.size() <= kLargestName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
      });
  if (good) return;
  problems.Add(
      absl::StrFormat("spec.tls.server_name: got \"%s\", want a host name of at most %d letters, "
                      "digits, '.', '-' and '_'",
                      Printable(name), kLargestName));
}

bool CheckVersion(std::string_view field, v1::TlsOptions::Version version, SpecProblems& problems) {
  if (version == v1::TlsOptions::TLS_1_2 || version == v1::TlsOptions::TLS_1_3) return true;
  problems.Add(
      absl::StrFormat("%s: got %d, want TLS_1_2 or TLS_1_3", field, static_cast<int>(version)));
  return false;
}

void CheckVersions(v1::TlsOptions& tls, SpecProblems& problems) {
  if (tls.min_version() == v1::TlsOptions::VERSION_UNSPECIFIED)
    tls.set_min_version(v1::TlsOptions::TLS_1_2);
  if (tls.max_version() == v1::TlsOptions::VERSION_UNSPECIFIED)
    tls.set_max_version(v1::TlsOptions::TLS_1_3);
  const bool min_known = CheckVersion("spec.tls.min_version", tls.min_version(), problems);
  const bool max_known = CheckVersion("spec.tls.max_version", tls.max_version(), problems);
  if (min_known && max_known && tls.min_version() > tls.max_version()) {
    problems.Add("spec.tls.min_version: got TLS_1_3, want at most max_version, which is TLS_1_2");
  }
}

}  // namespace

void CheckTls(v1::LoadTestSpec& spec, SpecProblems& problems) {
  const absl::StatusOr<Url> url = ParseUrl(spec.request().url());
  if (!url.ok()) return;  // it is among the problems already
  if (!url->is_tls) {
    if (spec.has_tls()) {
      problems.Add("spec.tls: got options for TLS, want none with an http URL, or an https URL");
    }
    return;
  }
  v1::TlsOptions& tls = *spec.mutable_tls();
  CheckPem("spec.tls.ca_certificates", tls.ca_certificates(), problems);
  CheckPem("spec.tls.client_certificate", tls.client_certificate(), problems);
  CheckPem("spec.tls.client_key", tls.client_key(), problems);
  if (tls.client_certificate().empty() && !tls.client_key().empty()) {
    problems.Add("spec.tls.client_certificate: got none, want the one that client_key belongs to");
  }
  if (tls.client_key().empty() && !tls.client_certificate().empty()) {
    problems.Add("spec.tls.client_key: got none, want the one that client_certificate belongs to");
  }
  if (tls.insecure() && !tls.ca_certificates().empty()) {
    problems.Add("spec.tls: got insecure and ca_certificates, want one of them");
  }
  CheckServerName(tls.server_name(), problems);
  CheckVersions(tls, problems);
}

}  // namespace loadtest
