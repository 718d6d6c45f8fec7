#include "common/spec/load_test_spec.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/time.h"
#include "common/base/units.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
// Of what fits into 63 bits of nanoseconds.
constexpr int64_t kLargestSeconds = 9'000'000'000;
constexpr int64_t kDefaultDurationNs = 10 * kNanosPerSecond;
constexpr int64_t kDefaultTimeoutNs = 10 * kNanosPerSecond;
constexpr int kDefaultConnections = 50;
constexpr int kDefaultMaxConnections = 4'096;
constexpr int kLargestConnections = 100'000;
constexpr int kLargestDrivers = 10'000;
constexpr int64_t kLargestRequests = 1'000'000'000'000;
constexpr double kLargestRate = 1e9;
constexpr double kSmallestRate = 1e-6;
constexpr size_t kLargestBody = 512 << 10;
constexpr int kLargestStages = 1'000;
constexpr int64_t kLargestLanes = 1'000'000;
constexpr int kLargestStreams = 1'000;
constexpr size_t kLargestPem = 256 << 10;
// A spec travels in a Kafka record, and brokers refuse records beyond 1 MB unless they are told
// otherwise.
constexpr size_t kLargestSpec = 768 << 10;
constexpr int kLargestHeaders = 256;
constexpr size_t kLargestHeaderValue = 16'384;

// Collects a line for each wrong field.
class Problems {
 public:
  void Add(std::string line) { lines_.push_back(std::move(line)); }

  void CheckDuration(std::string_view field, const google::protobuf::Duration& value, int64_t low,
                     int64_t high) {
    const bool whole = value.nanos() > -1'000'000'000 && value.nanos() < 1'000'000'000 &&
                       std::abs(value.seconds()) < kLargestSeconds;
    const int64_t ns = whole ? ToNanos(value) : -1;
    if (whole && ns >= low && ns <= high) return;
    Add(absl::StrFormat("%s: got %s, want %s to %s", field,
                        whole ? FormatDuration(ns) : absl::StrFormat("%ds", value.seconds()),
                        FormatDuration(low), FormatDuration(high)));
  }

  void CheckNumber(std::string_view field, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    Add(absl::StrFormat("%s: got %d, want %d to %d", field, value, low, high));
  }

  void CheckLength(std::string_view field, size_t length, size_t most) {
    if (length > most)
      Add(absl::StrFormat("%s: got %d bytes, want at most %d", field, length, most));
  }

  absl::Status ToStatus() const {
    if (lines_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
  }

 private:
  std::vector<std::string> lines_;
};

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

// What a person can read of bytes that may be anything.
std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += absl::StrFormat("\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out;
}

void CheckRequest(v1::HttpRequest& request, Problems& problems) {
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
  problems.CheckLength("spec.request.body", request.body().size(), kLargestBody);
  const auto body_bytes = static_cast<int64_t>(request.body().size());
  if (request.body_bytes() != 0 && request.body_bytes() != body_bytes) {
    problems.Add(absl::StrFormat(
        "spec.request.body: got %d bytes, want the %d of body_bytes: it was left out of what you "
        "copied",
        body_bytes, request.body_bytes()));
  }
  request.set_body_bytes(body_bytes);
}

void CheckStages(const v1::RateStages& stages, Problems& problems) {
  if (stages.stages_size() < 1 || stages.stages_size() > kLargestStages) {
    problems.Add(absl::StrFormat("spec.stages.stages: got %d, want 1 to %d", stages.stages_size(),
                                 kLargestStages));
    return;
  }
  double highest = 0;
  for (int i = 0; i < stages.stages_size(); ++i) {
    const v1::Stage& stage = stages.stages(i);
    const std::string field = absl::StrFormat("spec.stages.stages[%d]", i);
    for (const auto& [name, rate] :
         {std::pair("from", stage.from()), std::pair("to", stage.to())}) {
      // Written so that NaN is refused too.
      if (!(rate >= 0 && rate <= kLargestRate)) {
        problems.Add(
            absl::StrFormat("%s.%s: got %g, want 0 to %g", field, name, rate, kLargestRate));
      }
      highest = std::max(highest, rate);
    }
    problems.CheckDuration(field + ".duration", stage.duration(), kNanosPerMilli, 7 * kDay);
  }
  if (highest < kSmallestRate) {
    problems.Add(absl::StrFormat("spec.stages: got no rate above 0 in any stage, want %g or more",
                                 kSmallestRate));
  }
}

// Sum of the durations; at most about 19 years, as each was checked.
int64_t TotalNs(const v1::RateStages& stages) {
  int64_t total = 0;
  for (const v1::Stage& stage : stages.stages()) total += ToNanos(stage.duration());
  return total;
}

void CheckArrivals(v1::LoadTestSpec& spec, Problems& problems) {
  const bool is_open_loop = spec.load_case() != v1::LoadTestSpec::kAvalanche &&
                            spec.load_case() != v1::LoadTestSpec::LOAD_NOT_SET;
  if (!is_open_loop) {
    if (spec.arrivals() != v1::LoadTestSpec::ARRIVALS_UNSPECIFIED) {
      problems.Add(
          "spec.arrivals: got a value, want none: in an avalanche requests have no due time");
    }
    if (spec.has_spin() && ToNanos(spec.spin()) != 0) {
      problems.Add("spec.spin: got a value, want none: in an avalanche requests have no due time");
    }
  } else if (spec.arrivals() == v1::LoadTestSpec::ARRIVALS_UNSPECIFIED) {
    spec.set_arrivals(v1::LoadTestSpec::UNIFORM);
  }
  if (!v1::LoadTestSpec::Arrivals_IsValid(spec.arrivals())) {
    problems.Add(absl::StrFormat("spec.arrivals: got %d, want UNIFORM or POISSON",
                                 static_cast<int>(spec.arrivals())));
  }
  if (spec.arrival_seed() != 0 && spec.arrivals() != v1::LoadTestSpec::POISSON) {
    problems.Add(absl::StrFormat("spec.arrival_seed: got %d, want none without POISSON arrivals",
                                 spec.arrival_seed()));
  }
  if (spec.has_spin()) problems.CheckDuration("spec.spin", spec.spin(), 0, kNanosPerMilli);
  if (spec.has_warmup()) problems.CheckDuration("spec.warmup", spec.warmup(), 0, kHour);
}

void CheckPem(std::string_view field, std::string_view pem, std::string_view kind,
              Problems& problems) {
  if (pem.empty()) return;
  problems.CheckLength(field, pem.size(), kLargestPem);
  if (pem.find("-----BEGIN ") == std::string_view::npos) {
    problems.Add(
        absl::StrFormat("%s: got %d bytes that are no PEM text, want %s", field, pem.size(), kind));
  }
}

void CheckTls(v1::LoadTestSpec& spec, Problems& problems) {
  if (!spec.has_tls()) return;
  const absl::StatusOr<Url> url = ParseUrl(spec.request().url());
  if (url.ok() && !url->is_tls) {
    problems.Add(absl::StrFormat("spec.tls: got a value, want none with %s: only https has TLS",
                                 Printable(spec.request().url())));
  }
  const v1::TlsOptions& tls = spec.tls();
  CheckPem("spec.tls.ca_certificates", tls.ca_certificates(), "certificates", problems);
  CheckPem("spec.tls.client_certificate", tls.client_certificate(), "a certificate with its chain",
           problems);
  CheckPem("spec.tls.client_key", tls.client_key(), "a private key", problems);
  if (tls.client_certificate().empty() != tls.client_key().empty()) {
    problems.Add("spec.tls: got a client certificate or its key alone, want both or none");
  }
  if (tls.insecure() && !tls.ca_certificates().empty()) {
    problems.Add("spec.tls: got insecure and ca_certificates, want one of them");
  }
  problems.CheckLength("spec.tls.server_name", tls.server_name().size(), 253);
  if (!v1::TlsOptions::Version_IsValid(tls.min_version()) ||
      !v1::TlsOptions::Version_IsValid(tls.max_version())) {
    problems.Add("spec.tls.min_version, max_version: got an unknown one, want TLS_1_2 or TLS_1_3");
  } else if (tls.max_version() != 0 && tls.min_version() > tls.max_version()) {
    problems.Add("spec.tls.min_version: got TLS_1_3, want at most max_version, TLS_1_2");
  }
}

void CheckLoad(const v1::LoadTestSpec& spec, Problems& problems) {
  switch (spec.load_case()) {
    case v1::LoadTestSpec::LOAD_NOT_SET:
      problems.Add("spec.load: got none, want one of avalanche, tsunami, rate, stages");
      break;
    case v1::LoadTestSpec::kStages:
      CheckStages(spec.stages(), problems);
      break;
    case v1::LoadTestSpec::kAvalanche:
      break;
    case v1::LoadTestSpec::kTsunami:
      problems.CheckDuration("spec.tsunami.delay", spec.tsunami().delay(), kNanosPerMicro, kHour);
      break;
    case v1::LoadTestSpec::kRate: {
      const double rate = spec.rate().requests_per_second();
      // Written so that NaN is refused too.
      if (!(rate >= kSmallestRate && rate <= kLargestRate)) {
        problems.Add(absl::StrFormat("spec.rate.requests_per_second: got %g, want %g to %g", rate,
                                     kSmallestRate, kLargestRate));
      }
      break;
    }
  }
}

void CheckConnections(v1::LoadTestSpec& spec, Problems& problems) {
  if (spec.connections() == 0) spec.set_connections(kDefaultConnections);
  problems.CheckNumber("spec.connections", spec.connections(), 1, kLargestConnections);
  if (spec.load_case() == v1::LoadTestSpec::kAvalanche) {
    if (spec.max_connections() != 0) {
      problems.Add(absl::StrFormat(
          "spec.max_connections: got %d, want 0: an avalanche keeps to its connections",
          spec.max_connections()));
    }
    return;
  }
  if (spec.max_connections() == 0)
    spec.set_max_connections(std::max(spec.connections(), kDefaultMaxConnections));
  problems.CheckNumber("spec.max_connections", spec.max_connections(),
                       std::max(1, spec.connections()), kLargestConnections);
}

void CheckDurationOfStages(v1::LoadTestSpec& spec, Problems& problems) {
  const int64_t total = TotalNs(spec.stages());
  if (total > 7 * kDay) {
    problems.Add(absl::StrFormat("spec.stages: got %s in all, want at most %s",
                                 FormatDuration(total), FormatDuration(7 * kDay)));
    return;
  }
  if (!spec.has_duration()) *spec.mutable_duration() = ToDuration(total);
  problems.CheckDuration("spec.duration", spec.duration(), kNanosPerMilli,
                         std::max(total, kNanosPerMilli));
}

void CheckTimes(v1::LoadTestSpec& spec, Problems& problems) {
  problems.CheckNumber("spec.requests_per_driver", spec.requests_per_driver(), 0, kLargestRequests);
  if (spec.has_stages()) {
    CheckDurationOfStages(spec, problems);
  } else if (!spec.has_duration() && spec.requests_per_driver() == 0) {
    *spec.mutable_duration() = ToDuration(kDefaultDurationNs);
  }
  if (spec.has_duration() && !spec.has_stages())
    problems.CheckDuration("spec.duration", spec.duration(), kNanosPerMilli, 7 * kDay);
  if (!spec.has_connect_timeout()) *spec.mutable_connect_timeout() = ToDuration(kDefaultTimeoutNs);
  problems.CheckDuration("spec.connect_timeout", spec.connect_timeout(), kNanosPerMilli, kHour);
  if (!spec.has_request_timeout()) *spec.mutable_request_timeout() = ToDuration(kDefaultTimeoutNs);
  problems.CheckDuration("spec.request_timeout", spec.request_timeout(), kNanosPerMilli, kHour);
  if (!spec.has_drain_timeout()) *spec.mutable_drain_timeout() = spec.request_timeout();
  problems.CheckDuration("spec.drain_timeout", spec.drain_timeout(), 0, kHour);
}

void CheckHttpVersion(v1::LoadTestSpec& spec, Problems& problems) {
  if (spec.http_version() == v1::LoadTestSpec::HTTP_VERSION_UNSPECIFIED)
    spec.set_http_version(v1::LoadTestSpec::HTTP_1_1);
  if (spec.http_version() == v1::LoadTestSpec::HTTP_1_1) {
    if (spec.streams() != 0 && spec.streams() != 1) {
      problems.Add(absl::StrFormat(
          "spec.streams: got %d, want 1: with HTTP/1.1 a connection carries one request at a time",
          spec.streams()));
    }
    return;
  }
  if (spec.http_version() != v1::LoadTestSpec::HTTP_2) {
    problems.Add(absl::StrFormat("spec.http_version: got %d, want HTTP_1_1 or HTTP_2",
                                 static_cast<int>(spec.http_version())));
    return;
  }
  if (spec.streams() == 0) spec.set_streams(1);
  problems.CheckNumber("spec.streams", spec.streams(), 1, kLargestStreams);
  const int64_t lanes =
      int64_t{std::max(spec.connections(), spec.max_connections())} * spec.streams();
  if (lanes > kLargestLanes) {
    problems.Add(absl::StrFormat("spec.streams: got %d, want at most %d streams in all connections",
                                 spec.streams(), kLargestLanes));
  }
  for (int i = 0; i < spec.request().headers_size(); ++i) {
    // RFC 9113, section 8.2.2: what is about a single connection.
    for (const std::string_view forbidden : {"Keep-Alive", "Proxy-Connection", "Upgrade", "TE"}) {
      if (!EqualsIgnoreCase(spec.request().headers(i).name(), forbidden)) continue;
      problems.Add(
          absl::StrFormat("spec.request.headers[%d].name: got \"%s\", want none that "
                          "HTTP/2 forbids",
                          i, spec.request().headers(i).name()));
    }
  }
}

void CheckLabels(const v1::LoadTestSpec& spec, Problems& problems) {
  if (spec.labels_size() > 64)
    problems.Add(absl::StrFormat("spec.labels: got %d, want at most 64", spec.labels_size()));
  for (const auto& [key, value] : spec.labels()) {
    if (key.empty() || key.size() > 63) {
      problems.Add(
          absl::StrFormat("spec.labels: got key \"%s\", want 1 to 63 bytes", Printable(key)));
    }
    problems.CheckLength(absl::StrFormat("spec.labels[%s]", Printable(key)), value.size(), 255);
  }
}

absl::Status CheckId(std::string_view id, std::string_view field, std::string_view wanted,
                     bool (*is_good)(char, bool first)) {
  bool good = !id.empty() && id.size() <= 63;
  for (size_t i = 0; i < id.size() && good; ++i) good = is_good(id[i], i == 0);
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: got \"%s\", want %s", field, Printable(id), wanted));
}

}  // namespace

absl::StatusOr<v1::LoadTestSpec> ValidateSpec(const v1::LoadTestSpec& spec) {
  v1::LoadTestSpec out = spec;
  Problems problems;
  problems.CheckLength("spec.title", out.title().size(), 200);
  problems.CheckLength("spec.description", out.description().size(), 4'000);
  CheckRequest(*out.mutable_request(), problems);
  CheckLoad(out, problems);
  CheckArrivals(out, problems);
  CheckTls(out, problems);
  CheckHttpVersion(out, problems);
  problems.CheckNumber("spec.drivers", out.drivers(), 0, kLargestDrivers);
  CheckConnections(out, problems);
  CheckTimes(out, problems);
  CheckLabels(out, problems);
  if (out.on_driver_loss() == v1::LoadTestSpec::ON_DRIVER_LOSS_UNSPECIFIED) {
    out.set_on_driver_loss(v1::LoadTestSpec::CONTINUE);
  }
  if (out.on_driver_loss() != v1::LoadTestSpec::CONTINUE &&
      out.on_driver_loss() != v1::LoadTestSpec::ABORT) {
    problems.Add(absl::StrFormat("spec.on_driver_loss: got %d, want CONTINUE or ABORT",
                                 static_cast<int>(out.on_driver_loss())));
  }
  problems.CheckLength("spec", out.ByteSizeLong(), kLargestSpec);
  RETURN_IF_ERROR(problems.ToStatus());
  return out;
}

absl::Status CheckLoadTestId(std::string_view id, std::string_view field) {
  return CheckId(
      id, field, "1 to 63 of a-z, 0-9 and '-', the first a letter", [](char c, bool first) {
        return (c >= 'a' && c <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '-'));
      });
}

absl::Status CheckDriverId(std::string_view id, std::string_view field) {
  return CheckId(id, field, "1 to 63 letters, digits, '.', '_' or '-'", [](char c, bool) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

absl::StatusOr<std::string> LoadTestIdOfName(std::string_view name, std::string_view field) {
  constexpr std::string_view kPrefix = "loadTests/";
  if (name.substr(0, kPrefix.size()) != kPrefix ||
      !CheckLoadTestId(name.substr(kPrefix.size()), field).ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: got \"%s\", want loadTests/ID, ID being 1 to 63 of a-z, 0-9 and '-'",
                        field, Printable(name)));
  }
  return std::string(name.substr(kPrefix.size()));
}

}  // namespace loadtest
