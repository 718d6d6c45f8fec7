#include "server/api/rest_routes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/json/proto_json.h"
#include "server/api/rest_error.h"
#include "server/api/rest_metrics.h"
#include "server/api/rest_origin.h"

namespace loadtest {
namespace {

constexpr uint64_t kMaxStopBytes = 64 << 10;
constexpr char kBodySource[] = "request body";

std::vector<RestRoute> ApiRoutes() {
  using enum RestAction;
  return {
      {"POST",
       "/v1/loadTests",
       kCreateLoadTest,
       RestRoutes::kMaxSpecBytes,
       {"load_test_id", "request_id", "validate_only"}},
      {"GET", "/v1/loadTests", kListLoadTests, 0, {"page_size", "page_token"}},
      {"GET", "/v1/loadTests/{id}", kGetLoadTest},
      {"DELETE", "/v1/loadTests/{id}", kDeleteLoadTest},
      {"POST", "/v1/loadTests/{id}:stop", kStopLoadTest, kMaxStopBytes},
      {"GET", "/v1/loadTests/{id}:watch", kWatchLoadTest},
      {"GET", "/v1/loadTests/{id}/report", kGetReport},
      {"GET", "/v1/drivers", kListDrivers, 0, {"page_size", "page_token"}},
      {"GET", "/metrics", kGetMetrics},
      {"GET", "/healthz", kGetHealth},
  };
}

// The id at the place of "{id}", empty for a pattern without one; nothing when `path` does not fit.
std::optional<std::string_view> MatchPattern(std::string_view pattern, std::string_view path) {
  constexpr std::string_view kId = "{id}";
  const size_t place = pattern.find(kId);
  if (place == std::string_view::npos) {
    return path == pattern ? std::optional<std::string_view>("") : std::nullopt;
  }
  const std::string_view before = pattern.substr(0, place);
  const std::string_view after = pattern.substr(place + kId.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view id =
      path.substr(before.size(), path.size() - before.size() - after.size());
  if (id.find_first_of("/:") != std::string_view::npos) return std::nullopt;
  return id;
}

bool IsJson(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return absl::EqualsIgnoreCase({type.data(), type.size()}, "application/json");
}

RestResponse JsonResponse(const google::protobuf::Message& message) {
  RestResponse response;
  // Zeros are written, so that a script can read any count without asking first whether it is
  // there.
  response.body = ProtoToJson(message, 2, /*defaults=*/true) + "\n";
  return response;
}

// A reply of the control plane that becomes JSON, or an error.
template <typename Message>
Reply<Message> RespondJson(RestRespond respond) {
  return [respond = std::move(respond)](absl::StatusOr<Message> reply) {
    auto shared = std::make_shared<absl::StatusOr<Message>>(std::move(reply));
    respond([shared] {
      return shared->ok() ? JsonResponse(**shared) : ErrorResponse(shared->status());
    });
  };
}

void RespondError(const RestRespond& respond, const absl::Status& status) {
  respond([status] { return ErrorResponse(status); });
}

RestResponse HealthResponse(const ControlPlaneStats& stats) {
  // Serving without a broker is healthy: drivers go on, and a restart would not bring the broker
  // back.
  return {.content_type = "text/plain; charset=utf-8",
          .body = stats.bus_connected ? "ok\n" : "ok, but the broker is away\n"};
}

RestResponse AssetResponse(const WebAsset& asset) {
  RestResponse response;
  response.content_type = asset.content_type;
  response.body = asset.content;
  // The page loads nothing from elsewhere, and no other page may frame its buttons.
  response.headers = {{"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

// page_size and page_token, which both lists have.
template <typename Request>
absl::StatusOr<Request> PageRequest(const RestTarget& target) {
  Request request;
  ASSIGN_OR_RETURN(const int32_t page_size, IntParameter(target, "page_size"));
  request.set_page_size(page_size);
  request.set_page_token(StringParameter(target, "page_token"));
  return request;
}

absl::StatusOr<v1::CreateLoadTestRequest> CreateRequest(const RestTarget& target,
                                                        std::string_view body) {
  v1::CreateLoadTestRequest request;
  request.set_load_test_id(StringParameter(target, "load_test_id"));
  request.set_request_id(StringParameter(target, "request_id"));
  ASSIGN_OR_RETURN(const bool validate_only, BoolParameter(target, "validate_only"));
  request.set_validate_only(validate_only);
  RETURN_IF_ERROR(JsonToProto(body, kBodySource, *request.mutable_spec()));
  return request;
}

absl::StatusOr<v1::StopLoadTestRequest> StopRequest(const std::string& name,
                                                    std::string_view body) {
  v1::StopLoadTestRequest request;
  if (!body.empty()) RETURN_IF_ERROR(JsonToProto(body, kBodySource, request));
  if (!request.name().empty() && request.name() != name) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: name: got \"%s\", want \"%s\" as in the path, or nothing", kBodySource,
                        request.name(), name));
  }
  request.set_name(name);
  return request;
}

template <typename Request>
Request NamedRequest(const RestMatch& match) {
  Request request;
  request.set_name(match.load_test_name);
  return request;
}

}  // namespace

RestRoutes::RestRoutes(ControlPlane& control_plane)
    : control_plane_(control_plane), routes_(ApiRoutes()) {
  for (const WebAsset& asset : WebAssets()) {
    routes_.push_back({.method = "GET",
                       .pattern = asset.path,
                       .action = RestAction::kGetWebAsset,
                       .asset = &asset});
  }
}

std::variant<RestMatch, RestResponse> RestRoutes::Match(const RestHead& head) const {
  if (std::optional<RestResponse> refusal = RefuseForeignPage(head)) return *std::move(refusal);
  absl::StatusOr<RestTarget> target = ParseTarget(head.target);
  if (!target.ok()) return ErrorResponse(target.status());

  const std::string_view method = head.method == "HEAD" ? "GET" : std::string_view(head.method);
  std::string allowed;
  for (const RestRoute& route : routes_) {
    const std::optional<std::string_view> id = MatchPattern(route.pattern, target->path);
    if (!id) continue;
    if (route.method != method) {
      absl::StrAppendFormat(&allowed, "%s%s", allowed.empty() ? "" : ", ",
                            route.method == "GET" ? "GET, HEAD" : route.method);
      continue;
    }
    const absl::Status known = CheckKnownParameters(*target, route.parameters);
    if (!known.ok()) return ErrorResponse(known);
    if (head.has_body && route.max_body_bytes > 0 && !IsJson(head.content_type)) {
      return ErrorResponse(
          415, absl::StatusCode::kInvalidArgument,
          absl::StrFormat("Content-Type: got \"%s\", want application/json", head.content_type));
    }
    return RestMatch{&route, absl::StrFormat("loadTests/%s", *id), *std::move(target)};
  }
  if (allowed.empty()) {
    return ErrorResponse(absl::NotFoundError(
        absl::StrFormat("path: got \"%s\", which is not served here", target->path)));
  }
  RestResponse refusal = ErrorResponse(
      405, absl::StatusCode::kUnimplemented,
      absl::StrFormat("method: got %s for %s, want %s", head.method, target->path, allowed));
  refusal.headers.emplace_back("Allow", allowed);
  return refusal;
}

void RestRoutes::Serve(const RestMatch& match, std::string_view body, RestRespond respond) const {
  switch (match.route->action) {
    case RestAction::kCreateLoadTest:
      return CreateLoadTest(match, body, std::move(respond));
    case RestAction::kListLoadTests:
      return ListLoadTests(match, std::move(respond));
    case RestAction::kGetLoadTest:
      return control_plane_.GetLoadTest(NamedRequest<v1::GetLoadTestRequest>(match),
                                        RespondJson<v1::LoadTest>(std::move(respond)));
    case RestAction::kStopLoadTest:
      return StopLoadTest(match, body, std::move(respond));
    case RestAction::kDeleteLoadTest:
      return control_plane_.DeleteLoadTest(
          NamedRequest<v1::DeleteLoadTestRequest>(match),
          RespondJson<google::protobuf::Empty>(std::move(respond)));
    case RestAction::kGetReport:
      return control_plane_.GetReport(NamedRequest<v1::GetReportRequest>(match),
                                      RespondJson<v1::Report>(std::move(respond)));
    case RestAction::kListDrivers:
      return ListDrivers(match, std::move(respond));
    case RestAction::kGetMetrics:
      return control_plane_.GetStats([respond](absl::StatusOr<ControlPlaneStats> stats) {
        if (!stats.ok()) return RespondError(respond, stats.status());
        respond([stats = *std::move(stats)] {
          return RestResponse{.content_type = kMetricsContentType, .body = MetricsText(stats)};
        });
      });
    case RestAction::kGetHealth:
      return control_plane_.GetStats([respond](absl::StatusOr<ControlPlaneStats> stats) {
        if (!stats.ok()) return RespondError(respond, stats.status());
        respond([stats = *std::move(stats)] { return HealthResponse(stats); });
      });
    case RestAction::kGetWebAsset:
      return respond([asset = match.route->asset] { return AssetResponse(*asset); });
    case RestAction::kWatchLoadTest:
      return RespondError(respond, absl::InternalError("a watch has no single response"));
  }
}

void RestRoutes::CreateLoadTest(const RestMatch& match, std::string_view body,
                                RestRespond respond) const {
  absl::StatusOr<v1::CreateLoadTestRequest> request = CreateRequest(match.target, body);
  if (!request.ok()) return RespondError(respond, request.status());
  control_plane_.CreateLoadTest(*std::move(request), RespondJson<v1::LoadTest>(std::move(respond)));
}

void RestRoutes::ListLoadTests(const RestMatch& match, RestRespond respond) const {
  auto request = PageRequest<v1::ListLoadTestsRequest>(match.target);
  if (!request.ok()) return RespondError(respond, request.status());
  control_plane_.ListLoadTests(*std::move(request),
                               RespondJson<v1::ListLoadTestsResponse>(std::move(respond)));
}

void RestRoutes::StopLoadTest(const RestMatch& match, std::string_view body,
                              RestRespond respond) const {
  absl::StatusOr<v1::StopLoadTestRequest> request = StopRequest(match.load_test_name, body);
  if (!request.ok()) return RespondError(respond, request.status());
  control_plane_.StopLoadTest(*std::move(request), RespondJson<v1::LoadTest>(std::move(respond)));
}

void RestRoutes::ListDrivers(const RestMatch& match, RestRespond respond) const {
  auto request = PageRequest<v1::ListDriversRequest>(match.target);
  if (!request.ok()) return RespondError(respond, request.status());
  control_plane_.ListDrivers(*std::move(request),
                             RespondJson<v1::ListDriversResponse>(std::move(respond)));
}

}  // namespace loadtest
