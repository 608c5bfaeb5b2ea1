"""What each answer and each failure of a service counts as: the outcome decides about repeating."""

import asyncio
import gzip
import json
import socket
from typing import Any

import pytest

from gateway.model.action import Answered, Declined, Unknown
from gateway.model.contract import HttpHandler, Kind
from tests.unit.actions.raw_server import (
    Answer,
    RawServer,
    exchange,
    exchange_that_arrives,
    hangs,
    make_call,
    make_contract,
    opened,
    resets,
    running,
    says,
    writes,
)


def said(body: object) -> bytes:
    return json.dumps(body).encode()


def unknown(answer: Answer, **more: Any) -> str:
    outcome = exchange(answer, **more).outcome
    assert isinstance(outcome, Unknown)
    return outcome.reason


def too_late(answer: Answer, **more: Any) -> str:
    outcome = exchange_that_arrives(answer, **more).outcome
    assert isinstance(outcome, Unknown)
    return outcome.reason


def declined(answer: Answer, **more: Any) -> Declined:
    outcome = exchange(answer, **more).outcome
    assert isinstance(outcome, Declined)
    return outcome


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_says_for_how_long_it_wants_to_be_left_alone(status: int) -> None:
    """The undeclared 503 of a command is unknown, and may be sent again where it carries a key."""
    asked = exchange(says(status, b"{}", "retry-after: 30")).outcome
    assert isinstance(asked, Declined | Unknown)
    assert asked.retry_after == 30.0
    for header in ("retry-after: soon", "x-other: 30"):
        asked = exchange(says(status, b"{}", header)).outcome
        assert isinstance(asked, Declined | Unknown)
        assert asked.retry_after is None


def test_a_date_is_told_in_seconds_and_only_by_answers_that_refuse_for_a_while() -> None:
    past = "retry-after: Sun, 01 Mar 2020 09:31:00 GMT"
    assert declined(says(429, b"{}", past)).retry_after == 0.0
    assert declined(says(404, b"{}", "retry-after: 30")).retry_after is None
    assert exchange(says(200, b"{}", "retry-after: 30")).outcome == Answered({})


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_with_an_object_is_an_answer(status: int) -> None:
    body = {"id": "7", "parts": [1, 2.5, None, True, "ä"]}
    assert exchange(says(status, said(body))).outcome == Answered(body)


def test_success_without_content_is_an_empty_object() -> None:
    assert exchange(says(204, b"")).outcome == Answered({})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[1]",
        b"null",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9007199254740993}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": 1} trailing',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b"[" * 100_000,
    ],
)
def test_success_with_an_unreadable_body_happened_and_answers_what_no_contract_allows(
    body: bytes,
) -> None:
    assert exchange(says(200, body)).outcome == Answered(None)


def test_an_answer_may_be_nested_as_deep_as_a_request() -> None:
    body = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    assert isinstance(exchange(says(200, body)).outcome, Answered)


def test_the_unreadable_body_is_never_quoted() -> None:
    assert "alice" not in str(exchange(says(200, b"alice@example.com")).outcome)


def test_an_answer_over_one_mebibyte_is_unknown_and_not_read_to_its_end() -> None:
    body = said({"a": "x" * (1024 * 1024)})
    assert "1048576 bytes" in unknown(says(200, body))
    fits = said({"a": "x" * (1024 * 1024 - 9)})
    assert len(fits) == 1024 * 1024
    assert isinstance(exchange(says(200, fits)).outcome, Answered)


def test_an_endless_answer_is_given_up_at_the_bound() -> None:
    async def endless(_: RawServer, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    assert "more than" in unknown(endless)


def test_a_compressed_answer_is_not_unpacked() -> None:
    answer = says(200, gzip.compress(b'{"a": 1}'), "content-encoding: gzip")
    assert "encoding" in unknown(answer)


def test_a_declared_code_counts_when_its_status_is_the_answers() -> None:
    answer = says(404, said({"code": "ORDER_NOT_FOUND", "detail": "no order of alice"}))
    assert declined(answer) == Declined(
        "ORDER_NOT_FOUND", "There is no such order.", 404, False, declared=True
    )


def test_a_declared_code_with_another_status_does_not_count() -> None:
    assert declined(says(400, said({"code": "ORDER_NOT_FOUND"}))).code == "BAD_REQUEST"
    assert "status 500" in unknown(says(500, said({"code": "ORDER_NOT_FOUND"})))


def test_a_status_that_the_handler_maps_is_the_declared_error() -> None:
    outcome = declined(says(410, b"<html>"), errors={410: "ORDER_NOT_FOUND"})
    assert outcome == Declined(
        "ORDER_NOT_FOUND", "There is no such order.", 404, False, declared=True
    )


def test_the_code_in_the_body_is_more_exact_than_the_mapped_status() -> None:
    answer = says(409, said({"code": "OUT_OF_STOCK"}))
    assert declined(answer, errors={409: "ORDER_NOT_FOUND"}).code == "OUT_OF_STOCK"


def test_a_mapped_standard_code_keeps_its_standard_status() -> None:
    outcome = declined(says(418), errors={418: "GONE"})
    assert (outcome.code, outcome.status, outcome.retryable) == ("GONE", 410, False)


def test_a_declared_server_error_is_declined_and_retryable_as_declared() -> None:
    outcome = declined(says(503, said({"code": "CLOSED_FOR_NOW"}), "retry-after: 1"))
    named = ("CLOSED_FOR_NOW", "Come back later.", 503, True)
    assert outcome == Declined(*named, declared=True, retry_after=1.0)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_an_undeclared_server_error_is_unknown(status: int) -> None:
    assert f"status {status}" in unknown(says(status, b"{}", "retry-after: 1"))


@pytest.mark.parametrize(
    ("status", "code", "shown", "retryable"),
    [
        (400, "BAD_REQUEST", 400, False),
        (401, "BAD_GATEWAY", 502, False),
        (403, "BAD_GATEWAY", 502, False),
        (404, "NOT_FOUND", 404, False),
        (408, "TIMEOUT", 504, True),
        (409, "CONFLICT", 409, False),
        (413, "BAD_REQUEST", 400, False),
        (422, "BAD_REQUEST", 400, False),
        (425, "SERVICE_UNAVAILABLE", 503, True),
        (429, "RATE_LIMITED", 429, True),
    ],
)
def test_an_undeclared_refusal_has_a_standard_code(
    status: int, code: str, shown: int, retryable: bool
) -> None:
    outcome = declined(says(status, said({"detail": "alice@example.com"})))
    assert (outcome.code, outcome.status, outcome.retryable) == (code, shown, retryable)
    assert not outcome.declared
    assert "alice" not in outcome.detail


def test_a_conflict_over_a_key_that_was_sent_is_unknown() -> None:
    assert "under way" in unknown(says(409), idempotency_key=True)
    assert declined(says(409), idempotency_key=True, kind=Kind.QUERY).code == "CONFLICT"


PLACES = ["/elsewhere", "mailto:ada", "http:ada", "http://xn--/", "//a:b", "http://[::1"]
"""Where a redirect leads; most are no address at all."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_asks_to_repeat_elsewhere_is_declined_and_not_followed(
    status: int, place: str
) -> None:
    result = exchange(says(status, b"", f"location: {place}"))
    assert isinstance(result.outcome, Declined)
    assert (result.outcome.code, result.outcome.retryable) == ("BAD_GATEWAY", False)
    assert len(result.seen) == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_may_follow_an_effect_is_unknown_for_a_command(
    status: int, place: str
) -> None:
    answer = says(status, b"", f"location: {place}")
    assert f"redirect {status}" in unknown(answer)
    assert declined(answer, kind=Kind.QUERY, method="GET").code == "BAD_GATEWAY"


@pytest.mark.parametrize(
    "answer",
    [
        writes(b""),
        resets,
        writes(b"HTTP/1.1 20"),
        writes(b"HTTP/1.1 200 OK\r\ncontent-le"),
        writes(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half":'),
        writes(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":'),
        writes(b"HTTP/1.1 404 Gone\r\ncontent-length: 100\r\n\r\n{"),
        writes(b"\x00\x01\x02 garbage\r\n\r\n"),
        writes(b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}"),
        writes(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n{}"),
    ],
)
def test_a_failure_after_the_request_was_sent_is_unknown(answer: Answer) -> None:
    assert "after the request was sent" in unknown(answer)


def test_no_answer_in_time_is_unknown() -> None:
    assert "time allowed" in too_late(hangs)


def test_an_answer_that_drips_is_cut_off_by_the_total_time() -> None:
    async def drips(_: RawServer, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.03)

    assert "time allowed" in too_late(drips)


def perform(handler: HttpHandler, timeout: float = 60.0, **more: Any) -> Any:
    async def scenario() -> Any:
        async with opened(**more) as actions:
            return await actions.perform(make_call(make_contract(handler), {}, timeout), handler)

    return asyncio.run(scenario())


def perform_against(answer: Answer, scheme: str, timeout: float) -> Any:
    """One call to a server that answers without reading, in so many seconds."""

    async def scenario() -> Any:
        async with running(answer, reads=False) as server, opened() as actions:
            made = HttpHandler("POST", f"{scheme}://127.0.0.1:{server.port}/", timeout=60.0)
            return await actions.perform(make_call(make_contract(made), {}, timeout), made)

    return asyncio.run(scenario())


def is_unreached(outcome: Any) -> bool:
    return isinstance(outcome, Declined) and outcome == Declined(
        "SERVICE_UNAVAILABLE", outcome.detail, 503, retryable=True, declared=False
    )


def test_the_handlers_own_time_counts_when_it_is_shorter() -> None:
    assert "time allowed" in too_late(hangs, which="of_handler")


def test_a_refused_connection_is_declined_and_retryable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert is_unreached(perform(HttpHandler("POST", f"http://127.0.0.1:{port}/")))


def test_a_name_without_address_is_declined_and_retryable() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError(f"{host} does not exist")

    handler = HttpHandler("POST", "http://shop.internal/")
    assert is_unreached(perform(handler, hosts=["shop.internal"], resolve=nowhere))


def test_time_that_ends_while_resolving_is_declined_because_nothing_was_sent() -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    handler = HttpHandler("POST", "http://shop.internal/")
    assert is_unreached(perform(handler, 0.1, hosts=["shop.internal"], resolve=slow))


def test_time_that_ends_in_the_tls_handshake_is_declined() -> None:
    assert is_unreached(perform_against(hangs, "https", 0.2))


def test_a_service_that_does_not_speak_tls_is_declined() -> None:
    answer = writes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert is_unreached(perform_against(answer, "https", 60.0))


def test_whoever_waits_in_vain_for_a_connection_has_sent_nothing() -> None:
    full, done = asyncio.Event(), asyncio.Event()

    async def answer(server: RawServer, writer: asyncio.StreamWriter) -> None:
        if len(server.seen) == 100:
            full.set()
        await done.wait()
        await says(200)(server, writer)

    async def scenario() -> None:
        async with running(answer) as server, opened() as actions:
            handler = HttpHandler("POST", server.url, timeout=60.0)
            call = make_call(make_contract(handler))
            holding = [asyncio.create_task(actions.perform(call, handler)) for _ in range(100)]
            await full.wait()
            late = make_call(make_contract(handler), timeout=0.05)
            assert is_unreached(await actions.perform(late, handler))
            done.set()
            assert await asyncio.gather(*holding) == [Answered({})] * 100
            assert len(server.seen) == 100

    asyncio.run(scenario())


def test_calls_that_ran_out_of_time_leave_the_pool_usable() -> None:
    slow = True

    async def answer(server: RawServer, writer: asyncio.StreamWriter) -> None:
        if slow:
            await hangs(server, writer)
        await says(200)(server, writer)

    async def scenario() -> Any:
        nonlocal slow
        async with running(answer) as server, opened() as actions:
            handler = HttpHandler("POST", server.url, timeout=60.0)
            contract = make_contract(handler)
            calls = [actions.perform(make_call(contract, {}, 0.3), handler) for _ in range(150)]
            lost = await asyncio.gather(*calls)
            assert all(isinstance(one, Unknown) or is_unreached(one) for one in lost)
            slow = False
            return await actions.perform(make_call(contract), handler)

    assert asyncio.run(scenario()) == Answered({})


def test_a_cancelled_call_is_cancelled() -> None:
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def answer(_: RawServer, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await asyncio.Event().wait()

        async with running(answer) as server, opened() as actions:
            handler = HttpHandler("POST", server.url)
            task = asyncio.create_task(actions.perform(make_call(make_contract(handler)), handler))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())


def test_a_request_that_is_held_back_once_it_is_connected_is_not_sent() -> None:
    over = Declined("CONFLICT", "The run ended before the action was sent.", 409)

    async def scenario() -> tuple[list[Any], int]:
        async with running(says(200)) as server, opened() as actions:
            handler = HttpHandler("POST", server.url)
            contract = make_contract(handler)
            held = make_call(contract, held_back=lambda: over if server.connections else None)
            free = make_call(contract)
            found = [await actions.perform(call, handler) for call in (free, held, free)]
            return found, len(server.seen)

    assert asyncio.run(scenario()) == ([Answered({}), over, Answered({})], 2)
