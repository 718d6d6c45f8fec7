"""A Tsunami test from Python: ask, check, create, watch, judge. Run it with ./run [URL]."""

import os
import sys
import uuid

import grpc
from google.protobuf.duration_pb2 import Duration
from loadtest.v1 import load_test_pb2, measure_pb2, service_pb2, service_pb2_grpc

SERVER = os.environ.get("LOADTEST_SERVER", "127.0.0.1:50051")
URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8081/ping"

# A call without a deadline can wait for ever. These answer at once; only the watch takes as long
# as the test.
CALL_SECONDS = 5
WATCH_SECONDS = 60

Driver = load_test_pb2.Driver
LoadTest = load_test_pb2.LoadTest
Verdict = load_test_pb2.Verdict


def tsunami(delay_ms):
    """Each driver sends 200 requests, one every `delay_ms`, whether or not the last is answered."""
    return load_test_pb2.LoadTestSpec(
        title="Tsunami from Python",
        request=load_test_pb2.HttpRequest(url=URL),
        tsunami=load_test_pb2.Tsunami(delay=Duration(nanos=delay_ms * 1_000_000)),
        requests_per_driver=200,
    )


def ms(nanoseconds):
    return f"{nanoseconds / 1e6:.2f} ms"


def validate(service, spec):
    """Nothing is created; the answer is the spec with the defaults that a test would get."""
    request = service_pb2.CreateLoadTestRequest(spec=spec, validate_only=True)
    return service.CreateLoadTest(request, timeout=CALL_SECONDS).spec


def watch(service, name):
    """A line an update. The stream ends by itself when the test has ended."""
    request = service_pb2.WatchLoadTestRequest(name=name)
    for update in service.WatchLoadTest(request, timeout=WATCH_SECONDS):
        totals = update.totals
        print(f"{LoadTest.State.Name(update.load_test.state)} {update.progress:.0%}:"
              f" sent {totals.sent}, completed {totals.completed}, failed {totals.failed},"
              f" p99 {ms(update.response_time.p99_ns)}")


def judge(report):
    """Prints what the numbers say; ends with an error if the test failed or nothing answered."""
    test, counts, response_time = report.load_test, report.totals.counts, report.response_time
    # Every request that was sent is accounted for, over all drivers, on every total.
    if counts.sent != counts.completed + counts.failed + counts.in_flight:
        sys.exit(f"the counts do not add up: {counts}")
    print(f"sent {counts.sent}")
    print(f"response time: p50 {ms(response_time.p50_ns)}, p99 {ms(response_time.p99_ns)}")
    for error in report.totals.errors:
        print(f"{error.count} {measure_pb2.ErrorKind.Name(error.kind)}: {error.example}")
    # The verdict says whether the load generator kept up, and nothing about the target.
    print(f"verdict {Verdict.Level.Name(report.verdict.level)}")
    for reason in report.verdict.reasons:
        print(f"  {reason.message}")
    # SUCCEEDED means that the plan was carried out, also against a target that never answers.
    if test.state != LoadTest.SUCCEEDED or counts.completed == 0:
        state = LoadTest.State.Name(test.state)
        sys.exit(f"ended {state} with {counts.completed} requests answered {test.state_reason}")


def main():
    # Plain text is for loopback: the orchestrator listens there unless it is told otherwise.
    with grpc.insecure_channel(SERVER) as channel:
        service = service_pb2_grpc.LoadTestServiceStub(channel)

        everything = service_pb2.ListDriversRequest()
        drivers = service.ListDrivers(everything, timeout=CALL_SECONDS).drivers
        for driver in drivers:
            print(f"{driver.name} at {driver.ip_address}: {Driver.State.Name(driver.state)}")
        if not drivers:
            sys.exit("no driver is there, and a test would wait for one; try: orchestrator 2")

        valid = validate(service, tsunami(5))
        print(f"valid, with {valid.connections} connections a driver by default")
        try:
            validate(service, tsunami(0))
        except grpc.RpcError as error:
            # The message names the field, its value and what was wanted.
            print(f"a delay of 0 gets {error.code().name}: {error.details()}")

        # With a request_id the call may be sent again after a time-out: it still creates one test.
        request = service_pb2.CreateLoadTestRequest(spec=tsunami(5), request_id=str(uuid.uuid4()))
        name = service.CreateLoadTest(request, timeout=CALL_SECONDS).name
        print(f"created {name}")
        watch(service, name)
        report = service.GetReport(service_pb2.GetReportRequest(name=name), timeout=CALL_SECONDS)
        judge(report)


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as error:
        sys.exit(f"orchestrator at {SERVER}: {error.code().name}: {error.details()}")
