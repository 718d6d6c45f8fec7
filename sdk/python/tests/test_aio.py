"""The asyncio client against a live orchestrator."""

import asyncio

import pytest

from loadtest import AsyncClient, InvalidSpec, Unavailable


def test_run_counts_what_the_server_counted(loadtest_server, site):
    async def scenario():
        async with AsyncClient(loadtest_server) as client:
            return await client.run(site.url + "/ping", delay="5ms", requests=50)

    result = asyncio.run(scenario())
    assert result.sent == result.completed == site.counts["/ping"] == 100


def test_calls_are_awaited_side_by_side(loadtest_server):
    async def scenario():
        async with AsyncClient(loadtest_server) as client:
            return await asyncio.gather(*(client.drivers() for _ in range(20)))

    assert [len(drivers) for drivers in asyncio.run(scenario())] == [2] * 20


def test_a_cancelled_run_stops_its_test(loadtest_server, site):
    async def scenario():
        async with AsyncClient(loadtest_server) as client:
            began = asyncio.Event()
            run = asyncio.create_task(client.run(site.url + "/ping", rate=50, duration="60s",
                                                 test_id="py-cancelled", on_update=lambda update: began.set()))
            await asyncio.wait_for(began.wait(), 20)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            async for update in client.watch("py-cancelled"):
                last = update
            return last.load_test

    test = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert test.state_reason == "its Python program ended"


def test_errors_are_those_of_the_other_client(loadtest_server):
    async def wrong():
        async with AsyncClient(loadtest_server) as client:
            await client.validate("ftp://127.0.0.1/")

    async def nobody():
        async with AsyncClient("127.0.0.1:1") as client:
            await client.drivers()

    with pytest.raises(InvalidSpec, match="spec.request.url"):
        asyncio.run(wrong())
    with pytest.raises(Unavailable, match="orchestrator at 127.0.0.1:1"):
        asyncio.run(nobody())
