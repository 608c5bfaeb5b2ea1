"""Sessions on PostgreSQL that count as lost where nothing comes back of them for too long.

The network tells of a server that is gone, but not of one that stands still, nor of a proxy whose
other side was lost: its end of the connection is as alive as ever.
"""

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

ANSWER_SECONDS = 15.0
"""How long a server may take to answer whoever asks for nothing that takes long."""

T = TypeVar("T")
Row = tuple[Any, ...]


class PatientSession(psycopg.Connection[Row]):
    """A session that waits ``silence`` seconds for its server, None for as long as it takes.

    What waits longer raises ``OperationalError``, and nobody knows what became of it.
    """

    silence: float | None = None

    def wait(self, gen: PQGen[T], *given: Any, **more: Any) -> T:
        """Wait until the server has answered; see ``psycopg.Connection``."""
        return super().wait(_watched(gen, self.silence), *given, **more)


class PatientAsyncSession(psycopg.AsyncConnection[Row]):
    """``PatientSession`` for the event loop.

    Giving it up by a timeout instead would take ten seconds longer: whoever is cancelled while he
    waits for an answer has psycopg ask the server to cancel the statement, and waits again.
    """

    silence: float | None = None

    async def wait(self, gen: PQGen[T], *given: Any, **more: Any) -> T:
        """Wait until the server has answered; see ``psycopg.AsyncConnection``."""
        return await super().wait(_watched(gen, self.silence), *given, **more)


def _watched(answering: PQGen[T], silence: float | None) -> PQGen[T]:
    """What is answered, step by step: it is gone on with at least every tenth of a second."""
    since = time.monotonic()
    try:
        wanted = next(answering)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                since = now
            elif silence is not None and now - since > silence:
                raise psycopg.OperationalError("the server did not answer in time")
            wanted = answering.send(ready)
    except StopIteration as end:
        answer: T = end.value
        return answer
