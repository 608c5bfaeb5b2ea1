"""Fault switches: make chosen requests slow, failing, cut or garbled, before or after their effect.

``POST /_faults`` takes ``{path, mode, times, ms, after_effect}``: the next ``times`` requests whose
path matches ``path`` (``*`` stands for anything) meet the fault; ``DELETE /_faults`` clears all.
Modes: ``delay`` (by ``ms`` milliseconds), ``hold`` (until all are cleared), ``500``, ``503``,
``garbage`` (200 with a body that is not JSON), ``cut`` (the connection ends in the middle of the
answer) and ``twice`` (the request arrives two times, as from a network that repeats it, and the
second answer is given).
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MODES = ("delay", "hold", "500", "503", "garbage", "cut", "twice")


class CutError(Exception):
    """Raised in the middle of an answer, so that the server drops the connection."""


@dataclass
class Fault:
    """What happens to the next ``times`` requests of ``path``."""

    path: str
    mode: str
    times: int = 1
    ms: int = 0
    after_effect: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")


class FaultInjection:
    """An ASGI application around another that lets chosen requests fail.

    Any other request takes up to ``slow`` seconds, in part before and in part after its effect.
    """

    def __init__(self, app: ASGIApp, slow: float = 0.0) -> None:
        self._app = app
        self._slow = slow
        self._faults: list[Fault] = []
        self._holding: list[Fault] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/_faults":
            answer = await self._switch(Request(scope, receive))
            await answer(scope, receive, send)
        elif fault := self._take(scope["path"]):
            await self._fail(fault, scope, receive, send)
        elif self._slow and scope["path"] != "/effects":
            before, after = (random.uniform(0.0, self._slow / 2) for _ in range(2))  # noqa: S311 - no secret
            await asyncio.sleep(before)
            await self._app(scope, receive, _after(lambda: asyncio.sleep(after), send))
        else:
            await self._app(scope, receive, send)

    async def _switch(self, request: Request) -> Response:
        if request.method == "DELETE":
            for fault in self._holding:
                fault.over.set()
            self._holding.clear()
            self._faults.clear()
            return JSONResponse({"faults": 0})
        try:
            self._faults.append(Fault(**json.loads(await request.body())))
        except (TypeError, ValueError) as error:
            return JSONResponse({"code": "BAD_REQUEST", "detail": str(error)}, 400)
        return JSONResponse({"faults": len(self._faults)})

    def _take(self, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.times > 0 and fnmatchcase(path, fault.path):
                fault.times -= 1
                return fault
        return None

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.mode == "hold":
            self._holding.append(fault)
        if fault.mode in ("delay", "hold"):
            await self._delay(fault, scope, receive, send)
            return
        if fault.mode == "twice":
            await self._repeat(scope, receive, send)
            return
        if fault.after_effect:
            await self._app(scope, receive, _drop)
        if fault.mode == "cut":
            await _cut(send)
        elif fault.mode == "garbage":
            await Response("<<not json", media_type="application/json")(scope, receive, send)
        else:
            body = {"code": "BROKEN", "detail": "A fault was asked for."}
            await JSONResponse(body, int(fault.mode))(scope, receive, send)

    async def _delay(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def pause() -> None:
            await (fault.over.wait() if fault.mode == "hold" else asyncio.sleep(fault.ms / 1000))

        if fault.after_effect:
            await self._app(scope, receive, _after(pause, send))
        else:
            await pause()
            await self._app(scope, receive, send)

    async def _repeat(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        for answer in (_drop, send):
            await self._app(dict(scope), _once(body), answer)


def _once(body: bytes) -> Receive:
    """What an application receives of a request whose whole body is here."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _after(
    pause: Callable[[], Awaitable[None]], send: Send
) -> Callable[[Message], Awaitable[None]]:
    async def later(message: Message) -> None:
        if message["type"] == "http.response.start":
            await pause()
        await send(message)

    return later


async def _drop(_: Message) -> None:
    """Where an answer goes that nobody is to see."""


async def _cut(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"half":', "more_body": True})
    raise CutError
