"""Actions in this process: a function ``package.module:name``, plain or async."""

import asyncio
import contextvars
import copy
import importlib
import inspect
import logging
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.actions.answers import declared_error, exact_copy
from gateway.actions.holding import HeldBackError, require_sendable
from gateway.model.action import ActionCall, ActionOutcome, Answered, Declined, Unknown
from gateway.model.contract import PythonHandler
from gateway.model.json import JsonObject, encoded
from gateway.model.problem import STANDARD
from gateway.model.tasks import look_at
from gateway.model.threads import Threads

MAX_EVENTS = 1_000
"""Events that one attempt may emit."""

MAX_EVENT_BYTES = 1024 * 1024
"""Bytes of all their payloads together, as many as the answer of a service may have."""

_THREADS = 32
_LOOK = 0.1  # seconds after which a call that waits for a thread asks whether it may still be made

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What a python handler is told beside its input.

    ``idempotency_key`` is the same for every attempt of a step. ``emit(ref, payload)`` hands in
    an event that the contract declares; events count only if the handler returns. It raises
    ``EventLimitError`` beyond ``MAX_EVENTS`` or ``MAX_EVENT_BYTES``.
    """

    idempotency_key: str
    execution_id: str
    step_id: str
    emit: Callable[[str, JsonObject], None]


class ActionError(Exception):
    """Raised by a handler that had no effect.

    Args:
        code: An error that the contract declares, or a standard one.
        detail: One sentence for the caller, recorded and shown, hence without PII; by default
            the description in the contract.
    """

    code = ""  # of a subclass that makes itself without these
    detail = ""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class EventLimitError(Exception):
    """A handler emitted more than is taken, which ends it unless it looks away: what came of its
    attempt is unknown in either case, since events that happened must not be left out."""


class TargetError(ValueError):
    """A target cannot be called; the message says why."""


class PythonActions:
    """Performs python handlers: async ones on the event loop, plain ones in a thread."""

    def __init__(self) -> None:
        self._targets: dict[str, Callable[..., Any]] = {}
        self._threads = Threads(_THREADS, "action")

    async def close(self) -> None:
        """Take no more calls; a function that runs in a thread cannot be stopped, and ends with the
        process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def target(self, name: str) -> Callable[..., Any]:
        """The function ``package.module:name``.

        Raises:
            TargetError: it cannot be imported or is not callable.
        """
        if name not in self._targets:
            self._targets[name] = _load(name)
        return self._targets[name]

    async def perform(self, call: ActionCall, handler: PythonHandler) -> ActionOutcome:
        """Make one attempt within the shorter of the call's and the handler's time."""
        try:
            function = self.target(handler.target)
        except TargetError as error:
            detail = f"{call.contract.ref}: {error}."
            return Declined("ACTION_HANDLER_INVALID", detail, 500)
        events = _Emitted()
        context = ActionContext(
            call.idempotency_key,
            call.execution_id,
            call.step_id,
            emit=events.emit,
        )
        work, thread = self._begin(call, function, context)
        try:
            await _ended(call, work, thread, min(call.timeout, handler.timeout))
        finally:
            never_ran = thread is not None and thread.cancel()
            finished = work.done() and not work.cancelled()
            work.cancel()
        if finished:
            return _outcome(call, work, events)
        if never_ran:
            late = Declined("TIMEOUT", "No thread was free in time; nothing was called.", 504, True)
            return call.held_back() or late
        return Unknown("The handler did not end in the time allowed.")

    def _begin(
        self, call: ActionCall, function: Callable[..., Any], context: ActionContext
    ) -> "tuple[asyncio.Future[Any], Future[Any] | None]":
        given = copy.deepcopy(call.input)
        thread: Future[Any] | None = None
        work: asyncio.Future[Any]
        if _is_async(function):
            work = asyncio.create_task(_contained(function, given, context))
        else:
            run = partial(contextvars.copy_context().run, function, given, context)
            thread = self._threads.submit(_in_thread, call, run)
            work = asyncio.wrap_future(thread)
        work.add_done_callback(look_at)
        return work, thread


async def _ended(
    call: ActionCall, work: "asyncio.Future[Any]", thread: Future[Any] | None, seconds: float
) -> None:
    """Wait so many seconds for the end of a call, or until it is held back before any thread was
    free: whoever wants it held back may not wait until one is."""
    now = asyncio.get_running_loop().time
    deadline = now() + seconds
    while thread is not None and not (thread.running() or thread.done()) and now() < deadline:
        if call.held_back() is not None and thread.cancel():
            return
        await asyncio.wait({work}, timeout=min(_LOOK, deadline - now()))
    if not work.done():
        await asyncio.wait({work}, timeout=max(deadline - now(), 0))


class _Emitted:
    """The events that a handler hands in; it is told at once what cannot be taken."""

    def __init__(self) -> None:
        self.events: list[tuple[str, JsonObject]] = []
        self.excess = ""
        self._left = MAX_EVENT_BYTES

    def emit(self, ref: str, payload: JsonObject) -> None:
        """Take an event in.

        Raises:
            TypeError: what it is named by is no text.
            EventLimitError: there are too many, or too large ones.
        """
        if not isinstance(ref, str):
            raise TypeError(f"an event is named as key@version, not by a {type(ref).__name__}")
        ref.encode()
        self._left -= _size(payload)
        if len(self.events) == MAX_EVENTS:
            self.excess = f"more than {MAX_EVENTS} events"
        elif self._left < 0:
            self.excess = f"events of more than {MAX_EVENT_BYTES} bytes"
        if self.excess:
            raise EventLimitError(f"a handler may not emit {self.excess} in one attempt")
        self.events.append((ref, copy.deepcopy(payload)))


def _size(payload: JsonObject) -> int:
    """Bytes of a payload as JSON; none of one that is not JSON, which is refused for that."""
    try:
        return len(encoded(payload))
    except TypeError:
        return 0


def _load(name: str) -> Callable[..., Any]:
    module_name, mark, function_name = name.partition(":")
    if not mark or not module_name or not function_name:
        raise TargetError(f"{name!r} is not a target; write 'package.module:function'")
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        raise TargetError(f"{name!r} cannot be imported ({type(error).__name__})") from error
    if not callable(function):
        raise TargetError(f"{name!r} is not callable")
    found: Callable[..., Any] = function
    return found


def _is_async(function: Callable[..., Any]) -> bool:
    called = getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _in_thread(call: ActionCall, run: Callable[[], Any]) -> Any:
    require_sendable(call)  # it may have waited long for a thread
    try:
        return run()
    except StopIteration as error:  # no future takes one: the call would seem never to end
        told = RuntimeError("the handler raised StopIteration")
        raise told.with_traceback(error.__traceback__) from error


async def _contained(
    function: Callable[..., Any], given: JsonObject, context: ActionContext
) -> Any:
    try:
        return await function(given, context)
    except (SystemExit, KeyboardInterrupt) as error:  # these would end the event loop, and so all
        raise RuntimeError("the handler tried to end the process") from error


def _outcome(call: ActionCall, work: "asyncio.Future[Any]", emitted: _Emitted) -> ActionOutcome:
    error = work.exception()
    if isinstance(error, HeldBackError):
        return error.told
    if isinstance(error, ActionError):
        return _declined(call, error)
    if emitted.excess:
        return Unknown(f"The handler emitted {emitted.excess}.")
    if error is not None:
        _log.error("%s: the handler raised %s", call.contract.ref, _place(error))
        return Unknown(f"The handler raised {type(error).__name__}.")
    return _answered(call, work.result(), emitted.events)


def _declined(call: ActionCall, error: ActionError) -> Declined:
    code, said = _text(error.code), _text(error.detail)
    declared = declared_error(call.contract, code, said)
    if declared:
        return declared
    standard = STANDARD.get(code)
    if standard:
        detail = said or f"{standard.title}."
        return Declined(code, detail, standard.status, standard.retryable)
    detail = (
        f"The handler of {call.contract.ref} raised an error that its contract does not declare."
    )
    return Declined("INTERNAL_ERROR", detail, 500)


def _text(said: object) -> str:
    """What a handler says, as it can be recorded; nothing where that is no text, which may hold
    whatever it likes."""
    return said.encode(errors="replace").decode() if isinstance(said, str) else ""


def _answered(call: ActionCall, result: Any, events: list[tuple[str, JsonObject]]) -> ActionOutcome:
    if not isinstance(result, dict):
        return Unknown(f"The handler returned {type(result).__name__} instead of a dict.")
    try:
        # Either is a copy: a handler may change later what it gave.
        answer = (call.take and call.take(result)) or exact_copy(result)
    except ValueError as error:
        return Unknown(f"The handler's answer is not JSON: {error}.")
    return Answered(answer, tuple(events))


def _place(error: BaseException) -> str:
    """Type and place of an exception; its message may hold PII."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
