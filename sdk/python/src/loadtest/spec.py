"""What to run, written as Python values."""

from __future__ import annotations

import datetime
import re
from typing import Iterable, Mapping, Optional, Sequence, Tuple, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict

from loadtest.v1.load_test_pb2 import LoadTestSpec

#: Seconds, a timedelta, or text as the command line takes it: "500ms", "1m30s".
Time = Union[int, float, str, datetime.timedelta]
#: One stage: rate at its beginning, rate at its end (requests per second of all drivers), how long.
Stage = Tuple[float, float, Time]
Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]

_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")


def nanoseconds(time: Time) -> int:
    """ValueError names what was given and what was wanted."""
    if isinstance(time, datetime.timedelta):
        return round(time / datetime.timedelta(microseconds=1) * 1000)
    if isinstance(time, (int, float)) and not isinstance(time, bool):
        return round(time * 1_000_000_000)
    if isinstance(time, str) and time and _PART.sub("", time) == "":
        return round(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(time)))
    raise ValueError(f'got {time!r}, want seconds, a timedelta, or text such as "500ms" or "1m30s"')


def _duration(name: str, time: Time) -> Duration:
    try:
        total = nanoseconds(time)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    # Both parts have the sign of the whole.
    seconds, nanos = divmod(abs(total), 1_000_000_000)
    sign = -1 if total < 0 else 1
    return Duration(seconds=sign * seconds, nanos=sign * nanos)


def make_spec(
    url: str,
    *,
    delay: Optional[Time] = None,
    rate: Optional[float] = None,
    stages: Optional[Sequence[Stage]] = None,
    requests: int = 0,
    duration: Optional[Time] = None,
    connections: int = 0,
    drivers: int = 0,
    method: str = "",
    headers: Headers = (),
    body: Union[bytes, str] = b"",
    timeout: Optional[Time] = None,
    warmup: Optional[Time] = None,
    http2: bool = False,
    insecure: bool = False,
    thresholds: Sequence[str] = (),
    abort_on_threshold: bool = False,
    labels: Optional[Mapping[str, str]] = None,
    driver_labels: Optional[Mapping[str, str]] = None,
    title: str = "",
) -> LoadTestSpec:
    """A spec from the words of the command line.

    With `delay` every driver sends a request so often (Tsunami); with `rate` or `stages` all drivers together send so
    many a second; with none of them every connection sends as fast as it is answered (Avalanche). `requests` is for
    each driver; with `duration` too, whichever ends first; with neither: 10 s. What is left out has the orchestrator's
    default. ValueError for what cannot be written down; whether the values make sense, the orchestrator says.
    """
    if sum(kind is not None for kind in (delay, rate, stages)) > 1:
        raise ValueError("got more than one of delay, rate and stages, want at most one")
    spec = LoadTestSpec(title=title, requests_per_driver=requests, drivers=drivers, connections=connections,
                        abort_on_threshold=abort_on_threshold)
    spec.request.url = url
    spec.request.method = method
    spec.request.body = body.encode() if isinstance(body, str) else body
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        spec.request.headers.add(name=name, value=value)
    if delay is not None:
        spec.tsunami.delay.CopyFrom(_duration("delay", delay))
    elif rate is not None:
        spec.rate.requests_per_second = rate
    elif stages is not None:
        spec.stages.SetInParent()
        for begin, end, length in stages:
            stage = spec.stages.stages.add(to=end, duration=_duration("stages", length))
            setattr(stage, "from", begin)
    else:
        spec.avalanche.SetInParent()
    for field, time in (("duration", duration), ("request_timeout", timeout), ("warmup", warmup)):
        if time is not None:
            getattr(spec, field).CopyFrom(_duration(field, time))
    if http2:
        spec.http_version = LoadTestSpec.HTTP_2
    if insecure:
        spec.tls.insecure = True
    spec.thresholds.extend(thresholds)
    spec.labels.update(labels or {})
    spec.driver_labels.update(driver_labels or {})
    return spec


def spec_from_plan(plan: Mapping[str, object]) -> LoadTestSpec:
    """A plan file's content (json.load) as a spec."""
    return ParseDict(dict(plan), LoadTestSpec())
