"""Counters and histograms that cost next to nothing: a dict entry under a lock, and no library.

``prometheus-client`` writes them out when they are asked for (``exposition.py``); its own counters
take several times as long to count one thing. Labels are names of ``SAFE_FIELDS``.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TypeAlias

from gateway.telemetry.fields import SAFE_FIELDS

Labels: TypeAlias = tuple[str | int, ...]
"""The values of an instrument's labels, in their order."""

MOST_SERIES = 2000
"""How many combinations of labels an instrument tells apart; all further ones are told as one."""

OTHER = "other"
"""Each label of what is told as one."""

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Bounds in seconds of what should take milliseconds."""

SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds in seconds of what waits for others."""

_is_on = False


def switch(*, on: bool) -> None:
    """Begin or cease to count in this process. What was counted stays."""
    global _is_on
    _is_on = on


def is_counting() -> bool:
    """True while this process counts."""
    return _is_on


class Instrument:
    """What metrics have in common: a name, a line of help, and names of labels.

    Raises:
        ValueError: a label is not in ``SAFE_FIELDS``.
    """

    kind = "gauge"

    def __init__(self, name: str, about: str, *labels: str) -> None:
        if unknown := set(labels) - SAFE_FIELDS.keys():
            raise ValueError(f"not a label that may be told: {min(unknown)}; see SAFE_FIELDS")
        self.name = name
        self.about = about
        self.labels = labels


class Gauge(Instrument):
    """Something that is read when it is asked for."""


class Counter(Instrument):
    """Counts events. Thread-safe.

    ``known`` are values of its one label that are told from the start, as 0: of a series that only
    begins with the first event, Prometheus sees no increase.
    """

    kind = "counter"

    def __init__(self, name: str, about: str, *labels: str, known: Iterable[str] = ()) -> None:
        super().__init__(name, about, *labels)
        self._counts: dict[Labels, int] = dict.fromkeys([(word,) for word in known], 0)
        if not labels:
            self._counts[()] = 0
        self._lock = Lock()

    def add(self, *labels: str | int) -> None:
        """Count one event."""
        if not _is_on:
            return
        counts = self._counts
        with self._lock:
            if labels in counts:
                counts[labels] += 1
            else:
                key = _key(labels, counts)
                counts[key] = counts.get(key, 0) + 1

    def counts(self) -> dict[Labels, int]:
        """What was counted until now."""
        with self._lock:
            return dict(self._counts)


class Histogram(Instrument):
    """Sorts values by size. Thread-safe. ``bounds`` are the upper ones, in order."""

    kind = "histogram"

    def __init__(
        self, name: str, about: str, *labels: str, bounds: tuple[float, ...] = QUICK
    ) -> None:
        super().__init__(name, about, *labels)
        self.bounds = bounds
        self._seen: dict[Labels, list[float]] = {}  # how many up to each bound, beyond, the sum
        self._lock = Lock()

    def observe(self, value: float, *labels: str | int) -> None:
        """Note one value."""
        if not _is_on:
            return
        place = bisect_left(self.bounds, value)
        with self._lock:
            seen = self._seen.get(labels)
            if seen is None:
                empty: list[float] = [0] * (len(self.bounds) + 2)
                seen = self._seen.setdefault(_key(labels, self._seen), empty)
            seen[place] += 1
            seen[-1] += value

    def seen(self) -> dict[Labels, tuple[list[float], float]]:
        """For each combination of labels, how many values lie up to each bound and beyond, and the
        sum of all values."""
        with self._lock:
            return {key: (seen[:-1], seen[-1]) for key, seen in self._seen.items()}


def _key(labels: Labels, known: Mapping[Labels, object]) -> Labels:
    """The labels under which is counted what has labels that were not seen before."""
    return labels if len(known) < MOST_SERIES else (OTHER,) * len(labels)
