"""Following an execution by its event stream, over cuts, without a gap or a repeat."""

import json
import time
from collections.abc import Generator, Iterator

from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import EVENTS, FOLLOW
from gateway.cli.remote.problems import no_gateway
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError

AGAIN = frozenset({"SERVER_UNREACHABLE", "SERVICE_UNAVAILABLE", "PRECONDITION_FAILED"})
"""Ends of a stream after which one subscribes again, from the last cursor; see
docs/subscriptions.md."""

_PATIENCE = 60.0
"""Seconds without a stream after which it is given up."""

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each new try; the last one stays."""


class Follower:
    """The events of one execution that come from now on."""

    def __init__(self, gateway: Client, execution_id: str) -> None:
        self._gateway = gateway
        self._filter = {"executionId": execution_id}
        self._cursor: str | None = None
        self._failures = 0
        self._heard_at = time.monotonic()

    def events(self) -> Generator[JsonObject | None, None, None]:
        """Each event as it comes. None comes where it is worth to look at the execution: at the
        start of each stream, and when one tells that it is alive.

        Raises:
            ProblemError: what the gateway refuses the stream with, or SERVER_UNREACHABLE after a
                minute without one.
        """
        while True:
            try:
                yield from self._stream()
            except ProblemError as error:
                is_over = time.monotonic() - self._heard_at > _PATIENCE
                if is_over or error.problem.code not in AGAIN:
                    raise
            time.sleep(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
            self._failures += 1

    def rest(self) -> Iterator[JsonObject]:
        """What is recorded behind the last event that came: an execution may have ended before its
        stream told of it. Nothing for a caller who may only follow."""
        while self._cursor is not None:
            given = {"filter": self._filter, "after": self._cursor}
            try:
                page = self._gateway.call(EVENTS, input=given)
            except ProblemError as error:
                if error.problem.code == "FORBIDDEN":
                    return
                raise
            yield from page["items"]
            if page["cursor"] in (None, self._cursor):
                return
            self._cursor = page["cursor"]

    def _stream(self) -> Iterator[JsonObject | None]:
        with self._gateway.stream(FOLLOW, filter=self._filter, after=self._cursor) as lines:
            for line in lines:
                self._heard_at = time.monotonic()
                if line.startswith(":"):
                    yield None
                elif line.startswith("data:") and (data := line.removeprefix("data:").strip()):
                    event = self._event(data)
                    self._cursor, self._failures = event["cursor"], 0
                    yield event

    def _event(self, data: str) -> JsonObject:
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise no_gateway(self._gateway.target.url, "sent an event that is no JSON")
        event: JsonObject = self._gateway.data_of(FOLLOW, body)["event"]
        return event
