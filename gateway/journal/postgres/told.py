"""Being told by other processes that the record has grown, and that a run was woken."""

import logging
import os
import threading
import time
from collections.abc import Callable

import psycopg
from psycopg.pq import ExecStatus, PGnotify
from psycopg.pq.abc import PGconn

from gateway.journal.postgres.batch import CHANNEL
from gateway.journal.postgres.unit import WOKEN
from gateway.postgres import CONNECT_SECONDS, asked_of, await_any

log = logging.getLogger("gateway.journal")

_LOOK = 1.0
"""Seconds after which the end of the record is looked up, whether anything was told or not."""

_TROUBLE = 0.5

_PATIENCE = 5.0
"""Seconds to wait for an answer before the connection counts as lost: nobody may say that it is."""

_BEGIN = f"LISTEN {CHANNEL}; LISTEN {WOKEN}"
_LAST = "SELECT max(position) FROM entry"


class Listener:
    """A thread that tells ``grown`` how far the record goes, soon after each commit anywhere, and
    ``woken`` which run that somebody holds was woken.

    What is told may be missed while a connection is made anew, so the end is also looked up: then,
    and every second.
    """

    def __init__(
        self, url: str, grown: Callable[[int], None], woken: Callable[[str], None]
    ) -> None:
        self._url = url
        self._grown = grown
        self._told_of_run = woken
        self._woken, self._wake = os.pipe()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for it."""
        self._stopping.set()
        os.write(self._wake, b"!")
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._woken)
        os.close(self._wake)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:  # whatever it was, what others do must not go untold
                if not self._stopping.is_set():
                    why: str | None = type(error).__name__
                    if isinstance(error, psycopg.Error):
                        why = error.sqlstate
                    log.warning("Not told of the record's growth (%s); trying again", why)
                    self._stopping.wait(_TROUBLE)

    def _listen(self) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="gateway-listener",
            options=asked_of(self._url),
        ) as connection:
            link = connection.pgconn
            link.nonblocking = 1
            self._ask(link, _BEGIN)
            while not self._stopping.is_set():
                self._grown(int(self._ask(link, _LAST) or 0))
                while await_any(_LOOK, link.socket, self._woken)[0]:
                    if self._stopping.is_set():
                        return
                    link.consume_input()
                    while (told := link.notifies()) is not None:
                        self._pass_on(told)

    def _ask(self, link: PGconn, question: str) -> bytes | None:
        """The first value of the last answer; None where there is none, or this is to stop.

        Raises:
            psycopg.OperationalError: the server does not answer.
        """
        link.send_query(question.encode())
        deadline = time.monotonic() + _PATIENCE
        value = None
        while True:
            while link.flush() or link.is_busy():
                wait = deadline - time.monotonic()
                if wait <= 0 or self._stopping.is_set():
                    raise psycopg.OperationalError("the server did not answer in time")
                await_any(min(wait, _LOOK), link.socket, self._woken)
                link.consume_input()
            result = link.get_result()
            if result is None:
                return value
            if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
                raise psycopg.OperationalError("the server refused to answer")
            value = result.get_value(0, 0) if result.ntuples else None

    def _pass_on(self, told: PGnotify) -> None:
        if told.relname == CHANNEL.encode():
            self._grown(int(told.extra))
        else:
            self._told_of_run(told.extra.decode())
