import datetime

import pytest

from loadtest import make_spec, nanoseconds, spec_from_plan
from loadtest.v1.load_test_pb2 import LoadTestSpec

URL = "http://127.0.0.1:8081/ping"


@pytest.mark.parametrize("time, wanted", [
    ("500ms", 500_000_000),
    ("1m30s", 90_000_000_000),
    ("1.5s", 1_500_000_000),
    ("7us", 7_000),
    (2, 2_000_000_000),
    (0.25, 250_000_000),
    (datetime.timedelta(minutes=1, microseconds=3), 60_000_003_000),
])
def test_times_are_whole_nanoseconds(time, wanted):
    assert nanoseconds(time) == wanted


@pytest.mark.parametrize("time", ["", "10", "ten seconds", "1s1", None, True])
def test_what_is_no_time_is_refused_with_what_was_wanted(time):
    with pytest.raises(ValueError, match="want seconds, a timedelta, or text"):
        nanoseconds(time)


def test_without_a_pace_it_is_an_avalanche():
    assert make_spec(URL).WhichOneof("load") == "avalanche"


def test_a_delay_is_a_tsunami():
    spec = make_spec(URL, delay="1s5ms", requests=200)
    assert (spec.tsunami.delay.seconds, spec.tsunami.delay.nanos, spec.requests_per_driver) == (1, 5_000_000, 200)


def test_a_negative_delay_has_one_sign_for_the_orchestrator_to_refuse():
    delay = make_spec(URL, delay=-1.5).tsunami.delay
    assert (delay.seconds, delay.nanos) == (-1, -500_000_000)


def test_stages_keep_their_order():
    spec = make_spec(URL, stages=[(0, 500, "10s"), (500, 500, 20)])
    assert [(getattr(s, "from"), s.to, s.duration.seconds) for s in spec.stages.stages] == [(0, 500, 10), (500, 500, 20)]


def test_two_paces_are_refused():
    with pytest.raises(ValueError, match="more than one of delay, rate and stages"):
        make_spec(URL, delay="1s", rate=5)


def test_a_wrong_time_names_its_argument():
    with pytest.raises(ValueError, match="duration: got 'soon'"):
        make_spec(URL, duration="soon")


def test_headers_keep_their_order_and_duplicates():
    spec = make_spec(URL, headers=[("a", "1"), ("b", "2"), ("a", "3")])
    assert [(h.name, h.value) for h in spec.request.headers] == [("a", "1"), ("b", "2"), ("a", "3")]


def test_a_plan_is_the_message_in_json():
    spec = spec_from_plan({"request": {"url": URL}, "tsunami": {"delay": "0.005s"}, "requests_per_driver": 20})
    assert isinstance(spec, LoadTestSpec)
    assert (spec.tsunami.delay.nanos, spec.requests_per_driver) == (5_000_000, 20)
