#include "client/flags/tls_flags.h"

#include <string_view>
#include <utility>

#include "client/flags/flag_values.h"
#include "common/base/status_macros.h"

namespace loadtest {
namespace {

absl::Status ReadPem(std::string_view flag, const std::optional<std::string>& path,
                     const ReadFile& read_file, std::string& pem) {
  if (!path) return absl::OkStatus();
  absl::StatusOr<std::string> content = read_file(*path);
  if (!content.ok()) return NamedFlag(flag, content.status());
  if (content->empty()) return WrongFlag(flag, *path, "a file that is not empty");
  pem = *std::move(content);
  return absl::OkStatus();
}

absl::StatusOr<v1::TlsOptions::Version> VersionFlag(std::string_view flag, std::string_view text) {
  if (text == "1.2") return v1::TlsOptions::TLS_1_2;
  if (text == "1.3") return v1::TlsOptions::TLS_1_3;
  return WrongFlag(flag, text, "1.2 or 1.3");
}

}  // namespace

std::string FirstTlsFlag(const SpecFlags& flags) {
  if (flags.insecure) return "-k";
  if (flags.ca_certificates) return "--cacert";
  if (flags.client_certificate) return "--cert";
  if (flags.client_key) return "--key";
  if (flags.server_name) return "--server-name";
  if (flags.tls_min) return "--tls-min";
  if (flags.tls_max) return "--tls-max";
  if (flags.no_tls_resumption) return "--no-tls-resumption";
  return "";
}

absl::Status ApplyTls(const SpecFlags& flags, const ReadFile& read_file, v1::LoadTestSpec& spec) {
  if (FirstTlsFlag(flags).empty()) return absl::OkStatus();
  v1::TlsOptions& tls = *spec.mutable_tls();
  if (flags.insecure) tls.set_insecure(true);
  if (flags.no_tls_resumption) tls.set_no_resumption(true);
  RETURN_IF_ERROR(
      ReadPem("--cacert", flags.ca_certificates, read_file, *tls.mutable_ca_certificates()));
  RETURN_IF_ERROR(
      ReadPem("--cert", flags.client_certificate, read_file, *tls.mutable_client_certificate()));
  RETURN_IF_ERROR(ReadPem("--key", flags.client_key, read_file, *tls.mutable_client_key()));
  if (flags.server_name) tls.set_server_name(*flags.server_name);
  if (flags.tls_min) {
    ASSIGN_OR_RETURN(const v1::TlsOptions::Version version,
                     VersionFlag("--tls-min", *flags.tls_min));
    tls.set_min_version(version);
  }
  if (flags.tls_max) {
    ASSIGN_OR_RETURN(const v1::TlsOptions::Version version,
                     VersionFlag("--tls-max", *flags.tls_max));
    tls.set_max_version(version);
  }
  return absl::OkStatus();
}

}  // namespace loadtest
