"""How far the clock is believed where what it says cannot be undone.

To a clock that went far ahead everything is over, and what is destroyed because of it is gone. So
the key store notes up to when a gateway has seen the clock go. Where it is suddenly further ahead
of that than every gateway may have been stopped for, what is destroyed goes by the noted moment,
until an operator says that so much time did pass, or the clock has said so for as long again.

What is sealed by a clock that is far behind is over as soon as that is set right. So keys are made
by the noted moment then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.model.json import decode, encode
from gateway.model.ports import Clock
from gateway.model.time import parse, stamp
from gateway.privacy.key_store import KeyStore

NOTE = "clock"
"""The name of the note in the key store."""

_NOTE_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """The ``moment`` (RFC 3339) up to which the clock is believed. Where it is ``ahead`` of that,
    it is believed again at ``believed_at``. ``behind`` is by how much it is behind what it was seen
    to say, where that is too far."""

    moment: str
    ahead: timedelta | None = None
    believed_at: str | None = None
    behind: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Noted:
    """The clock was ``seen`` to go up to here, and too far ahead from ``since`` to ``until``."""

    seen: datetime
    since: datetime | None = None
    until: datetime | None = None

    def at(self, now: datetime, longest: timedelta) -> "_Noted":
        """What is to be noted at the moment ``now``."""
        if now - self.seen <= longest:
            return _Noted(max(self.seen, now))
        if self.since is None or self.until is None:
            return replace(self, since=now, until=now)
        if now < self.since or now - self.until > longest:  # it went elsewhere once more
            return replace(self, since=now, until=now)
        if now - self.since >= longest:
            return _Noted(now)
        return replace(self, until=max(self.until, now))

    def is_due(self, before: "_Noted") -> bool:
        """True if it says enough that the note ``before`` does not, to be written."""
        if self.since != before.since or self.seen - before.seen >= _NOTE_EVERY:
            return True
        if self.until is None or before.until is None:
            return False
        return self.until - before.until >= _NOTE_EVERY


class Calendar(Clock):
    """The clock of a process beside what the key store notes of it. Thread-safe.

    ``longest`` is for how long every gateway may have been stopped.
    """

    def __init__(self, store: KeyStore, clock: Clock, longest: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._longest = longest
        self._seen: datetime | None = None

    def now(self) -> datetime:
        """The present moment; where the clock is far behind what it was seen to say, that."""
        now, seen = self._clock.now(), self._seen
        return seen if seen is not None and seen - now > self._longest else now

    def begin(self, last: str | None) -> None:
        """Begin with what is noted. An earlier release noted nothing: then a record that ends at
        the moment ``last`` is taken over."""
        with self._store.lock:
            noted = self._noted()
            if noted is None and last is not None:
                noted = _Noted(min(parse(last), self._clock.now()))
                self._keep(noted)
            self._seen = noted.seen if noted is not None else None

    def read(self) -> Reading:
        """Up to when the clock is believed now. It waits for the disk.

        Raises:
            sqlite3.Error, ProblemError: the key store cannot be used.
        """
        with self._store.lock:
            now, before = self._clock.now(), self._noted()
            noted = _Noted(now) if before is None else before.at(now, self._longest)
            if before is None or noted.is_due(before):
                self._keep(noted)
            self._seen = noted.seen
        return self._reading(now, noted)

    def look(self) -> Reading:
        """As ``read``, and notes nothing.

        Raises:
            sqlite3.Error, ProblemError: the key store cannot be used.
        """
        with self._store.lock:
            now, before = self._clock.now(), self._noted()
        return self._reading(now, _Noted(now) if before is None else before.at(now, self._longest))

    def _reading(self, now: datetime, noted: _Noted) -> Reading:
        if noted.since is None:
            behind = noted.seen - now
            return Reading(stamp(now), behind=behind if behind > self._longest else None)
        believed_at = stamp(noted.since + self._longest)
        return Reading(stamp(noted.seen), now - noted.seen, believed_at)

    def _noted(self) -> _Noted | None:
        told = self._store.note(NOTE)
        if not isinstance(told, bytes):
            return None
        seen, *ahead = decode(told)
        since, until = (None if moment is None else parse(moment) for moment in ahead)
        return _Noted(parse(seen), since, until)

    def _keep(self, noted: _Noted) -> None:
        moments = (noted.seen, noted.since, noted.until)
        told = [None if moment is None else stamp(moment) for moment in moments]
        self._store.keep_note(NOTE, encode(told).encode())
