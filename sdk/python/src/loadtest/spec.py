"""What to run, written as Python values."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict, ParseError

from loadtest.v1.load_test_pb2 import LoadTestSpec

#: Seconds, a timedelta, or text as the command line takes it: "500ms", "1m30s".
Time = Union[int, float, str, datetime.timedelta]
#: One stage: rate at its beginning, rate at its end (requests per second of all drivers), how long.
Stage = Tuple[float, float, Time]
Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]
#: One after the other, or as on the command line: "p99<50ms,errors<0.1%".
Thresholds = Union[str, Sequence[str]]

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


@contextlib.contextmanager
def _named(name: str, value: object, wanted: str) -> Iterator[None]:
    """protobuf says neither which value it does not take nor what it would."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: got {_shown(value)}, want {wanted}") from None


def _shown(value: object) -> str:
    """Of what may be a secret, or long, only what it is."""
    text = repr(value)
    return text if isinstance(value, (str, int, float)) and len(text) <= 80 else f"a {type(value).__name__}"


def _listed(thresholds: Thresholds) -> Sequence[str]:
    return [part.strip() for part in thresholds.split(",")] if isinstance(thresholds, str) else thresholds


def make_spec(
    url: str,
    *,
    delay: Optional[Time] = None,
    rate: Optional[float] = None,
    stages: Optional[Sequence[Stage]] = None,
    requests: Optional[int] = None,
    duration: Optional[Time] = None,
    connections: Optional[int] = None,
    drivers: Optional[int] = None,
    method: str = "",
    headers: Headers = (),
    body: Union[bytes, str] = b"",
    timeout: Optional[Time] = None,
    warmup: Optional[Time] = None,
    http2: bool = False,
    insecure: bool = False,
    thresholds: Thresholds = (),
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
    spec = LoadTestSpec(abort_on_threshold=abort_on_threshold)
    for argument, field, number in (("requests", "requests_per_driver", requests), ("drivers", "drivers", drivers),
                                    ("connections", "connections", connections)):
        if number is not None:
            with _named(argument, number, "a whole number"):
                setattr(spec, field, number)
    with _named("title", title, "text"):
        spec.title = title
    with _named("url", url, "text"):
        spec.request.url = url
    with _named("method", method, "text"):
        spec.request.method = method
    with _named("body", body, "text or bytes"):
        spec.request.body = body.encode() if isinstance(body, str) else body
    with _named("headers", headers, "a mapping of names to values, or (name, value) pairs, all text"):
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            spec.request.headers.add(name=name, value=value)
    if delay is not None:
        spec.tsunami.delay.CopyFrom(_duration("delay", delay))
    elif rate is not None:
        with _named("rate", rate, "a number of requests per second"):
            spec.rate.requests_per_second = rate
    elif stages is not None:
        spec.stages.SetInParent()
        with _named("stages", stages, 'triples such as (0, 500, "30s"): rate at the beginning, rate at the end, how long'):
            for begin, end, length in stages:
                stage = spec.stages.stages.add(to=end, duration=_duration("stages", length))
                setattr(stage, "from", begin)
    else:
        spec.avalanche.SetInParent()
    for argument, field, time in (("duration", "duration", duration), ("timeout", "request_timeout", timeout), ("warmup", "warmup", warmup)):
        if time is not None:
            getattr(spec, field).CopyFrom(_duration(argument, time))
    if http2:
        spec.http_version = LoadTestSpec.HTTP_2
    if insecure:
        spec.tls.insecure = True
    with _named("thresholds", thresholds, 'text such as "p99<50ms", one or a list'):
        spec.thresholds.extend(_listed(thresholds))
    for field, pairs in (("labels", labels), ("driver_labels", driver_labels)):
        with _named(field, pairs, "a mapping of text to text"):
            getattr(spec, field).update(pairs or {})
    return spec


_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def spec_from_plan(plan: Union[Mapping[str, object], "os.PathLike[str]"]) -> LoadTestSpec:
    """A plan file, as `loadctl run` takes it: its path (a pathlib.Path), or its content (of json.load).

    ValueError names the file, or what in the plan is wrong.
    """
    if isinstance(plan, Mapping):
        return _parsed(plan)
    path = os.fspath(plan)
    with open(path, encoding="utf-8") as file:
        # Comments become spaces, so that places in errors are right.
        text = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0]),
                                      file.read())
    try:
        return _parsed(json.loads(text))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _parsed(plan: Any) -> LoadTestSpec:
    if not isinstance(plan, Mapping):
        raise ValueError(f"got {plan!r}, want an object")
    try:
        return ParseDict(_with_durations(plan, LoadTestSpec.DESCRIPTOR, ""), LoadTestSpec())
    except ParseError as error:
        raise ValueError(str(error)) from None


def _with_durations(value: Any, message: Any, path: str) -> Any:
    """Durations as people write them ("5ms") in protobuf's own form ("0.005s"). `message` is a descriptor."""
    if not isinstance(value, Mapping):
        return value
    made = {}
    for key, inner in value.items():
        field = message.fields_by_name.get(key) or message.fields_by_camelcase_name.get(key)
        kind = field.message_type if field is not None else None
        place = f"{path}.{key}" if path else str(key)
        if kind is None or kind.GetOptions().map_entry:
            made[key] = inner
        elif kind.full_name == "google.protobuf.Duration":
            made[key] = _duration(place, inner).ToJsonString() if isinstance(inner, str) else inner
        elif isinstance(inner, list):
            made[key] = [_with_durations(one, kind, f"{place}[{i}]") for i, one in enumerate(inner)]
        else:
            made[key] = _with_durations(inner, kind, place)
    return made
