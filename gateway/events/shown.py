"""What of personal data a stream of events shows: recorded now and then, and when it ends."""

import asyncio
import logging
from collections import Counter

from gateway.model.decision import Treatment
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError
from gateway.model.shown import EVERY_FIELD, MOST_FIELDS, Shown
from gateway.pipeline import Admitted, CallRecorder

TELL_EVERY = 60.0
"""Seconds after which at the latest it is recorded what a stream has shown."""

_log = logging.getLogger("gateway.events")


class Counting(Shown):
    """Counts too by how many values each field was shown in which way."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, Counter[str]] = {}

    def note(
        self, contract: str, field: str, treatment: Treatment, execution_id: str | None = None
    ) -> None:
        """A value of this field was shown so."""
        super().note(contract, field, treatment, execution_id)
        name = f"{contract} {field}"
        if name not in self.counts and len(self.counts) >= MOST_FIELDS:
            name = f"{contract} {EVERY_FIELD}"
        self.counts.setdefault(name, Counter())[treatment.value] += 1


class StreamShown:
    """Notes what one stream shows: ``now`` notes, ``given`` counts an event, ``end`` ends it."""

    def __init__(self, recorder: CallRecorder) -> None:
        self._recorder = recorder
        self._asked: Admitted | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._events = 0
        self.now = Counting()

    def given(self, asked: Admitted) -> None:
        """An event was given under the right that ``asked`` stands for."""
        self._asked = asked
        if not self.now:
            return
        self._events += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._telling = asyncio.create_task(self._tell(is_last=False))

    async def end(self) -> None:
        """Record what was shown since it was last recorded."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._tell(is_last=True)

    async def _tell(self, *, is_last: bool) -> None:
        shown, events = self.now, self._events
        if self._asked is None or not shown:
            return
        self.now, self._events = Counting(), 0
        counts = {name: dict(found) for name, found in shown.counts.items()}
        told: JsonObject = {"events": events, "counts": counts, "last": is_last}
        asked = Admitted(self._asked.call, self._asked.value, self._asked.access, shown=shown)
        try:
            await self._recorder.queue(self._recorder.events_shown(asked, told))
        except ProblemError as error:
            _log.error("What a stream has shown was not recorded (%s)", error.problem.code)
