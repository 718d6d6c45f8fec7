// Which request of the REST door does what.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/api/control_plane.h"
#include "server/api/rest_message.h"
#include "server/api/rest_query.h"
#include "server/web/web_assets.h"

namespace loadtest {

enum class RestAction {
  kCreateLoadTest,
  kListLoadTests,
  kGetLoadTest,
  kStopLoadTest,
  kDeleteLoadTest,
  kWatchLoadTest,
  kGetReport,
  kListDrivers,
  kGetMetrics,
  kGetHealth,
  kGetWebAsset,
};

struct RestRoute {
  std::string_view method;
  std::string_view pattern;  // a path; "{id}" stands for the id of a load test
  RestAction action;
  uint64_t max_body_bytes = 0;
  std::vector<std::string_view> parameters = {};  // of the query; no other is accepted
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

// Knows all routes; stateless but for them. Thread-safe.
class RestRoutes {
 public:
  // Far above what a spec may have (768 KiB, a third more in base64), so that the refusal is the
  // validation's own, which names the field.
  static constexpr uint64_t kMaxSpecBytes = 8 << 20;

  explicit RestRoutes(ControlPlane& control_plane);

  // The route of a request, or its refusal: foreign page, unknown path, wrong method, unknown
  // parameter, wrong content type.
  std::variant<RestMatch, RestResponse> Match(const RestHead& head) const;

  // Does what the route says; `respond` is called once, at once or later by the core thread.
  // kWatchLoadTest is not served here: it has no single response.
  void Serve(const RestMatch& match, std::string_view body, RestRespond respond) const;

 private:
  void CreateLoadTest(const RestMatch& match, std::string_view body, RestRespond respond) const;
  void ListLoadTests(const RestMatch& match, RestRespond respond) const;
  void StopLoadTest(const RestMatch& match, std::string_view body, RestRespond respond) const;
  void ListDrivers(const RestMatch& match, RestRespond respond) const;

  ControlPlane& control_plane_;
  std::vector<RestRoute> routes_;
};

}  // namespace loadtest
