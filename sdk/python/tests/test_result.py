import random

import pytest

from loadtest.result import Latency, Result
from loadtest.v1.load_test_pb2 import LatencySummary, LoadTest, Report, Verdict
from loadtest.v1.measure_pb2 import Histogram


def index_of(value):
    """The formula of docs/bus_protocol.md, in another hand."""
    exponent = max(0, value.bit_length() - 10)
    return 512 * exponent + (value >> exponent)


def histogram_of(values):
    counts = {}
    for value in values:
        counts[index_of(value)] = counts.get(index_of(value), 0) + 1
    message, last = Histogram(count=len(values), min_ns=min(values), max_ns=max(values)), 0
    for index in sorted(counts):
        message.index_deltas.append(index - last)
        message.bucket_counts.append(counts[index])
        last = index
    return message


def test_percentiles_are_within_a_thousandth_of_the_sorted_values():
    rng = random.Random(3)
    values = sorted(int(rng.lognormvariate(13, 1.5)) + 1 for _ in range(5_000))
    latency = Latency(LatencySummary(), histogram_of(values))
    for q in (0.001, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = values[max(0, -(-int(q * 5_000 * 1_000) // 1_000) - 1)] / 1e6
        assert latency.percentile(q) == pytest.approx(exact, rel=0.001)
    assert sum(count for _, count in latency.buckets()) == 5_000


def test_a_percentile_beyond_all_is_refused():
    with pytest.raises(ValueError, match="got 99, want 0 to 1"):
        Latency(LatencySummary(), Histogram()).percentile(99)


def report(**changes):
    made = Report(load_test=LoadTest(name="loadTests/t", state=LoadTest.SUCCEEDED), verdict=Verdict(level=Verdict.VALID))
    made.totals.counts.sent = made.totals.counts.completed = 5
    for path, value in changes.items():
        message = made
        *parents, field = path.split("__")
        for parent in parents:
            message = getattr(message, parent)
        setattr(message, field, value)
    return made


def test_a_whole_and_believable_test_passes():
    assert Result(report()).passed


@pytest.mark.parametrize("changes, problem", [
    ({"load_test__state": LoadTest.FAILED, "load_test__state_reason": "its driver was lost"}, "FAILED: its driver was lost"),
    ({"totals__counts__completed": 0}, "no request succeeded: {}"),
])
def test_what_did_not_pass_is_told(changes, problem):
    result = Result(report(**changes))
    assert not result.passed
    assert result.problems() == [problem]


def test_an_invalid_verdict_gives_its_reasons():
    made = report(verdict__level=Verdict.INVALID)
    made.verdict.reasons.add(message="sent late")
    assert Result(made).problems() == ["INVALID: sent late"]


def test_a_broken_threshold_is_told_with_what_was_measured():
    made = report()
    made.thresholds.add(expression="p99<5ms", passed=False, actual="7.1ms")
    made.thresholds.add(expression="errors<1%", passed=True)
    assert Result(made).problems() == ["threshold p99<5ms: got 7.1ms"]
