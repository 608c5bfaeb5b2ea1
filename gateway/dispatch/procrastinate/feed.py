"""What feeds a worker: Procrastinate's worker takes the jobs and hands the runs on."""

import asyncio
import logging
from typing import Any

from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from gateway.dispatch.embedded import EmbeddedDispatcher
from gateway.dispatch.procrastinate.reminder import QUEUE, TASK
from gateway.model.claims import DueRun
from gateway.model.tasks import left
from gateway.postgres import ENCODING, PatientAsyncSession, asked_of

_log = logging.getLogger(__name__)
_HANDS = 8
_POLL = 1.0
_TROUBLE = 0.5
_CONNECTIONS = 3
_REACHED_WITHIN = 5.0
_PARTING = 2.0  # seconds: Procrastinate waits for a database that is away, whatever else it is told
_NETWORK = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2}
_LIGHT = {"synchronous_commit": "off"}
"""No wait for the disk: what a crash of the server undoes tells of a run again, without harm."""

_LEFT = "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL"
"""Removes what workers left behind that died, and whose places were given up."""

_SILENCE = 10.0
"""Seconds of silence after which a session counts as lost. Procrastinate itself would wait for
ever, take no job any more and say nothing of it."""

_QUIET = 45.0
"""The same for the session that listens, of which Procrastinate asks something every 30 seconds."""


def _unchecked(**given: Any) -> AsyncConnectionPool:
    """A pool that hands connections out as they are: one that is gone shows itself with the next
    job, and to ask it each time costs as much as the job."""
    patient = {"connection_class": PatientAsyncSession, "configure": _answering}
    return AsyncConnectionPool(**{**given, **patient, "check": None})


async def _answering(session: AsyncConnection) -> None:
    """Make a session ready for jobs: each statement commits by itself, with no transaction to begin
    and to end around it."""
    await _made_ready(session, _SILENCE)


async def _listening(session: AsyncConnection) -> None:
    """Make the session ready that Procrastinate makes beside the pool, to listen."""
    await _made_ready(session, _QUIET)


async def _made_ready(session: AsyncConnection, silence: float) -> None:
    if isinstance(session, PatientAsyncSession):
        session.silence = silence
    await session.set_autocommit(True)


class ProcrastinateFeed:
    """Takes jobs from the database ``url`` while the dispatcher ``here`` has room for runs.

    A job is done with once its run waits here. Should this process die then, the run is still due,
    and the sweeper of any other finds it.
    """

    def __init__(self, url: str, here: EmbeddedDispatcher) -> None:
        self._here = here
        self._connector = PsycopgConnector(
            conninfo=url,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_REACHED_WITHIN,
            pool_factory=_unchecked,
            configure=_listening,
            kwargs={
                "application_name": "gateway-jobs",
                "options": asked_of(url, **_LIGHT),
                "client_encoding": ENCODING,
                **_NETWORK,
            },
        )
        self._app = App(connector=self._connector)
        self._app.task(name=TASK, queue=QUEUE)(self._take)
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        # At the level info it would tell each job four times.
        logging.getLogger("procrastinate").setLevel(logging.WARNING)

    def start(self) -> None:
        """Begin to take jobs."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Take no more jobs. Those that were taken and not handed on are still due.

        Where the database is away, its connections are left to the end of the process.
        """
        self._is_stopping = True
        await left(self._task, _PARTING)
        self._task = None

    async def _take(self, run_id: str, workspace: str, *, urgent: bool) -> None:
        await self._here.pool.room()
        self._here.submit(DueRun(run_id, workspace, urgent))

    async def _work(self) -> None:
        """Work until stopped; whenever the database was away, begin anew.

        Procrastinate may answer a cancellation by failing, for want of its database.
        """
        while not self._is_stopping:
            try:
                async with self._app.open_async():
                    await self._connector.execute_query_async(_LEFT)
                    await self._app.run_worker_async(
                        queues=[QUEUE],
                        concurrency=_HANDS,
                        fetch_job_polling_interval=_POLL,
                        delete_jobs="always",
                        install_signal_handlers=False,
                        shutdown_graceful_timeout=0.1,
                    )
            except Exception as error:
                _log.warning("jobs are not taken (%s); trying again", type(error).__name__)
            await asyncio.sleep(_TROUBLE)
