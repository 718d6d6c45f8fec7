#include "client/flags/plan_template.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_replace.h"

namespace loadtest {
namespace {

constexpr char kTemplate[] = R"({
  // A plan of loadctl: loadctl run THIS_FILE. Flags override it: loadctl run THIS_FILE -d 5s.
  // Lines that begin with // are comments. loadctl help plans explains all of this.

  "title": "A first plan",
  // "description": "What this test is to show.",

  "request": {
    "url": URL
    // , "method": "POST"
    // , "headers": [{"name": "Content-Type", "value": "application/json"}]
    // , "body": "eyJpdGVtIjogImFudmlsIn0="   // base64: echo -n '{"item": "anvil"}' | base64
  },

  // How requests are spaced: exactly one of the next four.
  // Requests per second of all drivers together, whatever the server does:
  "rate": {"requests_per_second": 200},
  // A rate that changes: a ramp, a plateau, and down again:
  // "stages": {"stages": [{"to": 500, "duration": "10s"}, {"from": 500, "to": 500, "duration": "20s"}, {"from": 500, "duration": "5s"}]},
  // Each driver sends a request every so often:
  // "tsunami": {"delay": "10ms"},
  // As much as possible: each connection sends its next request when it has its answer:
  // "avalanche": {},

  // How long to send. Or so many requests of each driver; with both, whichever ends first.
  "duration": "10s",
  // "requests_per_driver": 1000,

  // Sent before, at the first rate, and left out of the result: caches and pools get warm.
  "warmup": "1s",

  // Connections of each driver, opened before the start; more are opened when none is free, up to the second number.
  "connections": 50,
  // "max_connections": 4096,

  // Drivers that take part; left out: all that are idle.
  // "drivers": 2,

  // Requests at random moments, as independent users send them, instead of evenly spaced:
  // "arrivals": "POISSON",
  // "arrival_seed": 7,

  // HTTP/2, with so many requests at once on a connection:
  // "http_version": "HTTP_2",
  // "streams": 10,

  // "connect_timeout": "10s",
  // "drain_timeout": "10s",
  // "on_driver_loss": "ABORT",
  // "labels": {"team": "shop"},

  // The longest wait for a whole response; then the request has failed.
  "request_timeout": "10s"
}
)";

}  // namespace

std::string PlanTemplate(const std::string& url) {
  const std::string quoted =
      nlohmann::json(url).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return absl::StrReplaceAll(kTemplate, {{"\"url\": URL", "\"url\": " + quoted}});
}

}  // namespace loadtest
