"""What is played, in the short form of the tests and the long form of ``make faults``."""

from dataclasses import replace

from tests.faults.play import Plot, Result

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


def short(fault: str) -> Plot:
    """A plot that is over in a few seconds."""
    return replace(PLOTS[fault], strikes=2, between=0.3)


def faults_of(result: Result) -> list[str]:
    """What is wrong with a play: anomalies, and that its fault was never felt."""
    felt = any(result.met[name] for name in result.plot.felt)
    unfelt = [] if felt else [f"nobody felt that {result.plot.fault}: met {dict(result.met)}"]
    return [*result.verdict.anomalies, *unfelt]
