"""Being told by other processes that the record has grown, and that a run was woken."""

import logging
import os
import select
import threading
from collections.abc import Callable

import psycopg
from psycopg import sql
from psycopg.pq import PGnotify

from gateway.journal.postgres.batch import CHANNEL
from gateway.journal.postgres.unit import WOKEN

log = logging.getLogger("gateway.journal")

_LOOK = 1.0
"""Seconds after which the end of the record is looked up, whether anything was told or not."""

_TROUBLE = 0.5


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
            except psycopg.Error as error:
                if not self._stopping.is_set():
                    log.warning(
                        "Not told of the record's growth (%s); trying again", error.sqlstate
                    )
                    self._stopping.wait(_TROUBLE)

    def _listen(self) -> None:
        with psycopg.connect(
            self._url, autocommit=True, connect_timeout=5, application_name="gateway-listener"
        ) as connection:
            for channel in (CHANNEL, WOKEN):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            link = connection.pgconn
            while not self._stopping.is_set():
                row = connection.execute("SELECT max(position) FROM entry").fetchone()
                self._grown((row and row[0]) or 0)
                while select.select([link.socket, self._woken], [], [], _LOOK)[0]:
                    if self._stopping.is_set():
                        return
                    link.consume_input()
                    while (told := link.notifies()) is not None:
                        self._pass_on(told)

    def _pass_on(self, told: PGnotify) -> None:
        if told.relname == CHANNEL.encode():
            self._grown(int(told.extra))
        else:
            self._told_of_run(told.extra.decode())
