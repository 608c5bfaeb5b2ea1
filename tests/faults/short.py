"""A play of a few seconds, for the tests."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.faults.cluster import Cluster
from tests.faults.play import play
from tests.faults.plots import DEPLOYED_PLOTS, PLOTS, TRIES, faults_of


def wrong_in(
    fault: str, folder: Path, make: Callable[[Path], Cluster] = Cluster, strikes: int = 2
) -> list[str]:
    """What went wrong where a fault struck.

    A fault that nobody felt proves nothing, so it is played again then, from another seed, three
    times at most. ``FAULTS_SEED`` in the environment repeats a play.
    """
    plot = replace((PLOTS | DEPLOYED_PLOTS)[fault], strikes=strikes, between=0.3)
    seed = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    for more in range(TRIES):
        own = folder / str(more)
        own.mkdir()
        result = play(plot, seed + more, own, make)
        print(f"FAULTS_SEED={result.seed}: {result}\nsee {own}")  # noqa: T201 - to repeat a failure
        wrong = faults_of(result)
        if result.is_felt or len(wrong) > 1:
            break
    return wrong
