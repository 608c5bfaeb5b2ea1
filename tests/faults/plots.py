"""What is played, in the short form of the tests and the long form of ``make faults``."""

from tests.faults.deployment import LEASE
from tests.faults.play import Plot, Result

TRIES = 3
"""How often a fault is played until somebody feels it."""

PLOTS = {
    plot.fault: plot
    for plot in (
        Plot("gateway killed", felt=("UNREACHABLE",)),
        Plot("gateway paused", felt=("silence",)),
        Plot("disk full", felt=("SERVICE_UNAVAILABLE",)),
        Plot("clock skewed", felt=("UNREACHABLE",)),
        Plot("service killed", felt=("step.retrying", "step.unresolved")),
        Plot("service in trouble", felt=("step.retrying", "step.unresolved")),
        Plot("outage", felt=("UNREACHABLE",)),
        Plot("operators race", operators=6, haste=0.1, felt=("CONFLICT",)),
    )
}
"""Each kind of fault, and what shows that it was felt: one of these was met."""


_OUTAGE = ("silence", "SERVICE_UNAVAILABLE", "step.retrying", "step.unresolved")
_LOST = "run is advanced by another process now"
_CUT = ("Not told of the record's growth (None); trying again",)
_STALLED = (_LOST, "silence", "step.retrying", "step.unresolved")

DEPLOYED_PLOTS = {
    plot.fault: plot
    for plot in (
        Plot("worker killed", felt=("takeover",), takeover=2 * LEASE),
        Plot("any process killed", felt=("UNREACHABLE", "step.retrying", "step.unresolved")),
        Plot("worker paused", felt=(_LOST,), takeover=2 * LEASE),
        Plot("worker cut off", felt=_CUT),
        Plot("worker stalled", felt=_STALLED),
        Plot("PostgreSQL killed", between=2.5, felt=(*_OUTAGE, *_CUT)),
        Plot("clocks differ", felt=("UNREACHABLE", "step.retrying", "step.unresolved")),
        Plot("service in trouble, workers", felt=("step.retrying", "step.unresolved")),
        Plot("operators race, two gateways", operators=6, haste=0.1, felt=("CONFLICT",)),
        Plot("everything", strikes=8, felt=_OUTAGE),
    )
}
"""The same for faults of a deployment on PostgreSQL."""


def faults_of(result: Result) -> list[str]:
    """What is wrong with a play: anomalies, and that its fault was never felt."""
    unfelt = (
        [] if result.is_felt else [f"nobody felt that {result.plot.fault}: met {dict(result.met)}"]
    )
    slow = [
        f"runs were taken over after {took:.2f} s, and {result.plot.takeover:g} are allowed"
        for took in result.takeovers
        if result.plot.takeover is not None and took > result.plot.takeover
    ]
    return [*result.verdict.anomalies, *unfelt, *slow]
