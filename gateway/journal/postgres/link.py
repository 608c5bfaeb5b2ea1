"""A connection that is made anew when it was lost, and whose lost one is ended at the server."""

import logging
import time
from collections.abc import Callable

from gateway.journal.postgres.errors import LostConnectionError, PostgresError
from gateway.journal.postgres.values import Row, rows_of
from gateway.journal.postgres.wire import Wire

log = logging.getLogger("gateway.journal")

_PAUSES = (0.0, 0.05, 0.2, 0.5, 1.0)
# A role that a session takes on when it begins may not see, nor end, what its login did before.
_AS_LOGIN, _AS_EVER = "SET ROLE NONE", "RESET ROLE"
_OWN = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
# A server may not notice for minutes that a client is gone, and keeps its locks meanwhile.
_END = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE pid = $1::int AND backend_start = $2::timestamptz AND pid <> pg_backend_pid()"
)


class Link:
    """The connection of one thread to the database ``url``, called ``name`` there.

    ``made`` is called with each new connection before anybody gets it; ``options`` are those of
    ``Wire``. With ``succeeds``, no connection is given out while the server is still at work for
    the one before. Who only reads needs not wait for that.
    """

    def __init__(
        self,
        url: str,
        name: str,
        made: Callable[[Wire], None] = lambda _: None,
        *,
        succeeds: bool = False,
        **options: int,
    ) -> None:
        self._url = url
        self._name = name
        self._made = made
        self._succeeds = succeeds
        self._options = options
        self._wire: Wire | None = None
        self._session: Row | None = None

    def wire(self) -> Wire:
        """The present connection, or a new one where there is none.

        When it returns and this ``succeeds``, the server does nothing any more for a connection
        that was lost: what that one had sent is either durable or undone.

        Raises:
            LostConnectionError: none could be made, or the server is still at work for the last.
        """
        if self._wire is None or self._wire.is_lost:
            fresh = Wire(self._url, self._name, **self._options)
            try:
                self._begin(fresh)
            except PostgresError as error:
                fresh.close()
                raise LostConnectionError(error.sqlstate) from error
            self._wire = fresh
        return self._wire

    def wire_within(self, seconds: float, gave_up: Callable[[], bool] = lambda: False) -> Wire:
        """``wire``, trying for so many seconds, or until ``gave_up``.

        Raises:
            LostConnectionError: none could be made in time.
        """
        deadline = time.monotonic() + seconds
        tried = 0
        while True:
            try:
                return self.wire()
            except LostConnectionError:
                if time.monotonic() >= deadline or gave_up():
                    raise
            time.sleep(_PAUSES[min(tried, len(_PAUSES) - 1)])
            tried += 1

    def close(self) -> None:
        """Let the connection go."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _begin(self, fresh: Wire) -> None:
        fresh.send(_AS_LOGIN)
        if self._session is not None and not self._ended(fresh, self._session):
            if self._succeeds:
                raise LostConnectionError
            log.warning("The server is still at work for a connection of %s", self._name)
        place = fresh.send(_OWN)
        fresh.send(_AS_EVER)
        (own,) = rows_of(fresh.answers()[place])
        self._made(fresh)
        self._session = own

    @staticmethod
    def _ended(fresh: Wire, lost: Row) -> bool:
        """End what the server does for a lost connection; False where it is not over by now.

        It cannot be ended while it makes a commit durable, which a slow disk may draw out.
        """
        fresh.send(_END, lost)
        return (False,) not in rows_of(fresh.answers()[-1])
