import datetime
import json
import pathlib

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


def test_a_plan_has_durations_as_people_write_them():
    spec = spec_from_plan({"request": {"url": URL}, "duration": "1m30s", "stages": {"stages": [{"to": 5, "duration": "500ms"}]}})
    assert (spec.duration.seconds, spec.stages.stages[0].duration.nanos) == (90, 500_000_000)


def test_a_plan_file_may_have_comments(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text('{\n  // how often\n  "rate": {"requests_per_second": 5}, /* no\n more */\n  "title": "a // b \\" /* c */"}')
    spec = spec_from_plan(plan)
    assert (spec.rate.requests_per_second, spec.title) == (5, 'a // b " /* c */')


@pytest.mark.parametrize("text, wanted", [
    ('{\n"duration": soon}', r"plan\.json: Expecting value: line 2"),
    ('{"duration": "soon"}', r"plan\.json: duration: got 'soon'"),
    ('{"stages": {"stages": [{"duration": "1"}]}}', r"stages\.stages\[0\]\.duration: got '1'"),
    ('{"speed": 5}', r'plan\.json: .*no field named "speed"'),
    ("[]", r"plan\.json: got \[\], want an object"),
])
def test_a_wrong_plan_file_is_named_with_what_is_wrong_in_it(tmp_path, text, wanted):
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    with pytest.raises(ValueError, match=wanted):
        spec_from_plan(plan)


def test_the_example_plans_are_read():
    plans = sorted((pathlib.Path(__file__).parents[3] / "examples/plans").glob("*.json"))
    assert len(plans) >= 9
    for plan in plans:
        assert spec_from_plan(plan) == spec_from_plan(json.loads(plan.read_text()))


def test_thresholds_may_be_written_as_on_the_command_line():
    assert list(make_spec(URL, thresholds="p99<50ms, errors<0.1%").thresholds) == ["p99<50ms", "errors<0.1%"]
    assert list(make_spec(URL, thresholds=["p99<50ms"]).thresholds) == ["p99<50ms"]


@pytest.mark.parametrize("argument, value", [
    ("rate", "fast"), ("requests", 1.5), ("connections", "9"), ("drivers", 2**70), ("headers", {"a": 1}), ("headers", "abc"), ("body", 5),
    ("labels", {"a": 1}), ("stages", [(1, 2)]), ("stages", [("a", 2, "1s")]), ("method", 5), ("thresholds", [5]), ("title", b"\xff"),
])
def test_a_value_that_cannot_be_written_down_is_named_with_what_was_wanted(argument, value):
    with pytest.raises((TypeError, ValueError), match=f"^{argument}: got .*, want "):
        make_spec(URL, **{argument: value})


def test_none_is_what_was_not_given():
    assert make_spec(URL, requests=None, connections=None, drivers=None) == make_spec(URL)


def test_an_error_shows_no_secret():
    with pytest.raises((TypeError, ValueError)) as error:
        make_spec(URL, headers={"Authorization": "Bearer secret", "X-Try": 1})
    assert "secret" not in str(error.value)
