"""The workflow of a run: it waits for wake-ups and timers, and has the run advanced.

It knows nothing of plans and steps. What a run has done stands in the record; Temporal's history
holds the id of the run, its workspace and when it was woken.
"""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

WORKFLOW = "gateway-run"
ACTIVITY = "gateway-advance"
WAKE = "wake"

_LONG = timedelta(days=7)


@workflow.defn(name=WORKFLOW)
class RunWorkflow:
    """Lives while the run does. Its argument says which run, and the lease in seconds."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """The run has something to do."""
        self._woken = True

    @workflow.run
    async def run(self, given: dict[str, Any]) -> None:
        """Have the run advanced after each wake-up and whenever it wants to be looked at."""
        while True:
            self._woken = False
            seconds = await self._advanced(given)
            if seconds is None and not self._woken:
                return
            if seconds is not None:
                await self._until(seconds)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(given)

    async def _advanced(self, given: dict[str, Any]) -> float | None:
        """Seconds until the run is to be looked at again, None where it is over."""
        seconds: float | None = await workflow.execute_activity(
            ACTIVITY,
            given,
            start_to_close_timeout=_LONG,
            heartbeat_timeout=timedelta(seconds=given["lease"]),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)
            ),
        )
        return seconds

    async def _until(self, seconds: float) -> None:
        """Wait for a wake-up, at most so long."""
        try:
            timeout = timedelta(seconds=max(seconds, 0.001))
            await workflow.wait_condition(lambda: self._woken, timeout=timeout)
        except TimeoutError:
            return
