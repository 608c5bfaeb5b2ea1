"""Handlers in this process: what they are given, and what their end counts as."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.actions import PythonActions, python
from gateway.model.action import Answered, Declined, Unknown
from gateway.model.contract import PythonHandler
from tests.unit.actions import sample_handlers
from tests.unit.actions.raw_server import make_call, make_contract

SHORT = (0.1, 0.4, 1.6, 6.4, 25.6)
"""Seconds, of which the first that lets a handler begin is taken."""


@pytest.fixture
def closed_gate() -> Iterator[None]:
    """Handlers that wait do so until the test is over."""
    sample_handlers.started.clear()
    sample_handlers.gate.clear()
    yield
    sample_handlers.gate.set()


def perform(
    name: str,
    given: dict[str, Any] | None = None,
    timeout: float = 60.0,
    of_handler: float = 60.0,
    **told: Any,
) -> Any:
    async def scenario() -> Any:
        target = name if ":" in name else f"{sample_handlers.__name__}:{name}"
        handler = PythonHandler(target, of_handler)
        actions = PythonActions()
        more = {"execution_id": "exec_1", "step_id": "step_1", **told}
        call = make_call(make_contract(handler), given, timeout, **more)
        try:
            return await actions.perform(call, handler)
        finally:
            await actions.close()

    return asyncio.run(scenario())


def test_a_plain_function_runs_in_a_thread_on_a_copy_of_the_input() -> None:
    given = {"a": 1}
    outcome = perform("in_thread", given)
    assert isinstance(outcome, Answered)
    assert outcome.output["thread"].startswith("action")
    assert outcome.output["key"] == "key-1"
    assert given == {"a": 1}


def test_an_async_function_runs_on_the_event_loop() -> None:
    outcome = perform("on_loop", {"a": 1})
    assert outcome == Answered({"given": {"a": 1}, "ids": ["exec_1", "step_1"]})


def test_what_a_handler_keeps_is_not_what_it_answered() -> None:
    outcome = perform("keeps")
    assert outcome == Answered({"rows": [{"id": "7"}]})
    sample_handlers.kept["rows"][0]["id"] = "changed later"
    assert outcome == Answered({"rows": [{"id": "7"}]})


def test_a_quick_copy_is_asked_for_first() -> None:
    given: list[object] = []
    copied = {"rows": [{"id": "copied"}]}

    def take(answer: object) -> dict[str, Any]:
        given.append(answer)
        return copied

    outcome = perform("keeps", take=take)
    assert outcome.output is copied
    assert given[0] is sample_handlers.kept


def test_an_object_with_an_async_call_runs_on_the_event_loop() -> None:
    assert perform("as_object") == Answered({"thread": "MainThread"})


def test_emitted_events_come_with_the_answer_as_they_were() -> None:
    assert perform("emits").events == (("shop.order.placed@1.0.0", {"id": "7"}),)


@pytest.mark.parametrize("looks_away", [False, True])
@pytest.mark.parametrize(
    ("count", "text", "told"),
    [
        (1_001, "7", "more than 1000 events"),
        (100_000_000, "7", "more than 1000 events"),
        (11, "x" * 100_000, "events of more than 1048576 bytes"),
    ],
)
def test_more_events_than_are_taken_leave_unknown_what_came_of_the_attempt(
    count: int, text: str, told: str, *, looks_away: bool
) -> None:
    given = {"count": count, "text": text, "looks_away": looks_away}
    assert perform("emits_many", given) == Unknown(f"The handler emitted {told}.")


def test_as_many_events_as_are_taken_come_with_the_answer() -> None:
    for count, text in ((1_000, "7"), (10, "x" * 100_000)):
        outcome = perform("emits_many", {"count": count, "text": text})
        assert outcome.output == {"emitted": count}
        assert len(outcome.events) == count


def test_events_of_a_handler_that_declines_are_dropped() -> None:
    assert perform("emits_and_fails") == Declined(
        "OUT_OF_STOCK", "Nothing is left.", 409, declared=True
    )


def test_a_declared_error_is_declined_as_the_contract_says() -> None:
    outcome = perform("declines", {"code": "CLOSED_FOR_NOW", "detail": "Until Monday."})
    assert outcome == Declined("CLOSED_FOR_NOW", "Until Monday.", 503, True, declared=True)


def test_a_standard_error_is_declined_with_its_status() -> None:
    outcome = perform("declines", {"code": "RATE_LIMITED"})
    assert outcome == Declined("RATE_LIMITED", "Too many calls.", 429, True)


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("Gone with \ud800.", "Gone with ?."),
        (ValueError("alice@example.com"), "Nothing is left."),
        ({"email": "alice@example.com"}, "Nothing is left."),
    ],
)
def test_what_a_handler_says_can_be_recorded(detail: object, told: str) -> None:
    outcome = perform("declines", {"code": "OUT_OF_STOCK", "detail": detail})
    assert outcome == Declined("OUT_OF_STOCK", told, 409, declared=True)


@pytest.mark.parametrize("code", [404, ["OUT_OF_STOCK"], "\ud800"])
def test_a_code_that_is_none_is_a_fault_of_the_handler(code: object) -> None:
    assert perform("declines", {"code": code}).code == "INTERNAL_ERROR"


@pytest.mark.parametrize("ref", [["shop.order.placed@1.0.0"], None, "\ud800"])
def test_an_event_without_a_name_is_refused_to_the_handler(ref: object) -> None:
    outcome = perform("emits_as", {"ref": ref})
    assert isinstance(outcome, Unknown)


def test_an_undeclared_error_is_a_fault_of_the_handler() -> None:
    outcome = perform("declines", {"code": "MADE_UP", "detail": "alice@example.com"})
    assert (outcome.code, outcome.status, outcome.retryable) == ("INTERNAL_ERROR", 500, False)
    assert "alice" not in outcome.detail


@pytest.mark.parametrize("name", ["fails", "fails_on_loop"])
def test_any_other_exception_is_unknown_and_its_message_is_kept_nowhere(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = perform(name)
    assert isinstance(outcome, Unknown)
    assert "Error" in outcome.reason
    assert "sample_handlers.py:" in caplog.text
    assert "alice" not in outcome.reason + caplog.text


def test_a_function_that_finds_nothing_to_take_is_not_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = perform("finds_nothing", timeout=10.0)
    assert outcome == Unknown("The handler raised RuntimeError.")
    assert "sample_handlers.py:" in caplog.text


def test_an_error_that_names_no_code_declines_all_the_same() -> None:
    outcome = perform("has_no_tea")
    assert (outcome.code, outcome.status) == ("INTERNAL_ERROR", 500)


@pytest.mark.parametrize(
    "name", ["leaves", "leaves_on_loop", "interrupts_on_loop", "cancels_itself"]
)
def test_a_handler_cannot_end_the_gateway(name: str) -> None:
    assert isinstance(perform(name), Unknown)


@pytest.mark.parametrize("what", ["none", "list", "set", "nan", "key", "big", "surrogate"])
def test_an_answer_that_is_no_json_object_is_unknown(what: str) -> None:
    assert isinstance(perform("returns", {"what": what}), Unknown)


@pytest.mark.parametrize("name", ["waits", "waits_on_loop"])
@pytest.mark.parametrize("which", ["timeout", "of_handler"])
def test_a_handler_that_does_not_end_in_time_is_unknown(
    closed_gate: None, name: str, which: str
) -> None:
    for seconds in SHORT:
        outcome = perform(name, {}, **{which: seconds})
        if sample_handlers.started:
            break
    assert isinstance(outcome, Unknown)


def test_a_handler_that_will_not_be_cancelled_is_not_waited_for() -> None:
    async def scenario() -> float:
        handler = PythonHandler(f"{sample_handlers.__name__}:will_not_be_cancelled")
        actions = PythonActions()
        begun = time.monotonic()
        call = make_call(make_contract(handler), {}, 0.05)
        assert isinstance(await actions.perform(call, handler), Unknown)
        await actions.close()
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 50


def test_a_call_that_never_got_a_thread_is_declined_because_nothing_ran(closed_gate: None) -> None:
    async def scenario(seconds: float) -> list[Any]:
        handler = PythonHandler(f"{sample_handlers.__name__}:waits")
        actions = PythonActions()
        contract = make_contract(handler)
        calls = [
            actions.perform(make_call(contract, {}, seconds, step_id=str(n)), handler)
            for n in range(40)
        ]
        outcomes = await asyncio.gather(*calls)
        await actions.close()
        return list(outcomes)

    for seconds in SHORT:
        sample_handlers.started.clear()
        outcomes = asyncio.run(scenario(seconds))
        if len(sample_handlers.started) == 32:
            break
    ran = [isinstance(outcome, Unknown) for outcome in outcomes]
    assert sum(ran) == 32
    assert {str(n) for n, did in enumerate(ran) if did} == set(sample_handlers.started)
    assert {o.code for o in outcomes if isinstance(o, Declined)} == {"TIMEOUT"}


def test_a_cancelled_call_is_cancelled_and_its_handler_with_it() -> None:
    async def scenario() -> None:
        handler = PythonHandler(f"{sample_handlers.__name__}:waits_on_loop")
        actions = PythonActions()
        call = make_call(make_contract(handler), {})
        sample_handlers.started.clear()
        task = asyncio.create_task(actions.perform(call, handler))
        while not sample_handlers.started:  # noqa: ASYNC110 - a handler has no event to tell by
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await actions.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "target", ["no_such_module:f", "json:no_such_name", "json", "tests.unit:", ":f"]
)
def test_a_target_that_cannot_be_called_declines_the_call(target: str) -> None:
    actions = PythonActions()
    handler = PythonHandler(target)
    outcome = asyncio.run(actions.perform(make_call(make_contract(handler)), handler))
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.status) == ("ACTION_HANDLER_INVALID", 500)


OVER = Declined("CONFLICT", "The run ended before the action was sent.", 409)


def test_a_function_that_is_held_back_while_it_waits_for_a_thread_is_not_called(
    monkeypatch: pytest.MonkeyPatch, closed_gate: None
) -> None:
    monkeypatch.setattr(python, "_THREADS", 1)
    is_over = threading.Event()

    async def scenario() -> list[Any]:
        actions = PythonActions()
        handler = PythonHandler(f"{sample_handlers.__name__}:waits", 60.0)
        more: dict[str, Any] = {"held_back": lambda: OVER if is_over.is_set() else None}
        calls = [make_call(make_contract(handler), step_id=name, **more) for name in "ab"]
        made = [asyncio.create_task(actions.perform(call, handler)) for call in calls]
        while not sample_handlers.started:  # noqa: ASYNC110 - a handler knows no event of the loop
            await asyncio.sleep(0.001)
        is_over.set()
        sample_handlers.gate.set()
        found = await asyncio.gather(*made)
        await actions.close()
        return found

    assert asyncio.run(scenario()) == [Answered({}), OVER]
    assert sample_handlers.started == ["a"]


def test_a_function_that_waits_for_a_thread_is_given_up_as_soon_as_it_is_held_back(
    monkeypatch: pytest.MonkeyPatch, closed_gate: None
) -> None:
    """A process that leaves does not wait for the thread: nobody may take it for sent then."""
    monkeypatch.setattr(python, "_THREADS", 1)

    async def scenario() -> list[Any]:
        actions = PythonActions()
        handler = PythonHandler(f"{sample_handlers.__name__}:waits", 60.0)
        told: list[Declined | None] = [None]
        calls = [
            make_call(make_contract(handler), step_id=name, held_back=lambda: told[0])
            for name in "ab"
        ]
        first, second = (asyncio.create_task(actions.perform(call, handler)) for call in calls)
        while not sample_handlers.started:  # noqa: ASYNC110 - a handler knows no event of the loop
            await asyncio.sleep(0.001)
        told[0] = OVER
        async with asyncio.timeout(20):
            found = [await second]
        sample_handlers.gate.set()
        found.append(await first)
        await actions.close()
        return found

    assert asyncio.run(scenario()) == [OVER, Answered({})]
    assert sample_handlers.started == ["a"]


_HANGS = """
import asyncio
from gateway.actions import PythonActions
from gateway.model.contract import PythonHandler
from tests.unit.actions.raw_server import make_call, make_contract

async def scenario():
    handler = PythonHandler("tests.unit.actions.sample_handlers:waits", 60.0)
    actions = PythonActions()
    print(await actions.perform(make_call(make_contract(handler), timeout=0.4), handler))
    await actions.close()

asyncio.run(scenario())
"""


def test_a_function_that_never_ends_does_not_keep_the_process() -> None:
    command = [sys.executable, "-c", _HANGS]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=45, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Unknown" in ended.stdout
