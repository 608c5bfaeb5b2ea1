"""HOW IT FARES: rates, what waits, the record and what has drifted, read within bounds."""

from gateway.health.checks import Cases, Checks
from gateway.health.health import Health, Watched
from gateway.health.hour import Figure
from gateway.health.recorded import record_state
from gateway.health.report import Alert, RecordState, Report

__all__ = [
    "Alert",
    "Cases",
    "Checks",
    "Figure",
    "Health",
    "RecordState",
    "Report",
    "Watched",
    "record_state",
]
