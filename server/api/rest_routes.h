// Which request of the REST door does what.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/api/control_plane.h"
#include "server/api/door_security.h"
#include "server/api/rest_message.h"
#include "server/api/rest_origin.h"
#include "server/api/rest_query.h"
#include "server/web/web_assets.h"

namespace loadtest {

enum class RestAction {
  kCreateLoadTest,
  kListLoadTests,
  kGetLoadTest,
  kStopLoadTest,
  kDeleteLoadTest,
  kUpdateLoadTest,
  kWatchLoadTest,
  kGetReport,
  kListDrivers,
  kGetServerInfo,
  kGetMetrics,
  kGetHealth,
  kGetOpenApi,
  kGetWebAsset,
};

struct RestRoute {
  std::string_view method;
  std::string_view pattern;  // a path; "{id}" stands for the id of a load test
  RestAction action;
  // The method of LoadTestService that it stands for, empty for what only HTTP has.
  std::string_view rpc = {};
  // Fields of the method's request that come in the query; no other is accepted there.
  std::vector<std::string_view> parameters = {};
  // The field of the request that is the body, "*" for all of it.
  std::string_view body = {};
  uint64_t max_body_bytes = 0;
  // For callers without a token: tells nothing of tests or drivers.
  bool open = false;
  const WebAsset* asset = nullptr;                // of kGetWebAsset
};

// A request whose head was accepted.
struct RestMatch {
  const RestRoute* route;
  std::string load_test_name;  // "loadTests/{id}", where the pattern has an id
  RestTarget target;
};

// Makes the response. Called once, by a thread that may take its time: the core thread only hands
// data over.
using RestRender = std::function<RestResponse()>;
using RestRespond = std::function<void(RestRender)>;

// The API and what is served beside it, without the files of the web page.
std::vector<RestRoute> ApiRoutes();

// Knows all routes; stateless but for them. Thread-safe.
class RestRoutes {
 public:
  // Far above what a spec may have (768 KiB, a third more in base64), so that the refusal is the
  // validation's own, which names the field.
  static constexpr uint64_t kMaxSpecBytes = 8 << 20;

  RestRoutes(ControlPlane& control_plane, const DoorSecurity& security, const OriginRules& rules);

  // The route of a request, or its refusal: foreign page, unknown path, wrong method, wrong token,
  // unknown parameter, wrong content type.
  std::variant<RestMatch, RestResponse> Match(const RestHead& head) const;

  // Does what the route says; `respond` is called once, at once or later by the core thread.
  // kWatchLoadTest is not served here: it has no single response.
  void Serve(const RestMatch& match, std::string_view body, RestRespond respond) const;

 private:
  ControlPlane& control_plane_;
  const DoorSecurity security_;
  const OriginRules rules_;
  std::vector<RestRoute> routes_;
  const std::string open_api_;
};

}  // namespace loadtest
