// One driver's whole part of a test, in the terms of the load loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/time.h"
#include "driver/engine/request_bytes.h"
#include "driver/engine/send_plan.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

struct LoadPlan {
  SendPlan sends;
  // One of them, by the version of HTTP.
  std::string request_bytes;
  Http2Request http2_request;
  // The request is a HEAD: its responses have no body, whatever their header says.
  bool is_head = false;
  // Open loop: how long before each due time the loop stays awake for it.
  int64_t spin_ns = 0;
  // Opened before the start and kept open; the most at any time (the same in a closed loop).
  int connections = 0;
  int max_connections = 0;
  // Requests that a connection may carry at once: 1 with HTTP/1.1.
  int streams = 1;
  int64_t connect_timeout_ns = 0;
  int64_t request_timeout_ns = 0;
  int64_t drain_timeout_ns = 0;
  int64_t metrics_interval_ns = 0;

  // Where to connect to; known once the plan's host was resolved.
  std::string host;
  int port = 0;
  bool is_tls = false;
  v1::TlsOptions tls;
  bool is_http2 = false;
  // "127.0.0.1:8081", for error texts; connections are spread over them.
  std::vector<std::string> addresses;
  // How long it took to resolve the host.
  int64_t resolve_ns = 0;

  // When request 0 of a schedule is due, by this host's monotonic clock; known once the driver
  // arms.
  MonotonicTime start;
};

// `spec` as ValidateSpec returned it. InvalidArgument when the assignment or the interval make no
// sense. `addresses` and `start` are left to be filled in.
absl::StatusOr<LoadPlan> MakeLoadPlan(const v1::LoadTestSpec& spec,
                                      const v1::Assignment& assignment,
                                      int64_t metrics_interval_ns);

// The shares of an Adjusted in the terms of that plan, for the driver with this assignment.
std::vector<Share> SharesOf(const v1::LoadTestSpec& spec, const v1::Assignment& assignment,
                            const std::vector<v1::Share>& shares);

}  // namespace loadtest
