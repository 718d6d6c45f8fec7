"""What came of a test."""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from loadtest.v1.load_test_pb2 import LatencySummary, LoadTest, Report, ThresholdResult, Verdict
from loadtest.v1.measure_pb2 import ErrorKind, Histogram

_BUCKETS_AN_OCTAVE = 512


class Latency:
    """Percentiles of a latency in milliseconds. `ns` has them in nanoseconds, as they came."""

    def __init__(self, summary: LatencySummary, histogram: Histogram) -> None:
        self.ns = summary
        self._histogram = histogram

    @property
    def count(self) -> int:
        return self.ns.count

    @property
    def min(self) -> float:
        return self.ns.min_ns / 1e6

    @property
    def mean(self) -> float:
        return self.ns.mean_ns / 1e6

    @property
    def p50(self) -> float:
        return self.ns.p50_ns / 1e6

    @property
    def p90(self) -> float:
        return self.ns.p90_ns / 1e6

    @property
    def p95(self) -> float:
        return self.ns.p95_ns / 1e6

    @property
    def p99(self) -> float:
        return self.ns.p99_ns / 1e6

    @property
    def p999(self) -> float:
        return self.ns.p999_ns / 1e6

    @property
    def max(self) -> float:
        return self.ns.max_ns / 1e6

    def buckets(self) -> Iterator[Tuple[float, int]]:
        """(middle in milliseconds, count) of each bucket that is not empty, smallest first; docs/bus_protocol.md has the formula."""
        index = 0
        for delta, count in zip(self._histogram.index_deltas, self._histogram.bucket_counts):
            index += delta
            yield _middle(index) / 1e6, count

    def percentile(self, q: float) -> float:
        """The smallest bucket's middle, in milliseconds, that q (0 to 1) of the values are not above; 0 when there are none."""
        if not 0 <= q <= 1:
            raise ValueError(f"q: got {q}, want 0 to 1")
        rank, seen = q * self._histogram.count, 0
        for middle, count in self.buckets():
            seen += count
            if seen >= rank:
                return min(max(middle, self._histogram.min_ns / 1e6), self._histogram.max_ns / 1e6)
        return 0.0


def _middle(index: int) -> int:
    if index < _BUCKETS_AN_OCTAVE:
        return index
    exponent = index // _BUCKETS_AN_OCTAVE - 1
    return ((index - _BUCKETS_AN_OCTAVE * exponent) << exponent) + ((1 << exponent) - 1) // 2


class Result:
    """A report, with the numbers that are asked for most at hand. `report` is the whole message."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.response_time = Latency(report.response_time, report.totals.response_time)
        self.service_time = Latency(report.service_time, report.totals.service_time)
        self.send_delay = Latency(report.send_delay, report.totals.send_delay)

    @property
    def name(self) -> str:
        return self.report.load_test.name

    @property
    def state(self) -> str:
        """"SUCCEEDED", "STOPPED" or "FAILED" once it has ended; `state_reason` says why."""
        return str(LoadTest.State.Name(self.report.load_test.state))

    @property
    def state_reason(self) -> str:
        return self.report.load_test.state_reason

    @property
    def verdict(self) -> str:
        """Whether the generator may be believed: "VALID", "DEGRADED" or "INVALID"."""
        return str(Verdict.Level.Name(self.report.verdict.level))

    @property
    def verdict_reasons(self) -> List[str]:
        return [reason.message for reason in self.report.verdict.reasons]

    @property
    def sent(self) -> int:
        return self.report.totals.counts.sent

    @property
    def completed(self) -> int:
        return self.report.totals.counts.completed

    @property
    def failed(self) -> int:
        return self.report.totals.counts.failed

    @property
    def rate(self) -> float:
        """Requests answered per second."""
        return self.report.completed_per_second

    @property
    def status_codes(self) -> Dict[int, int]:
        return dict(self.report.totals.status_codes)

    @property
    def errors(self) -> Dict[str, int]:
        """Requests that failed or could not be sent, by kind."""
        return {str(ErrorKind.Name(e.kind)): e.count for e in self.report.totals.errors}

    @property
    def thresholds(self) -> List[ThresholdResult]:
        return list(self.report.thresholds)

    @property
    def passed(self) -> bool:
        """It ran to its end, something was answered, the numbers may be believed, and every threshold was kept."""
        return not self.problems()

    def problems(self) -> List[str]:
        """Why it did not pass, a line each; for an assertion's message."""
        found = []
        if self.state != "SUCCEEDED":
            found.append(f"{self.state}: {self.state_reason}")
        if self.completed == 0:
            found.append(f"no request succeeded: {self.errors}")
        if self.verdict == "INVALID":
            found += [f"INVALID: {reason}" for reason in self.verdict_reasons]
        found += [f"threshold {t.expression}: got {t.actual or 'nothing'}" for t in self.thresholds if not t.passed]
        return found

    def __repr__(self) -> str:
        return (f"<{self.name} {self.state} {self.verdict}: {self.completed} of {self.sent} answered, {self.rate:.0f}/s, "
                f"p50 {self.response_time.p50:.2f} ms, p99 {self.response_time.p99:.2f} ms>")
