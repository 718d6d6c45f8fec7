#include "client/flags/spec_flags.h"

#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr char kTypes[] = "avalanche, tsunami or rate";

absl::Status Wrong(std::string_view flag, std::string_view got, std::string_view want) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: got \"%s\", want %s", flag, got, want));
}

// The message of a failed parse begins with what it got; put the flag before that.
absl::Status Named(std::string_view flag, const absl::Status& error) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", flag, std::string(error.message())));
}

absl::StatusOr<google::protobuf::Duration> DurationFlag(std::string_view flag,
                                                        const std::string& text) {
  const absl::StatusOr<int64_t> ns = ParseDuration(text);
  if (!ns.ok()) return Named(flag, ns.status());
  return ToDuration(*ns);
}

// `least` is 1 where the spec's 0 means "not given", which nobody writes on purpose.
absl::StatusOr<int64_t> CountFlag(std::string_view flag, const std::string& text, int64_t least,
                                  int64_t most) {
  const absl::StatusOr<int64_t> count = ParseCount(text);
  if (!count.ok()) return Named(flag, count.status());
  if (*count < least || *count > most) {
    return Wrong(flag, text, absl::StrFormat("%s to %s", FormatCount(least), FormatCount(most)));
  }
  return *count;
}

bool IsType(std::string_view word) {
  return word == "avalanche" || word == "tsunami" || word == "rate";
}

bool IsPlan(std::string_view argument) {
  constexpr std::string_view kEnding = ".json";
  const bool is_url = argument.find("://") != std::string_view::npos;
  return !is_url && argument.size() > kEnding.size() &&
         argument.substr(argument.size() - kEnding.size()) == kEnding;
}

struct Arguments {
  std::string type;  // empty: not given
  std::string url_or_plan;
};

absl::StatusOr<Arguments> SplitArguments(const std::vector<std::string>& arguments) {
  constexpr char kUsage[] = "want [avalanche|tsunami|rate] URL, or a plan file that ends in .json";
  if (arguments.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("what to test is missing: %s", kUsage));
  }
  if (arguments.size() == 1) {
    if (IsType(arguments[0])) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: the URL is missing; want for example: %s http://127.0.0.1:8081/ping",
                          arguments[0], arguments[0]));
    }
    return Arguments{.type = "", .url_or_plan = arguments[0]};
  }
  if (arguments.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: one argument too many; %s", arguments[2], kUsage));
  }
  if (!IsType(arguments[0])) return Wrong("type", arguments[0], kTypes);
  return Arguments{.type = arguments[0], .url_or_plan = arguments[1]};
}

// "1k", "2.5k/s".
absl::StatusOr<double> RateOf(std::string_view text) {
  if (text.size() > 2 && text.substr(text.size() - 2) == "/s") text.remove_suffix(2);
  return ParseNumber(text);
}

// "0:1k@30s,1k@2m": FROM:TO@DURATION, or RATE@DURATION.
absl::Status ParseStages(const std::string& text, v1::RateStages& stages) {
  const auto wrong = [&text](std::string_view part) {
    return Wrong("--stages", text,
                 absl::StrFormat("FROM:TO@DURATION or RATE@DURATION between commas, such as "
                                 "0:1k@30s,1k@2m; \"%s\" is neither",
                                 part));
  };
  stages.Clear();
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const size_t at = part.find('@');
    if (at == std::string::npos) return wrong(part);
    const size_t colon = part.find(':');
    const bool ramps = colon != std::string::npos && colon < at;
    const absl::StatusOr<double> from =
        RateOf(std::string_view(part).substr(0, ramps ? colon : at));
    const absl::StatusOr<double> to =
        ramps ? RateOf(std::string_view(part).substr(colon + 1, at - colon - 1)) : from;
    const absl::StatusOr<int64_t> duration_ns = ParseDuration(part.substr(at + 1));
    if (!from.ok() || !to.ok() || !duration_ns.ok()) return wrong(part);
    v1::Stage& stage = *stages.add_stages();
    stage.set_from(*from);
    stage.set_to(*to);
    *stage.mutable_duration() = ToDuration(*duration_ns);
  }
  return absl::OkStatus();
}

// Sets spec.load from the type word, --delay and --rate; leaves a plan's load alone when none of
// them is given.
absl::Status ApplyLoad(const SpecFlags& flags, const std::string& type, v1::LoadTestSpec& spec) {
  if (flags.delay && flags.rate) {
    return absl::InvalidArgumentError(
        "--delay and --rate: got both, want --delay (each driver sends a request every so often) "
        "or --rate (requests per second of all drivers together)");
  }
  if (flags.stages && (flags.delay || flags.rate)) {
    return Wrong("--stages", *flags.stages, "no --delay and no --rate with it");
  }
  if (flags.stages && !type.empty() && type != "rate") {
    return Wrong("--stages", *flags.stages,
                 absl::StrFormat("no --stages with %s; it belongs to rate", type));
  }
  if (flags.delay && !type.empty() && type != "tsunami") {
    return Wrong("--delay", *flags.delay,
                 absl::StrFormat("no --delay with %s; it belongs to tsunami", type));
  }
  if (flags.rate && !type.empty() && type != "rate") {
    return Wrong("--rate", *flags.rate,
                 absl::StrFormat("no --rate with %s; it belongs to rate", type));
  }
  if (flags.delay) {
    ASSIGN_OR_RETURN(*spec.mutable_tsunami()->mutable_delay(),
                     DurationFlag("--delay", *flags.delay));
  } else if (flags.rate) {
    const absl::StatusOr<double> rate = RateOf(*flags.rate);
    if (!rate.ok()) {
      return Wrong("--rate", *flags.rate, "requests per second such as 500, 2.5k or 1M");
    }
    spec.mutable_rate()->set_requests_per_second(*rate);
  } else if (flags.stages) {
    RETURN_IF_ERROR(ParseStages(*flags.stages, *spec.mutable_stages()));
  } else if (type == "avalanche" || (type.empty() && !spec.load_case())) {
    spec.mutable_avalanche();
  } else if (type == "tsunami" && !spec.has_tsunami()) {
    return absl::InvalidArgumentError(
        "tsunami: --delay is missing; want for example --delay 10ms: each driver then sends a "
        "request every 10 ms");
  } else if (type == "rate" && !spec.has_rate() && !spec.has_stages()) {
    return absl::InvalidArgumentError(
        "rate: --rate is missing; want for example --rate 1k: requests per second of all drivers "
        "together");
  }
  return absl::OkStatus();
}

absl::Status AddHeader(const std::string& text, v1::HttpRequest& request) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return Wrong("-H", text, "'Name: value', for example 'Accept: text/html'");
  }
  const size_t value = text.find_first_not_of(" \t", colon + 1);
  v1::Header& header = *request.add_headers();
  header.set_name(text.substr(0, colon));
  if (value != std::string::npos) {
    header.set_value(text.substr(value, text.find_last_not_of(" \t") + 1 - value));
  }
  return absl::OkStatus();
}

absl::Status ApplyRequest(const SpecFlags& flags, const ReadFile& read_file,
                          v1::HttpRequest& request) {
  if (flags.method) request.set_method(*flags.method);
  for (const std::string& header : flags.headers) RETURN_IF_ERROR(AddHeader(header, request));
  if (!flags.body) return absl::OkStatus();
  if (flags.body->substr(0, 1) == "@") {
    absl::StatusOr<std::string> body = read_file(flags.body->substr(1));
    if (!body.ok()) return Named("--body", body.status());
    request.set_body(*std::move(body));
  } else {
    request.set_body(*flags.body);
  }
  // As with curl: a body without a method is meant to be posted.
  if (request.method().empty()) request.set_method("POST");
  return absl::OkStatus();
}

absl::Status ApplyNumbers(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  constexpr int64_t kMaxConnections = 100'000;
  if (flags.connections) {
    ASSIGN_OR_RETURN(const int64_t n, CountFlag("-c", *flags.connections, 1, kMaxConnections));
    spec.set_connections(static_cast<int32_t>(n));
  }
  if (flags.max_connections) {
    ASSIGN_OR_RETURN(const int64_t n,
                     CountFlag("--max-connections", *flags.max_connections, 1, kMaxConnections));
    spec.set_max_connections(static_cast<int32_t>(n));
  }
  if (flags.requests) {
    ASSIGN_OR_RETURN(const int64_t n, CountFlag("-n", *flags.requests, 1, 1'000'000'000'000));
    spec.set_requests_per_driver(n);
  }
  if (flags.drivers) {
    ASSIGN_OR_RETURN(const int64_t n, CountFlag("--drivers", *flags.drivers, 0, 10'000));
    spec.set_drivers(static_cast<int32_t>(n));
  }
  return absl::OkStatus();
}

absl::Status ApplyTimes(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.duration) {
    ASSIGN_OR_RETURN(*spec.mutable_duration(), DurationFlag("-d", *flags.duration));
  }
  if (flags.timeout) {
    ASSIGN_OR_RETURN(*spec.mutable_request_timeout(), DurationFlag("--timeout", *flags.timeout));
  }
  if (flags.connect_timeout) {
    ASSIGN_OR_RETURN(*spec.mutable_connect_timeout(),
                     DurationFlag("--connect-timeout", *flags.connect_timeout));
  }
  if (flags.drain) {
    ASSIGN_OR_RETURN(*spec.mutable_drain_timeout(), DurationFlag("--drain", *flags.drain));
  }
  return absl::OkStatus();
}

absl::Status ApplyShape(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.arrivals) {
    if (*flags.arrivals != "uniform" && *flags.arrivals != "poisson") {
      return Wrong("--arrivals", *flags.arrivals, "uniform or poisson");
    }
    spec.set_arrivals(*flags.arrivals == "poisson" ? v1::LoadTestSpec::POISSON
                                                   : v1::LoadTestSpec::UNIFORM);
  }
  if (flags.seed) {
    ASSIGN_OR_RETURN(const int64_t seed,
                     CountFlag("--seed", *flags.seed, 0, std::numeric_limits<int64_t>::max()));
    spec.set_arrival_seed(static_cast<uint64_t>(seed));
  }
  if (flags.warmup) {
    ASSIGN_OR_RETURN(*spec.mutable_warmup(), DurationFlag("--warmup", *flags.warmup));
  }
  if (flags.spin) {
    ASSIGN_OR_RETURN(*spec.mutable_spin(), DurationFlag("--spin", *flags.spin));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::TlsOptions::Version> TlsVersionFlag(std::string_view flag,
                                                       const std::string& text) {
  if (text == "1.2") return v1::TlsOptions::TLS_1_2;
  if (text == "1.3") return v1::TlsOptions::TLS_1_3;
  return Wrong(flag, text, "1.2 or 1.3");
}

absl::Status ApplyTls(const SpecFlags& flags, const ReadFile& read_file, v1::LoadTestSpec& spec) {
  if (flags.insecure) spec.mutable_tls()->set_insecure(true);
  if (flags.no_tls_resumption) spec.mutable_tls()->set_no_resumption(true);
  if (flags.server_name) spec.mutable_tls()->set_server_name(*flags.server_name);
  if (flags.tls_min) {
    ASSIGN_OR_RETURN(const auto version, TlsVersionFlag("--tls-min", *flags.tls_min));
    spec.mutable_tls()->set_min_version(version);
  }
  if (flags.tls_max) {
    ASSIGN_OR_RETURN(const auto version, TlsVersionFlag("--tls-max", *flags.tls_max));
    spec.mutable_tls()->set_max_version(version);
  }
  const std::tuple<std::string_view, const std::optional<std::string>*,
                   void (v1::TlsOptions::*)(std::string &&)>
      files[] = {
          {"--cacert", &flags.cacert, &v1::TlsOptions::set_ca_certificates},
          {"--cert", &flags.cert, &v1::TlsOptions::set_client_certificate},
          {"--key", &flags.key, &v1::TlsOptions::set_client_key},
      };
  for (const auto& [flag, path, set] : files) {
    if (!path->has_value()) continue;
    absl::StatusOr<std::string> pem = read_file(**path);
    if (!pem.ok()) return Named(flag, pem.status());
    (spec.mutable_tls()->*set)(*std::move(pem));
  }
  return absl::OkStatus();
}

absl::Status ApplyHttpVersion(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.http2) spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  if (flags.streams) {
    if (spec.http_version() != v1::LoadTestSpec::HTTP_2) {
      return Wrong("--streams", *flags.streams, "--http2 with it");
    }
    ASSIGN_OR_RETURN(const int64_t n, CountFlag("--streams", *flags.streams, 1, 1'000));
    spec.set_streams(static_cast<int32_t>(n));
  }
  return absl::OkStatus();
}

absl::Status ApplyRest(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.title) spec.set_title(*flags.title);
  if (flags.on_driver_loss) {
    if (*flags.on_driver_loss == "continue") {
      spec.set_on_driver_loss(v1::LoadTestSpec::CONTINUE);
    } else if (*flags.on_driver_loss == "abort") {
      spec.set_on_driver_loss(v1::LoadTestSpec::ABORT);
    } else {
      return Wrong("--on-driver-loss", *flags.on_driver_loss, "continue or abort");
    }
  }
  for (const std::string& label : flags.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) return Wrong("--label", label, "KEY=VALUE");
    (*spec.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LoadTestSpec> SpecFromFlags(const SpecFlags& flags, const ReadFile& read_file) {
  ASSIGN_OR_RETURN(const Arguments arguments, SplitArguments(flags.arguments));
  v1::LoadTestSpec spec;
  if (IsPlan(arguments.url_or_plan)) {
    ASSIGN_OR_RETURN(const std::string plan, read_file(arguments.url_or_plan));
    RETURN_IF_ERROR(JsonToProto(plan, arguments.url_or_plan, spec));
  } else {
    spec.mutable_request()->set_url(arguments.url_or_plan);
  }
  RETURN_IF_ERROR(ApplyLoad(flags, arguments.type, spec));
  RETURN_IF_ERROR(ApplyRequest(flags, read_file, *spec.mutable_request()));
  RETURN_IF_ERROR(ApplyNumbers(flags, spec));
  RETURN_IF_ERROR(ApplyTimes(flags, spec));
  RETURN_IF_ERROR(ApplyShape(flags, spec));
  RETURN_IF_ERROR(ApplyTls(flags, read_file, spec));
  RETURN_IF_ERROR(ApplyHttpVersion(flags, spec));
  RETURN_IF_ERROR(ApplyRest(flags, spec));
  return spec;
}

absl::Status InTermsOfFlags(const absl::Status& error, const SpecFlags& flags) {
  const bool has_plan = !flags.arguments.empty() && IsPlan(flags.arguments.back());
  const std::string plan_fields = has_plan ? flags.arguments.back() + ": " : "";
  const std::pair<std::string_view, std::string_view> fields[] = {
      {"spec.request.url:", has_plan ? "" : "URL:"},
      {"spec.request.method:", flags.method ? "-X:" : ""},
      {"spec.request.headers[", flags.headers.empty() ? "" : "-H ["},
      {"spec.request.body:", flags.body ? "--body:" : ""},
      {"spec.tsunami.delay:", flags.delay ? "--delay:" : ""},
      {"spec.rate.requests_per_second:", flags.rate ? "--rate:" : ""},
      {"spec.duration:", flags.duration ? "-d:" : ""},
      {"spec.stages", flags.stages ? "--stages" : ""},
      {"spec.arrivals:", flags.arrivals ? "--arrivals:" : ""},
      {"spec.arrival_seed:", flags.seed ? "--seed:" : ""},
      {"spec.warmup:", flags.warmup ? "--warmup:" : ""},
      {"spec.spin:", flags.spin ? "--spin:" : ""},
      {"spec.tls.ca_certificates:", flags.cacert ? "--cacert:" : ""},
      {"spec.tls.client_certificate:", flags.cert ? "--cert:" : ""},
      {"spec.tls.client_key:", flags.key ? "--key:" : ""},
      {"spec.tls.server_name:", flags.server_name ? "--server-name:" : ""},
      {"spec.streams:", flags.streams ? "--streams:" : ""},
      {"spec.max_connections:", flags.max_connections ? "--max-connections:" : ""},
      {"spec.connect_timeout:", flags.connect_timeout ? "--connect-timeout:" : ""},
      {"spec.request_timeout:", flags.timeout ? "--timeout:" : ""},
      {"spec.drain_timeout:", flags.drain ? "--drain:" : ""},
      {"spec.title:", flags.title ? "--title:" : ""},
      {"spec.labels", flags.labels.empty() ? "" : "--label"},
      // The rest is from the plan, where the spec is the whole file.
      {"spec.", plan_fields},
  };
  std::vector<std::string> lines = absl::StrSplit(error.message(), '\n');
  for (std::string& line : lines) {
    for (const auto& [field, flag] : fields) {
      if (!flag.empty() && line.compare(0, field.size(), field) == 0) {
        line.replace(0, field.size(), flag);
        break;
      }
    }
  }
  return absl::Status(error.code(), absl::StrJoin(lines, "\n"));
}

std::string DescribeDefaults(const v1::LoadTestSpec& asked, const v1::LoadTestSpec& complete) {
  std::vector<std::string> defaults;
  if (asked.connections() == 0) {
    defaults.push_back(
        absl::StrFormat("%s connections a driver", FormatCount(complete.connections())));
  }
  if (!asked.has_duration() && complete.has_duration()) {
    defaults.push_back("duration " + FormatDuration(ToNanos(complete.duration())));
  }
  if (!asked.has_request_timeout()) {
    defaults.push_back("timeout " + FormatDuration(ToNanos(complete.request_timeout())));
  }
  const absl::StatusOr<Url> url = ParseUrl(complete.request().url());
  if (url.ok() && url->is_tls) {
    defaults.push_back(complete.tls().insecure() ? "TLS NOT verified (-k)" : "TLS verified");
  }
  return defaults.empty() ? "" : "defaults: " + absl::StrJoin(defaults, ", ");
}

}  // namespace loadtest
