// From the flags of `loadctl run` and `create` to the spec of a test.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// What a person wrote, not yet understood. Absent: not given.
struct SpecFlags {
  // "URL", "TYPE URL", "PLAN.json" or "TYPE PLAN.json"; TYPE is avalanche, tsunami or rate.
  std::vector<std::string> arguments = {};
  std::optional<std::string> connections = std::nullopt;
  std::optional<std::string> max_connections = std::nullopt;
  std::optional<std::string> duration = std::nullopt;
  std::optional<std::string> requests = std::nullopt;
  std::optional<std::string> rate = std::nullopt;
  std::optional<std::string> delay = std::nullopt;
  std::optional<std::string> stages = std::nullopt;    // "0:1k@30s,1k@2m"
  std::optional<std::string> arrivals = std::nullopt;  // "uniform", "poisson"
  std::optional<std::string> seed = std::nullopt;
  std::optional<std::string> warmup = std::nullopt;
  std::optional<std::string> spin = std::nullopt;
  std::optional<std::string> drivers = std::nullopt;
  std::optional<std::string> method = std::nullopt;
  std::optional<std::string> body = std::nullopt;  // text, "@file", or "@-" for standard input
  std::vector<std::string> headers = {};           // "Name: value"
  bool http2 = false;
  std::optional<std::string> streams = std::nullopt;
  // TLS; certificates and the key are paths of files.
  bool insecure = false;
  std::optional<std::string> ca_certificates = std::nullopt;
  std::optional<std::string> client_certificate = std::nullopt;
  std::optional<std::string> client_key = std::nullopt;
  std::optional<std::string> server_name = std::nullopt;
  std::optional<std::string> tls_min = std::nullopt;  // "1.2", "1.3"
  std::optional<std::string> tls_max = std::nullopt;
  bool no_tls_resumption = false;
  std::optional<std::string> timeout = std::nullopt;
  std::optional<std::string> connect_timeout = std::nullopt;
  std::optional<std::string> drain = std::nullopt;
  std::optional<std::string> on_driver_loss = std::nullopt;
  std::optional<std::string> title = std::nullopt;
  std::vector<std::string> labels = {};      // "key=value"
  std::vector<std::string> thresholds = {};  // "p99<50ms,errors<0.1%"
  bool abort_on_threshold = false;
};

// Reads a whole file; "-" is standard input.
using ReadFile = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// The spec as it was asked for, without defaults; ValidateSpec fills them in. A plan file comes
// first, flags override it. InvalidArgument names the flag, what it got and what was wanted:
// --delay: got "5", want a duration such as 500ms
absl::StatusOr<v1::LoadTestSpec> SpecFromFlags(const SpecFlags& flags, const ReadFile& read_file);

// An error of ValidateSpec, with the flag in place of the field where the value came from a flag,
// and else with the plan file:
//   spec.tsunami.delay: got 0s, want 1us to 1h   ->   --delay: got 0s, want 1us to 1h
//                                                or   plan.json: tsunami.delay: got 0s, want 1us to
//                                                1h
absl::Status InTermsOfFlags(const absl::Status& error, const SpecFlags& flags);

// The defaults that `complete` has and `asked` has not: "defaults: 50 connections a driver,
// duration 10s, timeout 10s, TLS verified"; and that a certificate is not verified, if so. Empty
// when there is nothing to say.
std::string DescribeDefaults(const v1::LoadTestSpec& asked, const v1::LoadTestSpec& complete);

}  // namespace loadtest
