"""The same client for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from types import TracebackType
from typing import Any, AsyncIterator, Callable, List, Optional, Type, Union

import grpc
import grpc.aio

from loadtest import errors
from loadtest.connection import CALL_SECONDS, Connection, TestName, create_request, full_name
from loadtest.result import Result
from loadtest.spec import make_spec
from loadtest.v1 import load_test_pb2, service_pb2, service_pb2_grpc
from loadtest.v1.load_test_pb2 import Driver, LoadTest, LoadTestSpec
from loadtest.v1.service_pb2 import LoadTestUpdate


class AsyncClient:
    """A connection to an orchestrator, of one event loop. Use it in an `async with`. Raises as Client does."""

    def __init__(self, server: Optional[str] = None, *, token: Optional[str] = None, ca_file: Optional[str] = None,
                 tls: bool = False, cert_file: Optional[str] = None, key_file: Optional[str] = None) -> None:
        self._connection = Connection.of(server, token, ca_file, tls, cert_file, key_file)
        self._channel = self._connection.channel(grpc.aio)
        self._service = service_pb2_grpc.LoadTestServiceStub(self._channel)

    @property
    def server(self) -> str:
        return self._connection.server

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close()

    async def run(self, spec: Union[LoadTestSpec, str], *, on_update: Optional[Callable[[LoadTestUpdate], None]] = None,
                  **options: Any) -> Result:
        """As Client.run. Cancelling it stops the test."""
        test = await self.create(spec, **options)
        try:
            async for update in self.watch(test):
                if on_update is not None:
                    on_update(update)
        except BaseException:
            with contextlib.suppress(errors.LoadTestError):
                await asyncio.shield(self.stop(test, "its Python program ended"))
            raise
        return await self.result(test)

    async def create(self, spec: Union[LoadTestSpec, str], *, test_id: str = "", **options: Any) -> LoadTest:
        made = make_spec(spec, **options) if isinstance(spec, str) else spec
        reply: LoadTest = await self._call("CreateLoadTest", create_request(made, test_id, str(uuid.uuid4())))
        return reply

    async def validate(self, spec: Union[LoadTestSpec, str], **options: Any) -> LoadTestSpec:
        made = make_spec(spec, **options) if isinstance(spec, str) else spec
        reply: LoadTest = await self._call("CreateLoadTest", create_request(made, "", "", validate_only=True))
        return reply.spec

    async def watch(self, test: TestName) -> AsyncIterator[LoadTestUpdate]:
        try:
            async for update in self._service.WatchLoadTest(service_pb2.WatchLoadTestRequest(name=full_name(test)),
                                                            metadata=self._connection.metadata()):
                yield update
        except grpc.RpcError as error:
            raise errors.translated(error, self.server) from None

    async def get(self, test: TestName) -> LoadTest:
        reply: LoadTest = await self._call("GetLoadTest", service_pb2.GetLoadTestRequest(name=full_name(test)))
        return reply

    async def tests(self) -> AsyncIterator[LoadTest]:
        """All tests, newest first."""
        token = ""
        while True:
            page = await self._call("ListLoadTests", service_pb2.ListLoadTestsRequest(page_token=token))
            for test in page.load_tests:
                yield test
            token = page.next_page_token
            if not token:
                return

    async def stop(self, test: TestName, reason: str = "") -> LoadTest:
        request = service_pb2.StopLoadTestRequest(name=full_name(test), reason=reason)
        reply: LoadTest = await self._call("StopLoadTest", request)
        return reply

    async def delete(self, test: TestName) -> None:
        await self._call("DeleteLoadTest", service_pb2.DeleteLoadTestRequest(name=full_name(test)))

    async def note(self, test: TestName, text: str) -> LoadTest:
        changed = load_test_pb2.LoadTest(name=full_name(test), note=text)
        reply: LoadTest = await self._call("UpdateLoadTest", service_pb2.UpdateLoadTestRequest(load_test=changed))
        return reply

    async def result(self, test: TestName) -> Result:
        return Result(await self._call("GetReport", service_pb2.GetReportRequest(name=full_name(test))))

    async def drivers(self) -> List[Driver]:
        return list((await self._call("ListDrivers", service_pb2.ListDriversRequest())).drivers)

    async def _call(self, method: str, request: Any) -> Any:
        try:
            return await getattr(self._service, method)(request, timeout=CALL_SECONDS,
                                                        metadata=self._connection.metadata())
        except grpc.RpcError as error:
            raise errors.translated(error, self.server) from None
