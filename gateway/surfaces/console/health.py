"""The page that says how the gateway fares: alerts first, then what waits, then small charts."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.console.charts import Chart, Series, part_of, stacked
from gateway.surfaces.console.visits import Page, Visit

FIELD = "controlPlaneHealthGet"
"""The field that the page is made of."""

_QUARTER = 15
"""One of so many minutes is written below a chart."""

_CHARTS: Mapping[str, Sequence[tuple[str, str, str]]] = MappingProxyType(
    {
        "Runs that ended": (
            ("runsCompleted", "completed", "good"),
            ("runsStopped", "stopped", "quiet"),
            ("runsFailed", "failed", "bad"),
        ),
        "Steps": (("stepsCompleted", "completed", "good"), ("stepsFailed", "failed", "bad")),
        "Calls": (("callsAllowed", "allowed", "busy"), ("callsDenied", "denied", "warn")),
    }
)
"""The charts: their titles, and the figures in each with name and tone."""


async def _look(visit: Visit) -> Response:
    if not visit.may(FIELD):
        raise refuse(
            "FORBIDDEN",
            "Operators, auditors and administrators see how the gateway fares. Ask one of them.",
        )
    report = (await visit.api.ask("Health"))[FIELD]
    return visit.render(
        "health.html",
        report=report,
        charts=charts_of(report["minutes"]),
        budget_left=part_of(report["budget"]["left"]),
    )


def charts_of(minutes: Sequence[JsonObject]) -> list[Chart]:
    """The charts of these minutes."""
    labels = [str(minute["at"])[11:16] for minute in minutes]
    return [
        stacked(
            f"{title}, a minute",
            [
                Series(name, tone, [minute[figure] for minute in minutes])
                for figure, name, tone in figures
            ],
            labels,
            _QUARTER,
        )
        for title, figures in _CHARTS.items()
    ]


PAGES = (Page("/console/health", _look),)
"""The page."""
