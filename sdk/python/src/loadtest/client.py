"""The client for programs without an event loop."""

from __future__ import annotations

import contextlib
import uuid
from types import TracebackType
from typing import Any, Callable, Iterator, List, Optional, Type, Union

import grpc

from loadtest import errors
from loadtest.connection import CALL_SECONDS, Connection, TestName, create_request, full_name
from loadtest.result import Result
from loadtest.spec import make_spec
from loadtest.v1 import load_test_pb2, service_pb2, service_pb2_grpc
from loadtest.v1.load_test_pb2 import Driver, LoadTest, LoadTestSpec
from loadtest.v1.service_pb2 import LoadTestUpdate


class Client:
    """A connection to an orchestrator. Use it in a `with`, or close it. May be shared by threads.

    Every method raises a LoadTestError; see loadtest.errors. loadtest.connection.Connection says what the arguments are.
    """

    def __init__(self, server: Optional[str] = None, *, token: Optional[str] = None, ca_file: Optional[str] = None,
                 tls: bool = False, cert_file: Optional[str] = None, key_file: Optional[str] = None) -> None:
        self._connection = Connection.of(server, token, ca_file, tls, cert_file, key_file)
        self._channel = self._connection.channel(grpc)
        self._service = service_pb2_grpc.LoadTestServiceStub(self._channel)

    @property
    def server(self) -> str:
        return self._connection.server

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def run(self, spec: Union[LoadTestSpec, str], *, on_update: Optional[Callable[[LoadTestUpdate], None]] = None,
            **options: Any) -> Result:
        """Creates a test, waits for its end, and gives its result. `spec` is one, or a URL with make_spec's options.
        An exception on the way (Ctrl-C too) stops the test."""
        test = self.create(spec, **options)
        try:
            for update in self.watch(test):
                if on_update is not None:
                    on_update(update)
        except BaseException:
            with contextlib.suppress(errors.LoadTestError):
                self.stop(test, "its Python program ended")
            raise
        return self.result(test)

    def create(self, spec: Union[LoadTestSpec, str], *, test_id: str = "", **options: Any) -> LoadTest:
        """Begins a test and returns at once; it starts when enough drivers are idle."""
        made = make_spec(spec, **options) if isinstance(spec, str) else spec
        reply: LoadTest = self._call("CreateLoadTest", create_request(made, test_id, str(uuid.uuid4())))
        return reply

    def validate(self, spec: Union[LoadTestSpec, str], **options: Any) -> LoadTestSpec:
        """The spec with the defaults that a test would get. Nothing is created. InvalidSpec says what is wrong."""
        made = make_spec(spec, **options) if isinstance(spec, str) else spec
        reply: LoadTest = self._call("CreateLoadTest", create_request(made, "", "", validate_only=True))
        return reply.spec

    def watch(self, test: TestName) -> Iterator[LoadTestUpdate]:
        """An update now, then one for each interval, state and event, until the test has ended."""
        try:
            yield from self._service.WatchLoadTest(service_pb2.WatchLoadTestRequest(name=full_name(test)),
                                                   metadata=self._connection.metadata())
        except grpc.RpcError as error:
            raise errors.translated(error, self.server) from None

    def get(self, test: TestName) -> LoadTest:
        reply: LoadTest = self._call("GetLoadTest", service_pb2.GetLoadTestRequest(name=full_name(test)))
        return reply

    def tests(self) -> Iterator[LoadTest]:
        """All tests, newest first."""
        token = ""
        while True:
            page = self._call("ListLoadTests", service_pb2.ListLoadTestsRequest(page_token=token))
            yield from page.load_tests
            token = page.next_page_token
            if not token:
                return

    def stop(self, test: TestName, reason: str = "") -> LoadTest:
        reply: LoadTest = self._call("StopLoadTest", service_pb2.StopLoadTestRequest(name=full_name(test), reason=reason))
        return reply

    def delete(self, test: TestName) -> None:
        self._call("DeleteLoadTest", service_pb2.DeleteLoadTestRequest(name=full_name(test)))

    def note(self, test: TestName, text: str) -> LoadTest:
        """Writes a note on a test; it replaces the one that was there."""
        changed = load_test_pb2.LoadTest(name=full_name(test), note=text)
        reply: LoadTest = self._call("UpdateLoadTest", service_pb2.UpdateLoadTestRequest(load_test=changed))
        return reply

    def result(self, test: TestName) -> Result:
        """As far as it is known; final once the test has ended."""
        return Result(self._call("GetReport", service_pb2.GetReportRequest(name=full_name(test))))

    def drivers(self) -> List[Driver]:
        return list(self._call("ListDrivers", service_pb2.ListDriversRequest()).drivers)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._service, method)(request, timeout=CALL_SECONDS, metadata=self._connection.metadata())
        except grpc.RpcError as error:
            raise errors.translated(error, self.server) from None


def run(url: str, *, server: Optional[str] = None, local: int = 0, **options: Any) -> Result:
    """One test from nothing: `run("http://127.0.0.1:8081/ping", rate=500, duration="10s")`.

    `local` starts an orchestrator with so many drivers for this test alone, and ends it. Options are make_spec's.
    """
    from loadtest.local import LocalCluster

    with contextlib.ExitStack() as stack:
        if local > 0:
            cluster = stack.enter_context(LocalCluster(drivers=local))
            return stack.enter_context(cluster.client()).run(url, **options)
        return stack.enter_context(Client(server)).run(url, **options)
