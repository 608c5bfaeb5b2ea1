"""The memory of processes over time, and whether it grows."""

import os
import statistics
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Sampler:
    """Samples the resident memory of processes every ``every`` seconds until ``stop``."""

    pids: dict[str, int]
    every: float = 1.0
    samples: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to sample in a thread."""
        self.samples = {name: [] for name in self.pids}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sample no longer."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.perf_counter()
        while not self._over.wait(self.every):
            for name, pid in self.pids.items():
                try:
                    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                except (OSError, IndexError):  # it has ended
                    continue
                self.samples[name].append((time.perf_counter() - began, pages * _PAGE))


def slope(samples: Iterable[tuple[float, int]]) -> float:
    """Bytes a second by which memory grows in the second half of ``samples`` (Theil and Sen: the
    median of the slopes between all pairs, which single jumps do not bend)."""
    whole = list(samples)
    half = whole[len(whole) // 2 :]
    thinned = half[:: max(1, len(half) // 300)]
    slopes = [
        (later - earlier) / (then - first)
        for number, (first, earlier) in enumerate(thinned)
        for then, later in thinned[number + 1 :]
    ]
    return statistics.median(slopes) if slopes else 0.0
