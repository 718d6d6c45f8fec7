#include "client/flags/help_topics.h"

namespace loadtest {
namespace {

constexpr char kPlans[] =
    R"(A plan is a file that ends in .json: one test, as all doors of the system understand it (a test
is created from the same fields by REST and gRPC). loadctl init writes one with comments.

  {
    "title": "Ping",
    "request": {"url": "http://127.0.0.1:8081/ping"},
    "rate": {"requests_per_second": 200},
    "duration": "10s"
  }

Names are those of proto/loadtest/v1/load_test.proto; durations are as people write them ("500ms",
"1m30s"); lines may have // comments. A wrong key or value is refused with its place and what was
wanted. Flags override a plan: loadctl run plan.json -d 5s.

  loadctl init plan.json               writes a plan to begin with
  loadctl run plan.json --validate     only checks it
  loadctl run plan.json                runs it
More plans: examples/plans.
)";

constexpr char kRates[] =
    R"(Two kinds of test answer two questions.

Closed loop (avalanche; no flag): each connection sends its next request when it has its answer.
"How much can the server do?" A slower server is asked less often, so its latencies look better
than users would find them: read the requests per second.
  loadctl run http://127.0.0.1:8081/ping -c 16

Open loop (tsunami, rate, stages): requests are due at fixed times, whatever the server does.
"How long do users wait at this rate?" Latency counts from the due time.
  --delay 10ms               each driver sends a request every 10 ms: two drivers make 200/s
  --rate 500                 500/s of all drivers together, however many there are
  --stages 0:500@10s,500@1m  a ramp to 500/s in 10 s, then a minute of it
  --arrivals poisson         at random moments, as independent users come, at the same mean rate
  --warmup 5s                before it, at the first rate, and left out of the result

When all connections are busy, more are opened, up to --max-connections; requests that are due
wait, and their wait is in the response time.
)";

constexpr char kLatency[] =
    R"(Each answer is measured twice:
  response    last byte received - due time: what a user would have waited
  service     last byte received - actual send: what the server and the network took
  send delay  actual send - due time: the generator's own error, their difference

In a closed loop a request is due when it is sent, so the first two are the same.

Percentiles of all drivers are merged exactly, from histograms with at most 0.1 % error: p99 is the
p99 of all requests, not a mean of means. Only whole answers have a latency; what failed or was
never sent is counted under "errors", with the reason.
)";

constexpr char kVerdict[] =
    R"(The verdict says whether the generator may be believed. It says nothing about the server.

  VALID     the generator kept its schedule
  DEGRADED  drivers or interval reports are missing; what is there is right
  INVALID   the generator was the limit: requests left late (send delay p99 above 1 ms and 5 % of
            the time between requests), were due and never sent, or a driver ran out of CPU, ports
            or descriptors. Do not trust the latencies; loadctl exits with 4

What to do about INVALID stands in the report. Most often: more drivers, a lower rate, or nothing
else on the processors. loadctl doctor looks at the host before a test.
)";

constexpr char kExitCodes[] =
    R"(   0  pass
   1  internal error
   2  usage or configuration: the line on standard error says what was wanted
   3  a threshold failed, or diff found a regression
   4  verdict INVALID: the generator was the limit (loadctl help verdict)
   5  no request succeeded
   6  stopped by somebody's order, by --on-driver-loss abort, or refused by a driver's own policy
   7  the orchestrator or the broker cannot be reached
 130  Ctrl-C, after the report
 143  SIGTERM, after the report

In CI:
  loadctl run --local 2 plan.json -o json > report.json || echo "failed with $?"
loadctl doctor exits with 0 (no problem), 2 or 7.
)";

constexpr char kKafka[] =
    R"(Orchestrator and drivers talk through four Kafka topics: register, heartbeat, trigger, metrics.

On one machine nothing has to be installed: orchestrator 2 has a broker of its own (embedded), for
up to 16 drivers; it forgets everything with its process. For drivers on other hosts, and for tests
that outlive the orchestrator, take a real Kafka:

  orchestrator 2 --kafka kafka.example:9092
  driver --kafka kafka.example:9092 --allow 10.1.0.0/16,shop.example      on each other host

A driver whose broker is not on its own host must be told with --allow where it may send load; no
test can override that. TLS and passwords: kafka.* in config.json (docs/configuration.md).

  loadctl doctor --kafka kafka.example:9092       can it be reached, are the topics there?
  loadctl tail metrics --kafka kafka.example:9092 --from begin -n 1
docs/bus_protocol.md has the records.
)";

constexpr char kDrivers[] =
    R"(A driver is one process that sends load with one thread: one core each. More load or a more even
pace takes more drivers.

  loadctl run --local 4 URL      four drivers for this test only
  orchestrator 4                 four drivers, as long as it runs; a crashed one is started again
  driver --kafka HOST:PORT --allow TARGETS     on another host (loadctl help kafka)
  loadctl drivers                who is there

A test takes all drivers that are idle, or --drivers N; it waits until there are enough. When a
driver is lost in mid-test, the others go on and the verdict is DEGRADED. --on-driver-loss
redistribute gives its part of a rate or of stages to the others, abort stops the test.
)";

constexpr char kThresholds[] =
    R"(A threshold says what the result must keep; one that fails makes the exit code 3.

  --slo 'p99<50ms'              latency from the due time: p50 p90 p99.9 ..., min mean max
  --slo 'service.p99<20ms'      from the actual send
  --slo 'errors<0.1%'           share of requests that failed, were dropped, or status 400 and above
  --slo 'rate>950/s'            answers a second
  --slo 'p99<50ms per 5s'       in each window of 5 s, not only over all
Several: commas between them, or --slo again. --abort-on-fail stops the test as soon as one cannot
be kept any more.

  loadctl check NAME --slo 'p99<20ms' --from 10s       judges a finished test, or a part of it
  loadctl diff A B --fail-if 'p99>+10%'                against another test: worse beyond noise?
docs/thresholds.md has the grammar, docs/comparing.md the method.
)";

}  // namespace

const std::vector<HelpTopic>& HelpTopics() {
  static const std::vector<HelpTopic> topics = {
      {"plans", "Plan files: a test in JSON", kPlans},
      {"rates", "Closed and open loops, rates and stages", kRates},
      {"latency", "What response time, service time and send delay are", kLatency},
      {"thresholds", "What a result must keep, and comparing", kThresholds},
      {"verdict", "VALID, DEGRADED, INVALID", kVerdict},
      {"exit-codes", "What the exit code says", kExitCodes},
      {"drivers", "Where load comes from", kDrivers},
      {"kafka", "The broker, and drivers on other hosts", kKafka},
  };
  return topics;
}

const HelpTopic* FindHelpTopic(std::string_view name) {
  for (const HelpTopic& topic : HelpTopics()) {
    if (topic.name == name) return &topic;
  }
  return nullptr;
}

}  // namespace loadtest
