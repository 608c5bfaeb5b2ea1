"""A client over HTTP whose every operation is noted in the history.

It knows only what a real one would: an answer, a refusal with its code, or silence. With an
idempotency key it asks again until it knows, and now and then its network sends a request twice.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx

from tests.faults.history import DIFFER, FAIL, INFO, OK, History, Operation

JsonObject = dict[str, Any]

PATIENCE = 2.0
"""Seconds that a client waits for an answer."""

INSISTS = 60.0
"""Seconds that a client with a key goes on asking."""

AGAIN = frozenset({"UNREACHABLE", "SERVICE_UNAVAILABLE", "RATE_LIMITED"})
"""Refusals after which it is worth asking again."""

_PAUSE = 0.1
_TWICE = 0.15  # of the requests with a key

Reply = tuple[str, JsonObject]
"""OK with the output, FAIL with the extensions of the error, or INFO with nothing."""


class Client:
    """Somebody with a token, who asks any of the gateways there are.

    Args:
        name: the subject of the token.
        urls: where the gateways are at this moment.
        moments: decides which gateway is asked.
    """

    def __init__(
        self,
        name: str,
        token: str,
        urls: Callable[[], Sequence[str]],
        history: History,
        moments: Random,
    ) -> None:
        self.name = name
        self.moments = moments
        self._urls = urls
        self._history = history
        self._echo = ThreadPoolExecutor(1)
        self._http = httpx.Client(
            timeout=PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"authorization": f"Bearer {token}"},
        )

    def close(self) -> None:
        """Let go of connections and threads."""
        self._echo.shutdown()
        self._http.close()

    def do(
        self,
        kind: str,
        call: tuple[str, str],
        value: JsonObject,
        *,
        key: str | None = None,
        noted: JsonObject | None = None,
        **about: str,
    ) -> tuple[Operation, JsonObject]:
        """Give a command, or read; returns the noted operation, and the output or the error.

        ``noted`` is kept in the history beside it; ``about`` names its execution and step.
        """
        operation = self._history.invoke(self.name, kind, value=noted or {}, **about)
        verb = "query" if kind == "read" else "mutation"
        deadline = time.monotonic() + INSISTS
        wondered = False
        while True:
            outcome, told = self._ask_perhaps_twice(operation, verb, call, value, key)
            if outcome != OK:
                operation.met.append(told.get("code", "silence"))
            insists = key is not None and time.monotonic() < deadline
            if not (insists and _ask_again(outcome, told)):
                break
            wondered = wondered or outcome == INFO
            time.sleep(_PAUSE)
        if outcome == FAIL and wondered:
            # What went unanswered before may still have taken effect, before or after this.
            outcome = INFO
        self._history.end(operation, outcome, **_noted(operation, outcome, told))
        return operation, told

    def look(self, call: tuple[str, str], value: JsonObject) -> JsonObject | None:
        """Read something that the history does not keep; None where there was no answer."""
        outcome, told = self._ask("query", call, value, None)
        return told if outcome == OK else None

    def _ask_perhaps_twice(
        self,
        operation: Operation,
        verb: str,
        call: tuple[str, str],
        value: JsonObject,
        key: str | None,
    ) -> Reply:
        """Ask; what came of it if a network sent it twice is known only from both answers."""
        if key is None or self.moments.random() > _TWICE:
            return self._ask(verb, call, value, key)
        echo = self._echo.submit(self._ask, verb, call, value, key)
        both = [self._ask(verb, call, value, key), echo.result()]
        done = [reply for reply in both if reply[0] == OK]
        if len(done) == 2 and both[0] != both[1]:
            operation.met.append(DIFFER)
        silent = [reply for reply in both if reply[0] == INFO]
        return [*done, *silent, *both][0]

    def _ask(self, verb: str, call: tuple[str, str], value: JsonObject, key: str | None) -> Reply:
        field, selection = call
        name = field[0].upper() + field[1:]
        declared, passed = (", $key: String", ", idempotencyKey: $key") if key else ("", "")
        query = (
            f"{verb} ($input: {name}Input!{declared}) "
            f"{{ {field}(input: $input{passed}) {{ {selection} }} }}"
        )
        variables = {"input": value, **({"key": key} if key else {})}
        try:
            answer = self._http.post(
                f"{self.moments.choice(self._urls())}/graphql",
                json={"query": query, "variables": variables},
            ).json()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return FAIL, {"code": "UNREACHABLE"}
        except (httpx.TransportError, ValueError):
            return INFO, {}
        if "errors" in answer:
            return FAIL, {
                **answer["errors"][0]["extensions"],
                "message": answer["errors"][0]["message"],
            }
        return OK, answer["data"][field]


def _ask_again(outcome: str, told: JsonObject) -> bool:
    return outcome == INFO or (outcome == FAIL and told["code"] in AGAIN)


def _noted(operation: Operation, outcome: str, told: JsonObject) -> JsonObject:
    if outcome == FAIL:
        status = told.get("currentStatus") or (told.get("problem") or {}).get("currentStatus")
        return {"code": told["code"], "status": status, "detail": told.get("message")}
    if outcome == OK and operation.kind not in ("approve", "reject", "submit"):
        return {"status": told.get("executionStatus") or told.get("status")}
    return {}
