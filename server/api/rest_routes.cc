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
#include "common/measure/prometheus_text.h"
#include "server/api/openapi.h"
#include "server/api/rest_error.h"
#include "server/api/rest_metrics.h"
#include "server/api/server_info.h"

namespace loadtest {
namespace {

constexpr uint64_t kMaxSmallBytes = 64 << 10;
constexpr char kBodySource[] = "request body";

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

RestResponse Unauthorized(const absl::Status& status) {
  RestResponse response = ErrorResponse(status);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"loadtest\"");
  return response;
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
  response.headers = {{"Content-Security-Policy",
                       "default-src 'self'; base-uri 'none'; form-action 'self'; "
                       "frame-ancestors 'none'"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

// The request of the route's method, as query and body have it.
template <typename Request>
absl::StatusOr<Request> ReadRequest(const RestMatch& match, std::string_view body) {
  Request request;
  const RestRoute& route = *match.route;
  if (route.body == "*") {
    if (!body.empty()) RETURN_IF_ERROR(JsonToProto(body, kBodySource, request));
  } else if (!route.body.empty()) {
    const google::protobuf::FieldDescriptor* field =
        Request::descriptor()->FindFieldByName(std::string(route.body));
    RETURN_IF_ERROR(JsonToProto(body, kBodySource,
                                *request.GetReflection()->MutableMessage(&request, field)));
  }
  RETURN_IF_ERROR(FillFromQuery(match.target, request));
  return request;
}

// Puts the path's name into `name`, which the body may have too if it is the same.
absl::Status SetName(const RestMatch& match, std::string* name) {
  if (!name->empty() && *name != match.load_test_name) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: name: got \"%s\", want \"%s\" as in the path, or nothing", kBodySource,
                        *name, match.load_test_name));
  }
  *name = match.load_test_name;
  return absl::OkStatus();
}

template <typename Request>
absl::Status SetName(const RestMatch& match, Request& request) {
  return SetName(match, request.mutable_name());
}
absl::Status SetName(const RestMatch& match, v1::UpdateLoadTestRequest& request) {
  return SetName(match, request.mutable_load_test()->mutable_name());
}
// Those that name no test.
absl::Status SetName(const RestMatch&, v1::CreateLoadTestRequest&) { return absl::OkStatus(); }
absl::Status SetName(const RestMatch&, v1::ListLoadTestsRequest&) { return absl::OkStatus(); }
absl::Status SetName(const RestMatch&, v1::ListDriversRequest&) { return absl::OkStatus(); }

template <typename Request, typename Response>
void Forward(ControlPlane& control_plane, void (ControlPlane::*method)(Request, Reply<Response>),
             const RestMatch& match, std::string_view body, RestRespond respond) {
  absl::StatusOr<Request> request = ReadRequest<Request>(match, body);
  if (!request.ok()) return RespondError(respond, request.status());
  const absl::Status named = SetName(match, *request);
  if (!named.ok()) return RespondError(respond, named);
  (control_plane.*method)(*std::move(request), RespondJson<Response>(std::move(respond)));
}

}  // namespace

std::vector<RestRoute> ApiRoutes() {
  using enum RestAction;
  constexpr uint64_t kMaxSpecBytes = RestRoutes::kMaxSpecBytes;
  return {
      {.method = "POST",
       .pattern = "/v1/loadTests",
       .action = kCreateLoadTest,
       .rpc = "CreateLoadTest",
       .parameters = {"load_test_id", "request_id", "validate_only"},
       .body = "spec",
       .max_body_bytes = kMaxSpecBytes},
      {.method = "GET",
       .pattern = "/v1/loadTests",
       .action = kListLoadTests,
       .rpc = "ListLoadTests",
       .parameters = {"page_size", "page_token", "labels", "states"}},
      {.method = "GET",
       .pattern = "/v1/loadTests/{id}",
       .action = kGetLoadTest,
       .rpc = "GetLoadTest"},
      {.method = "PATCH",
       .pattern = "/v1/loadTests/{id}",
       .action = kUpdateLoadTest,
       .rpc = "UpdateLoadTest",
       .parameters = {"update_mask"},
       .body = "load_test",
       .max_body_bytes = kMaxSmallBytes},
      {.method = "DELETE",
       .pattern = "/v1/loadTests/{id}",
       .action = kDeleteLoadTest,
       .rpc = "DeleteLoadTest"},
      {.method = "POST",
       .pattern = "/v1/loadTests/{id}:stop",
       .action = kStopLoadTest,
       .rpc = "StopLoadTest",
       .body = "*",
       .max_body_bytes = kMaxSmallBytes},
      {.method = "GET",
       .pattern = "/v1/loadTests/{id}:watch",
       .action = kWatchLoadTest,
       .rpc = "WatchLoadTest"},
      {.method = "GET",
       .pattern = "/v1/loadTests/{id}/report",
       .action = kGetReport,
       .rpc = "GetReport",
       .parameters = {"from", "to", "exclude_drivers", "thresholds"}},
      {.method = "GET",
       .pattern = "/v1/drivers",
       .action = kListDrivers,
       .rpc = "ListDrivers",
       .parameters = {"page_size", "page_token"}},
      {.method = "GET",
       .pattern = "/v1/serverInfo",
       .action = kGetServerInfo,
       .rpc = "GetServerInfo"},
      {.method = "GET", .pattern = "/metrics", .action = kGetMetrics},
      {.method = "GET", .pattern = "/healthz", .action = kGetHealth, .open = true},
      {.method = "GET", .pattern = "/openapi.json", .action = kGetOpenApi, .open = true},
  };
}

RestRoutes::RestRoutes(ControlPlane& control_plane, const DoorSecurity& security,
                       const OriginRules& rules)
    : control_plane_(control_plane),
      security_(security),
      rules_(rules),
      routes_(ApiRoutes()),
      open_api_(OpenApiDocument(routes_, !security.token.empty())) {
  for (const WebAsset& asset : WebAssets()) {
    routes_.push_back({.method = "GET",
                       .pattern = asset.path,
                       .action = RestAction::kGetWebAsset,
                       .open = true,
                       .asset = &asset});
  }
}

std::variant<RestMatch, RestResponse> RestRoutes::Match(const RestHead& head) const {
  if (std::optional<RestResponse> refusal = RefuseForeignPage(head, rules_)) return *std::move(refusal);
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
    if (!route.open) {
      const absl::Status authorized = CheckAuthorization(security_, head.authorization);
      if (!authorized.ok()) return Unauthorized(authorized);
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
      return Forward(control_plane_, &ControlPlane::CreateLoadTest, match, body,
                     std::move(respond));
    case RestAction::kListLoadTests:
      return Forward(control_plane_, &ControlPlane::ListLoadTests, match, body, std::move(respond));
    case RestAction::kGetLoadTest:
      return Forward(control_plane_, &ControlPlane::GetLoadTest, match, body, std::move(respond));
    case RestAction::kUpdateLoadTest:
      return Forward(control_plane_, &ControlPlane::UpdateLoadTest, match, body,
                     std::move(respond));
    case RestAction::kStopLoadTest:
      return Forward(control_plane_, &ControlPlane::StopLoadTest, match, body, std::move(respond));
    case RestAction::kDeleteLoadTest:
      return Forward(control_plane_, &ControlPlane::DeleteLoadTest, match, body,
                     std::move(respond));
    case RestAction::kGetReport:
      return Forward(control_plane_, &ControlPlane::GetReport, match, body, std::move(respond));
    case RestAction::kListDrivers:
      return Forward(control_plane_, &ControlPlane::ListDrivers, match, body, std::move(respond));
    case RestAction::kGetServerInfo:
      return control_plane_.GetStats([respond](absl::StatusOr<ControlPlaneStats> stats) {
        if (!stats.ok()) return RespondError(respond, stats.status());
        respond([info = ServerInfoOf(*stats)] { return JsonResponse(info); });
      });
    case RestAction::kGetMetrics:
      return control_plane_.GetStats([respond](absl::StatusOr<ControlPlaneStats> stats) {
        if (!stats.ok()) return RespondError(respond, stats.status());
        respond([stats = *std::move(stats)] {
          return RestResponse{.content_type = kPrometheusContentType, .body = MetricsText(stats)};
        });
      });
    case RestAction::kGetHealth:
      return control_plane_.GetStats([respond](absl::StatusOr<ControlPlaneStats> stats) {
        if (!stats.ok()) return RespondError(respond, stats.status());
        respond([stats = *std::move(stats)] { return HealthResponse(stats); });
      });
    case RestAction::kGetOpenApi:
      return respond([text = &open_api_] { return RestResponse{.body = *text}; });
    case RestAction::kGetWebAsset:
      return respond([asset = match.route->asset] { return AssetResponse(*asset); });
    case RestAction::kWatchLoadTest:
      return RespondError(respond, absl::InternalError("a watch has no single response"));
  }
}

}  // namespace loadtest
