"""Gateways with a defect on purpose: the plays and the checker find each of them."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.play import Plot, play
from tests.faults.plots import PLOTS

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

FOUND = {
    "repeat-in-doubt": ("service in trouble", "may have had its effect and is tried again"),
    "forget-some": ("operators race", "the record has 0"),
    "vote-again": ("operators race", "consent appr_"),
    "never-pause": ("operators race", "is sent while the run is PAUSED"),
}


def plot_of(defect: str) -> Plot:
    """Busy people for a moment, and no patience for runs that never end."""
    plot = PLOTS[FOUND[defect][0]]
    return replace(plot, strikes=2, between=0.5, haste=0.15, pace=0.2, calm=2.0)


@pytest.mark.parametrize("defect", FOUND)
def test_a_defect_is_found(defect: str, tmp_path: Path) -> None:
    def sabotaged(folder: Path) -> Cluster:
        made = Cluster(folder)
        made.gateways[0].program = [sys.executable, "-m", "tests.faults.sabotaged", defect]
        return made

    result = play(plot_of(defect), 1, tmp_path, sabotaged)
    told = FOUND[defect][1]
    assert any(told in anomaly for anomaly in result.verdict.anomalies), result.verdict
