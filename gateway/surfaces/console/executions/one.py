"""The pages of one execution: the whole of it, its replay, and its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, problem
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.contracts_in_brief import contracts_in_brief
from gateway.surfaces.console.executions.flows import (
    Flow,
    flows_of,
    personal_by_contracts,
    personal_by_trace,
)
from gateway.surfaces.console.executions.listing import PATH
from gateway.surfaces.console.executions.picture import picture_of
from gateway.surfaces.console.executions.replays import shown
from gateway.surfaces.console.executions.sights import Sight, sight_of
from gateway.surfaces.console.executions.steering import MODES, RECONCILE, act, allowed_to
from gateway.surfaces.console.executions.steps import step_view_of
from gateway.surfaces.console.executions.timeline import PAGE as ENTRIES
from gateway.surfaces.console.executions.timeline import timeline_of
from gateway.surfaces.console.inbox.decisions import (
    Outcome,
    break_glass,
    decide,
    named_of,
    told_of,
)
from gateway.surfaces.console.visits import Page, Visit, shown_after

_DECISIONS = ("approve", "reject", "break-glass")

_DIFFERENCES = 200
"""How many differences of a replay are shown."""


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a form: said in a sentence, or refused with a problem."""

    said: str = ""
    refusal: JsonObject | None = None
    outcomes: Sequence[Outcome] = ()


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


async def _serve(visit: Visit) -> Response:
    return await _page(visit, _Done())


async def _take(visit: Visit) -> Response:
    """Do what the form asks for, and show the execution as it stands then."""
    action = visit.form.get("action", "")
    try:
        if action in _DECISIONS:
            done = _Done(outcomes=await _decisions(visit, action))
        else:
            done = _Done(await act(visit, await sight_of(visit, _id(visit)), action))
    except AskedError as error:
        done = _Done(refusal=error.problem)
    except ProblemError as error:
        done = _Done(refusal=error.problem.to_json())
    said = " ".join(filter(None, (done.said, told_of(done.outcomes))))
    return await shown_after(visit, said, _page(visit, done))


async def _decisions(visit: Visit, action: str) -> list[Outcome]:
    named = named_of(visit)
    if action == "break-glass":
        return await break_glass(visit, named[0])
    return await decide(visit, named, approve=action == "approve")


async def _page(visit: Visit, done: _Done) -> Response:
    sight = await sight_of(visit, _id(visit))
    flows = await _flows(visit, sight)
    happened = timeline_of(sight.entries or (), sight.keys)
    start = min(visit.counted("from"), max(0, len(happened) - 1))
    return visit.render(
        "executions/execution.html",
        status=int(done.refusal["status"]) if done.refusal else 200,
        sight=sight,
        done=done,
        flows=flows,
        picture=picture_of(sight.steps, flows) if sight.plan else None,
        chosen=await step_view_of(visit, sight, visit.asked("step")),
        actions=allowed_to(sight),
        modes=MODES,
        reconcile=RECONCILE,
        happened=happened[start : start + ENTRIES],
        start=start,
        entries=ENTRIES,
        total=len(happened),
    )


async def _flows(visit: Visit, sight: Sight) -> list[Flow]:
    """What flows in the plan; whoever sees no trace is told by the contracts what is personal."""
    if sight.plan is None:
        return []
    edges = sight.plan["edges"]
    if sight.entries is not None:
        return flows_of(edges, personal_by_trace(sight.first("plan.compiled")))
    sources = {edge["source"] for edge in edges if edge.get("path")}
    named = {step["key"]: step["contract"] for step in sight.steps if step["key"] in sources}
    contracts = await contracts_in_brief(visit, named.values())
    outputs = {key: contracts[ref].pii_out for key, ref in named.items()}
    return flows_of(edges, personal_by_contracts(edges, outputs))


async def _replay(visit: Visit) -> Response:
    """The plan compiled and decided once more, held against what was recorded."""
    data = await visit.api.ask("Replay", executionId=_id(visit))
    sight = await sight_of(visit, _id(visit))
    replay = data["controlPlaneTraceReplay"]
    differences = [shown(one) for one in replay["differences"][:_DIFFERENCES]]
    return visit.render(
        "executions/replay.html", replay=replay, sight=sight, differences=differences
    )


async def _evidence(visit: Visit) -> Response:
    """The newest bundle that the viewer exported, from the gateway's own door for it."""
    sight = await sight_of(visit, _id(visit))
    run_id = sight.execution.get("runId")
    if run_id is None:
        told = "The execution was never started, so there is no evidence of a run."
        raise ProblemError(problem("NOT_FOUND", told))
    return await visit.api.evidence(run_id)


PAGES = (
    Page(f"{PATH}/{{id}}", _serve, _take),
    Page(f"{PATH}/{{id}}/replay", _replay),
    Page(f"{PATH}/{{id}}/evidence", _evidence),
)
"""One execution, its replay, and its evidence."""
