// What --help teaches beyond the list of flags.
#pragma once

namespace loadtest {

inline constexpr char kProgramExamples[] =
    R"(A first result, with nothing running but the server to test:
  loadctl run --local 2 http://127.0.0.1:8081/ping

With an orchestrator running (orchestrator 2):
  loadctl run tsunami http://127.0.0.1:8081/ping --delay 10ms -n 1000
  loadctl ls
  loadctl report NAME -o html --output report.html

loadctl COMMAND --help has the flags and examples of each command, loadctl help TOPIC explains:
plans, rates, latency, thresholds, verdict, exit-codes, drivers, kafka.
Durations: 500ms 10s 1m30s. Numbers: 1000 20k 1.5M.

Exit codes: 0 pass, 1 internal error, 2 usage, 3 threshold failed or regression, 4 verdict INVALID,
  5 no request succeeded, 6 stopped by order or policy, 7 orchestrator or broker unreachable,
  130 and 143 interrupted)";

inline constexpr char kRunExamples[] =
    R"(What kind of test it is follows from the flags:
  none of these            avalanche: a connection sends its next request when it has its answer
  --delay 10ms             tsunami: each driver sends a request every 10 ms, come what may
  --rate 5k                rate: all drivers together send 5,000 requests a second
  --stages 0:5k@30s,5k@2m  rate that changes: from 0 to 5,000/s in 30 s, then 5,000/s for 2 min

Examples:
  loadctl run http://127.0.0.1:8081/ping                          50 connections a driver for 10 s
  loadctl run http://127.0.0.1:8081/ping -c 16 -n 20000           20,000 requests of each driver
  loadctl run tsunami http://127.0.0.1:8081/ping --delay 10ms -n 1000
  loadctl run http://127.0.0.1:8081/ping --rate 5k -d 1m30s
  loadctl run http://127.0.0.1:8081/ping --stages 100@10s,100:1k@1m,0@5s,1k@10s
  loadctl run http://127.0.0.1:8081/ping --rate 500 --arrivals poisson --seed 7 --warmup 5s
  loadctl run https://example.test/ --http2 --streams 10 -c 4 --cacert ca.pem
  loadctl run http://127.0.0.1:8081/ping -H 'Accept: text/html' -b @order.json
  loadctl run examples/plans/smoke.json -d 5s                     a plan file; flags override it
  loadctl run --local 2 http://127.0.0.1:8081/ping                needs no orchestrator
  loadctl run http://127.0.0.1:8081/ping --rate 5k --slo 'p99<50ms,errors<0.1%' -o html=r.html

Ctrl-C once stops the test and prints its report, twice quits at once.)";

inline constexpr char kCreateExamples[] =
    R"(Example:
  loadctl create http://127.0.0.1:8081/ping --rate 1k -d 1h --id night-soak
  loadctl watch night-soak)";

inline constexpr char kWatchExamples[] =
    "Ctrl-C ends the watching, not the test; loadctl stop NAME stops it.";

inline constexpr char kRemoveExamples[] =
    R"(Examples:
  loadctl rm night-soak t261123-093000-k3f9
  loadctl rm --older-than 30d --yes

The orchestrator does it by itself with orchestrator.keep_tests and orchestrator.keep_for.)";

inline constexpr char kReportExamples[] =
    R"(The exit code is that of the test (see loadctl --help). docs/report.md explains the forms.

Examples:
  loadctl report night-soak
  loadctl report night-soak -o json | jq .response_time.p99_ns
  loadctl report night-soak -o html --output night-soak.html
  loadctl report night-soak --from 10s --to 50s --exclude driver-2)";

inline constexpr char kCheckExamples[] =
    R"(Prints each threshold with what was measured. Exit code 0 when all are kept, 3 when one is not,
4 when the verdict is INVALID, 5 when no request succeeded. loadctl help thresholds has the grammar.

Examples:
  loadctl check night-soak                                        the thresholds it was run with
  loadctl check night-soak --slo 'p99<50ms per 5s' --from 10s     others, without the first 10 s
  loadctl check night-soak --slo 'service.p99.9<20ms' -o junit=check.xml)";

inline constexpr char kDiffExamples[] =
    R"(A change counts when it is beyond what the seconds of the two tests differ by themselves, in the
whole or in a typical second: on a machine that does other things too, run 30 s or longer.
docs/comparing.md names the method. What cannot be compared is refused: other load shapes, verdict
INVALID, tests that have not ended.
Limits: p99>+10% or p99>+5ms (latencies), rate<-5%, errors>+0.1% (in points).

Examples:
  loadctl diff before after
  loadctl diff main.json pr.json --fail-if 'p99>+10%,errors>+0.1%'
  loadctl diff before after -o html --output diff.html)";

inline constexpr char kListExamples[] =
    R"(Examples:
  loadctl ls -l build=17
  loadctl ls --state running --state pending)";

inline constexpr char kGetExamples[] =
    R"(Examples:
  loadctl get night-soak
  loadctl get night-soak -o json | jq .spec)";

inline constexpr char kStopExamples[] =
    R"(Examples:
  loadctl stop night-soak --reason 'the disk is full'
  loadctl stop --all)";

inline constexpr char kDriversExamples[] =
    R"(Examples:
  loadctl drivers
  loadctl drivers -o json | jq -r '.drivers[] | select(.state == "LOST") | .name')";

inline constexpr char kNoteExamples[] =
    R"(Example:
  loadctl note night-soak 'the cache was cold')";

inline constexpr char kTailExamples[] =
    R"(Reads from Kafka itself, not through the orchestrator, which says the address of an embedded broker
when it starts. Ctrl-C ends it.

Examples:
  loadctl tail metrics --kafka 127.0.0.1:9092
  loadctl tail trigger --from begin --once)";

inline constexpr char kDoctorExamples[] =
    R"(Looks at this host (open files, ports, processors, clock), at the orchestrator, its drivers and
their clocks, and at the broker. The exit code is 0 when there is no problem (warnings are none),
7 when something cannot be reached, else 2.

Examples:
  loadctl doctor
  loadctl doctor --server 10.1.0.5:50051 --kafka kafka.example:9092
  loadctl doctor -o json | jq '.findings[] | select(.level != "ok")')";

inline constexpr char kInitExamples[] =
    R"(The plan runs as it is; what else a plan can have stands in it as comments.

Examples:
  loadctl init && loadctl run --local 2 plan.json
  loadctl init shop.json --url https://shop.example/search?q=anvil
  loadctl init -)";

inline constexpr char kCompletionExamples[] =
    R"(Examples:
  source <(loadctl completion bash)                                     in ~/.bashrc
  source <(loadctl completion zsh)                                      in ~/.zshrc, after compinit
  loadctl completion fish > ~/.config/fish/completions/loadctl.fish)";

}  // namespace loadtest
