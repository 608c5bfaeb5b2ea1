"""Looking names up: names whose servers do not answer hold up nobody who asks for another."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.actions.resolving import Lookups, resolve_host
from gateway.model.action import Answered, Declined
from gateway.model.contract import HttpHandler
from tests.unit.actions.raw_server import make_call, make_contract, opened, running, says

SILENT = 40
"""More names than an event loop has threads."""


class Names:
    """The system's resolver: names that begin with ``silent`` are answered once it is told to."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.speaks = threading.Event()

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked[host] += 1
        if host.startswith("silent"):
            self.speaks.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Try again")
        one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        return [one, one]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.speaks.set()


def test_names_whose_servers_are_silent_hold_up_no_call_of_another(names: Names) -> None:
    async def scenario() -> object:
        async with running(says(200)) as server, opened(hosts=["*.example"]) as actions:

            def perform(host: str) -> "asyncio.Task[object]":
                handler = HttpHandler("POST", f"http://{host}.example:{server.port}/")
                call = make_call(make_contract(handler))
                return asyncio.create_task(actions.perform(call, handler))

            silent = [perform(f"silent-{one}") for one in range(SILENT)]
            try:
                async with asyncio.timeout(20):  # its turn is after theirs
                    return await perform("shop")
            finally:
                names.speaks.set()
                await asyncio.gather(*silent)

    assert asyncio.run(scenario()) == Answered({})


def test_an_answer_holds_each_address_once(names: Names) -> None:
    assert asyncio.run(resolve_host("shop.example", 80)) == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_nobody_is_asked_for_an_address(names: Names, address: str) -> None:
    assert asyncio.run(resolve_host(address, 80)) == [address]
    assert names.asked == {}


def test_without_a_thread_to_ask_in_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> object:
        async with opened(hosts=["*.example"]) as actions:
            handler = HttpHandler("POST", "http://shop.example/")
            with monkeypatch.context() as patched:
                patched.setattr(threading.Thread, "start", start)
                return await actions.perform(make_call(make_contract(handler)), handler)

    outcome = asyncio.run(scenario())
    assert isinstance(outcome, Declined)
    assert outcome.retryable


def test_a_name_is_asked_for_once_however_many_want_it_and_give_up(names: Names) -> None:
    async def scenario() -> list[object]:
        lookups = Lookups(resolve_host)
        for _ in range(3):
            impatient = asyncio.create_task(lookups.addresses("silent.example", 80))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.wait({impatient})
        waiting = [asyncio.create_task(lookups.addresses("silent.example", 80)) for _ in range(3)]
        await asyncio.sleep(0)
        names.speaks.set()
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    told = asyncio.run(scenario())
    assert [type(one) for one in told] == [socket.gaierror] * 3
    assert names.asked == {"silent.example": 1}


def test_a_name_is_asked_for_again_once_it_was_answered(names: Names) -> None:
    async def scenario() -> None:
        lookups = Lookups(resolve_host)
        for _ in range(2):
            assert await lookups.addresses("shop.example", 80) == ["127.0.0.1"]

    asyncio.run(scenario())
    assert names.asked == {"shop.example": 2}


def test_whoever_waits_when_it_is_closed_gets_no_address(names: Names) -> None:
    async def scenario() -> None:
        lookups = Lookups(resolve_host)
        waiting = asyncio.create_task(lookups.addresses("silent.example", 80))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        lookups.close()
        with pytest.raises(OSError, match="any more"):
            await waiting

    asyncio.run(scenario())
