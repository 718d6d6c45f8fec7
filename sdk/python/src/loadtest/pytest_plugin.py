"""Fixtures for pytest: `loadtest_client` is a client of an orchestrator.

Of the one that `--loadtest-server` or LOADTEST_SERVER names; without either, of one started for the test session, with
`--loadtest-drivers` drivers.
"""

from __future__ import annotations

import os
from typing import Iterator

import pytest

from loadtest.client import Client
from loadtest.local import LocalCluster


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("loadtest")
    group.addoption("--loadtest-server", default="", metavar="HOST:PORT",
                    help="orchestrator that runs the load tests; by default one is started")
    group.addoption("--loadtest-drivers", default=2, type=int, metavar="N", help="drivers of the one that is started")


@pytest.fixture(scope="session")
def loadtest_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """HOST:PORT of an orchestrator."""
    named = request.config.getoption("--loadtest-server") or os.environ.get("LOADTEST_SERVER", "")
    if named:
        yield str(named)
        return
    with LocalCluster(drivers=int(request.config.getoption("--loadtest-drivers"))) as cluster:
        yield cluster.server


@pytest.fixture
def loadtest_client(request: pytest.FixtureRequest, loadtest_server: str) -> Iterator[Client]:
    """A client of that orchestrator."""
    named = request.config.getoption("--loadtest-server") or os.environ.get("LOADTEST_SERVER", "")
    # One that was started here has no token and no TLS, whatever the environment says.
    with Client(loadtest_server) if named else Client(loadtest_server, token="", ca_file="") as client:
        yield client
