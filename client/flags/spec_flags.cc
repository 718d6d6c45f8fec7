#include "client/flags/spec_flags.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/flags/flag_values.h"
#include "client/flags/stages_flag.h"
#include "client/flags/tls_flags.h"
#include "common/base/nearest.h"
#include "common/base/status_macros.h"
#include "common/base/units.h"
#include "common/config/config.h"
#include "common/json/proto_json.h"

namespace loadtest {
namespace {

constexpr char kTypes[] = "avalanche, tsunami or rate";

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
    return absl::InvalidArgumentError(
        absl::StrFormat("what to test is missing: %s; for example http://127.0.0.1:8081/ping, or a "
                        "plan that loadctl init writes",
                        kUsage));
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
  if (!IsType(arguments[0])) {
    if (arguments[0].find("://") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s: one argument too many; want one URL a test (%s)", arguments[1], kUsage));
    }
    return WrongFlag("type", arguments[0],
                     kTypes + DidYouMean(arguments[0], {"avalanche", "tsunami", "rate"}));
  }
  return Arguments{.type = arguments[0], .url_or_plan = arguments[1]};
}

// Sets spec.load from the type word, --delay, --rate and --stages; leaves a plan's load alone when
// none of them is given.
absl::Status ApplyLoad(const SpecFlags& flags, const std::string& type, v1::LoadTestSpec& spec) {
  if (flags.delay && flags.rate) {
    return absl::InvalidArgumentError(
        "--delay and --rate: got both, want --delay (each driver sends a request every so often) "
        "or --rate (requests per second of all drivers together)");
  }
  if (flags.stages && (flags.delay || flags.rate)) {
    return WrongFlag("--stages", *flags.stages,
                     absl::StrFormat("no --stages with %s: they have the rate",
                                     flags.delay ? "--delay" : "--rate"));
  }
  if (flags.delay && !type.empty() && type != "tsunami") {
    return WrongFlag("--delay", *flags.delay,
                     absl::StrFormat("no --delay with %s; it belongs to tsunami", type));
  }
  if (flags.rate && !type.empty() && type != "rate") {
    return WrongFlag("--rate", *flags.rate,
                     absl::StrFormat("no --rate with %s; it belongs to rate", type));
  }
  if (flags.stages && !type.empty() && type != "rate") {
    return WrongFlag("--stages", *flags.stages,
                     absl::StrFormat("no --stages with %s; they belong to rate", type));
  }
  if (flags.delay) {
    ASSIGN_OR_RETURN(*spec.mutable_tsunami()->mutable_delay(),
                     DurationFlag("--delay", *flags.delay));
  } else if (flags.rate) {
    std::string_view text = *flags.rate;
    if (text.size() > 2 && text.substr(text.size() - 2) == "/s") text.remove_suffix(2);
    const absl::StatusOr<double> rate = ParseNumber(text);
    if (!rate.ok()) {
      return WrongFlag("--rate", *flags.rate, "requests per second such as 500, 2.5k or 1M");
    }
    spec.mutable_rate()->set_requests_per_second(*rate);
  } else if (flags.stages) {
    ASSIGN_OR_RETURN(*spec.mutable_stages(), ParseStages(*flags.stages));
  } else if (type == "avalanche" || (type.empty() && !spec.load_case())) {
    spec.mutable_avalanche();
  } else if (type == "tsunami" && !spec.has_tsunami()) {
    return absl::InvalidArgumentError(
        "tsunami: --delay is missing; want for example --delay 10ms: each driver then sends a "
        "request every 10 ms");
  } else if (type == "rate" && !spec.has_rate() && !spec.has_stages()) {
    return absl::InvalidArgumentError(
        "rate: --rate is missing; want for example --rate 1k: requests per second of all drivers "
        "together, or --stages 0:1k@30s,1k@2m");
  }
  return absl::OkStatus();
}

absl::Status ApplyArrivals(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.arrivals) {
    if (*flags.arrivals == "uniform") {
      spec.set_arrivals(v1::LoadTestSpec::UNIFORM);
    } else if (*flags.arrivals == "poisson") {
      spec.set_arrivals(v1::LoadTestSpec::POISSON);
    } else {
      return WrongFlag("--arrivals", *flags.arrivals, "uniform or poisson");
    }
  }
  if (flags.seed) {
    uint64_t seed = 0;
    const char* const end = flags.seed->data() + flags.seed->size();
    const auto [stop, error] = std::from_chars(flags.seed->data(), end, seed);
    if (error != std::errc() || stop != end) {
      return WrongFlag("--seed", *flags.seed, "a whole number below 2^64");
    }
    spec.set_arrival_seed(seed);
  }
  if (flags.warmup) {
    ASSIGN_OR_RETURN(*spec.mutable_warmup(), DurationFlag("--warmup", *flags.warmup));
  }
  if (flags.spin) {
    ASSIGN_OR_RETURN(*spec.mutable_spin(), DurationFlag("--spin", *flags.spin));
  }
  return absl::OkStatus();
}

absl::Status AddHeader(const std::string& text, v1::HttpRequest& request) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return WrongFlag("-H", text, "'Name: value', for example 'Accept: text/html'");
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
    if (!body.ok()) return NamedFlag("--body", body.status());
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
  if (flags.http2) spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  if (flags.streams) {
    ASSIGN_OR_RETURN(const int64_t n, CountFlag("--streams", *flags.streams, 1, 1'000));
    spec.set_streams(static_cast<int32_t>(n));
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

// Those of the flags take the place of a plan's, so that a plan can be run with others.
absl::Status ApplyThresholds(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (!flags.thresholds.empty()) {
    ASSIGN_OR_RETURN(*spec.mutable_thresholds(), ThresholdsFlag("--slo", flags.thresholds));
  }
  if (!flags.abort_on_threshold) return absl::OkStatus();
  if (spec.thresholds().empty()) {
    return absl::InvalidArgumentError(
        "--abort-on-fail: there is nothing to fail; want --slo with it, such as --slo 'p99<50ms'");
  }
  spec.set_abort_on_threshold(true);
  return absl::OkStatus();
}

absl::Status ApplyRest(const SpecFlags& flags, v1::LoadTestSpec& spec) {
  if (flags.title) spec.set_title(*flags.title);
  if (flags.on_driver_loss) {
    if (*flags.on_driver_loss == "continue") {
      spec.set_on_driver_loss(v1::LoadTestSpec::CONTINUE);
    } else if (*flags.on_driver_loss == "abort") {
      spec.set_on_driver_loss(v1::LoadTestSpec::ABORT);
    } else if (*flags.on_driver_loss == "redistribute") {
      spec.set_on_driver_loss(v1::LoadTestSpec::REDISTRIBUTE);
    } else {
      return WrongFlag("--on-driver-loss", *flags.on_driver_loss,
                       "continue, redistribute or abort");
    }
  }
  for (const std::string& label : flags.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) return WrongFlag("--label", label, "KEY=VALUE");
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
  RETURN_IF_ERROR(ApplyArrivals(flags, spec));
  RETURN_IF_ERROR(ApplyRequest(flags, read_file, *spec.mutable_request()));
  RETURN_IF_ERROR(ApplyTls(flags, read_file, spec));
  RETURN_IF_ERROR(ApplyNumbers(flags, spec));
  RETURN_IF_ERROR(ApplyTimes(flags, spec));
  RETURN_IF_ERROR(ApplyThresholds(flags, spec));
  RETURN_IF_ERROR(ApplyRest(flags, spec));
  return spec;
}

namespace {

// What to do about an argument that is no URL.
std::string UrlAdvice(const std::string& url) {
  if (url.find("://") != std::string::npos || url.empty()) return "";
  if (url.find('.') == std::string::npos && url.find(':') == std::string::npos &&
      url.find('/') == std::string::npos) {
    return "; a plan file has a name that ends in .json";
  }
  return absl::StrFormat("; did you mean http://%s? (a plan file has a name that ends in .json)",
                         url);
}

}  // namespace

absl::Status InTermsOfFlags(const absl::Status& error, const SpecFlags& flags) {
  const bool has_plan = !flags.arguments.empty() && IsPlan(flags.arguments.back());
  const std::string plan_fields = has_plan ? flags.arguments.back() + ": " : "";
  const std::string first_tls_flag = FirstTlsFlag(flags);
  // One of the two without the other is the flag's fault, whichever it is.
  const bool tls_pair = flags.client_certificate || flags.client_key;
  const std::pair<std::string_view, std::string> fields[] = {
      {"spec.request.url:", has_plan ? "" : "URL:"},
      {"spec.request.method:", flags.method ? "-X:" : ""},
      {"spec.request.headers[", flags.headers.empty() ? "" : "-H ["},
      {"spec.request.body:", flags.body ? "--body:" : ""},
      {"spec.tsunami.delay:", flags.delay ? "--delay:" : ""},
      {"spec.rate.requests_per_second:", flags.rate ? "--rate:" : ""},
      {"spec.stages.stages:", flags.stages ? "--stages:" : ""},
      {"spec.stages.stages[", flags.stages ? "--stages [" : ""},
      {"spec.arrivals:", flags.arrivals ? "--arrivals:" : ""},
      {"spec.arrival_seed:", flags.seed ? "--seed:" : ""},
      {"spec.warmup:", flags.warmup ? "--warmup:" : ""},
      {"spec.spin:", flags.spin ? "--spin:" : ""},
      {"spec.streams:", flags.streams ? "--streams:" : ""},
      {"spec.tls:", first_tls_flag.empty() ? "" : first_tls_flag + ":"},
      {"spec.tls.ca_certificates:", flags.ca_certificates ? "--cacert:" : ""},
      {"spec.tls.client_certificate:", tls_pair ? "--cert:" : ""},
      {"spec.tls.client_key:", tls_pair ? "--key:" : ""},
      {"spec.tls.server_name:", flags.server_name ? "--server-name:" : ""},
      {"spec.tls.min_version:", flags.tls_min || flags.tls_max ? "--tls-min:" : ""},
      {"spec.duration:", flags.duration ? "-d:" : ""},
      {"spec.max_connections:", flags.max_connections ? "--max-connections:" : ""},
      {"spec.connect_timeout:", flags.connect_timeout ? "--connect-timeout:" : ""},
      {"spec.request_timeout:", flags.timeout ? "--timeout:" : ""},
      {"spec.drain_timeout:", flags.drain ? "--drain:" : ""},
      {"spec.on_driver_loss:", flags.on_driver_loss ? "--on-driver-loss:" : ""},
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
  if (!has_plan && !flags.arguments.empty()) {
    const std::string& url = flags.arguments.back();
    for (std::string& line : lines) {
      if (line.compare(0, 4, "URL:") == 0) line += UrlAdvice(url);
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
  const bool is_tls = complete.has_tls();
  if (is_tls && !complete.tls().insecure()) defaults.push_back("TLS verified");
  std::string out = defaults.empty() ? "" : "defaults: " + absl::StrJoin(defaults, ", ");
  if (is_tls && complete.tls().insecure()) {
    out +=
        absl::StrFormat("%sthe server's certificate is not verified (-k)", out.empty() ? "" : "; ");
  }
  return out;
}

}  // namespace loadtest
