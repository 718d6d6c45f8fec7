"""Against a live orchestrator, which the package's own fixtures start."""

import threading
import time

import pytest

import loadtest
from loadtest import Client, InvalidSpec, NotFound, Unavailable


def test_run_counts_what_the_server_counted(loadtest_client, site):
    seen = []
    result = loadtest_client.run(site.url + "/ping", delay="5ms", requests=50, on_update=seen.append)
    assert result.sent == result.completed == site.counts["/ping"] == 100
    assert result.state == "SUCCEEDED"
    assert result.status_codes == {200: 100}
    assert 0 < result.response_time.p50 <= result.response_time.max
    assert result.response_time.percentile(0.5) == pytest.approx(result.response_time.p50, rel=1e-6)
    assert seen[-1].progress == pytest.approx(1)


def test_method_headers_and_body_arrive(loadtest_client, site):
    result = loadtest_client.run(site.url, method="POST", headers={"X-Who": "me"}, body="hello", requests=5, connections=1)
    assert result.completed == site.counts["me:hello"] == 10


def test_statuses_are_counted_and_not_raised(loadtest_client, site):
    result = loadtest_client.run(site.url + "/broken", requests=5, connections=1)
    assert result.status_codes == {503: 10}


def test_a_wrong_spec_names_the_field(loadtest_client):
    with pytest.raises(InvalidSpec, match=r"spec\.tsunami\.delay: got 0s, want "):
        loadtest_client.create("http://127.0.0.1:1/", delay=0)


def test_validate_fills_in_the_defaults_and_creates_nothing(loadtest_client):
    before = len(list(loadtest_client.tests()))
    assert loadtest_client.validate("http://127.0.0.1:1/").connections == 50
    assert len(list(loadtest_client.tests())) == before


def test_a_test_is_created_stopped_read_and_deleted(loadtest_client, site):
    test = loadtest_client.create(site.url + "/ping", rate=50, duration="30s", test_id="py-steps")
    assert test.name == "loadTests/py-steps"
    loadtest_client.stop("py-steps", "enough")
    states = [update.load_test.state for update in loadtest_client.watch(test)]
    assert states
    result = loadtest_client.result(test)
    assert (result.state, result.state_reason) == ("STOPPED", "enough")
    assert not result.passed
    loadtest_client.delete(test)
    with pytest.raises(NotFound, match="py-steps"):
        loadtest_client.get(test)


def test_a_note_stays_with_its_test(loadtest_client, site):
    result = loadtest_client.run(site.url + "/ping", requests=1, connections=1)
    loadtest_client.note(result.name, "before the cache was added")
    assert loadtest_client.get(result.name).note == "before the cache was added"


def test_an_exception_on_the_way_stops_the_test(loadtest_client, site):
    def fail(update):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        loadtest_client.run(site.url + "/ping", rate=50, duration="60s", on_update=fail)
    newest = next(iter(loadtest_client.tests()))
    deadline = time.monotonic() + 20
    while loadtest_client.get(newest).state_reason != "its Python program ended":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_drivers_are_listed(loadtest_client):
    assert sorted(d.name for d in loadtest_client.drivers()) == ["drivers/driver-1", "drivers/driver-2"]


def test_nobody_there_is_said_with_the_address():
    with Client("127.0.0.1:1") as client, pytest.raises(Unavailable, match="orchestrator at 127.0.0.1:1: UNAVAILABLE"):
        client.drivers()


def test_a_threshold_decides_whether_it_passed(loadtest_client, site):
    result = loadtest_client.run(site.url + "/ping", delay="10ms", requests=20, thresholds=["p50<10s", "p50<1ns"])
    assert [t.passed for t in result.thresholds] == [True, False]
    assert not result.passed
    assert any("p50<1ns" in problem for problem in result.problems())


def test_run_in_five_lines(loadtest_server, site):
    result = loadtest.run(site.url + "/ping", server=loadtest_server, rate=100, duration="500ms")
    assert result.sent == 50


def test_one_client_serves_many_threads(loadtest_client):
    failures = []

    def ask():
        try:
            for _ in range(20):
                loadtest_client.drivers()
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
