"""Load tests from Python.

    import loadtest

    result = loadtest.run("http://127.0.0.1:8081/ping", rate=500, duration="10s", local=2)
    print(result, result.response_time.p99)
    assert result.passed, result.problems()

`Client` and `AsyncClient` have the single steps; `loadtest.v1` the messages they are made of.
"""

from loadtest.aio import AsyncClient
from loadtest.client import Client, run
from loadtest.errors import InvalidSpec, LoadTestError, NotFound, Refused, Unavailable
from loadtest.local import LocalCluster
from loadtest.result import Latency, Result
from loadtest.spec import make_spec, nanoseconds, spec_from_plan

__all__ = ["AsyncClient", "Client", "InvalidSpec", "Latency", "LoadTestError", "LocalCluster", "NotFound", "Refused",
           "Result", "Unavailable", "make_spec", "nanoseconds", "run", "spec_from_plan"]
