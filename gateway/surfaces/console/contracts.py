"""The contracts: found, read as a reference, and called by example."""

import json
import secrets
from urllib.parse import quote, urlencode

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import Problem, problem
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.forms import json_object
from gateway.surfaces.console.visits import Page, Visit

LIST = "/console/contracts"

_PAGE = 50
_MOST_OFFSET = 1_000_000
_LONGEST = 200
_FILTERS = ("text", "kind", "risk", "domain", "capability", "tag")
_CHOICES = {"kind": {"COMMAND", "QUERY"}, "risk": {"LOW", "MEDIUM", "HIGH", "CRITICAL"}}
_EXECUTIONS = 8


def url_of(ref: str) -> str:
    """The page of a contract."""
    return f"{LIST}/{quote(ref, safe='@')}"


async def _list(visit: Visit) -> Response:
    """The contracts that the viewer may call, narrowed by what the address says."""
    wanted, offset = _wanted(visit), _offset(visit)
    asked = {name: value for name, value in wanted.items() if value}
    told = await visit.api.ask("ContractList", input={**asked, "limit": _PAGE, "offset": offset})
    found = told["controlPlaneContractList"]
    return visit.render(
        "contracts.html",
        wanted=wanted,
        offset=offset,
        items=found["items"],
        total=found["total"],
        url_of=url_of,
        previous=_page_at(asked, max(offset - _PAGE, 0)) if offset else None,
        following=_page_at(asked, offset + _PAGE) if offset + _PAGE < found["total"] else None,
    )


def _wanted(visit: Visit) -> dict[str, str]:
    """The filters of the address; a choice that is none counts as not made."""
    found = {name: visit.asked(name)[:_LONGEST] for name in _FILTERS}
    for name, choices in _CHOICES.items():
        if found[name] not in choices:
            found[name] = ""
    return found


def _offset(visit: Visit) -> int:
    text = visit.asked("offset")[:9]  # more digits are no larger an offset
    return min(int(text), _MOST_OFFSET) if text.isascii() and text.isdigit() else 0


def _page_at(asked: dict[str, str], offset: int) -> str:
    return f"{LIST}?{urlencode({**asked, 'offset': offset})}"


async def _show(visit: Visit) -> Response:
    """One contract."""
    contract = await _contract(visit)
    return await _rendered(visit, contract, _example_text(contract, visit.viewer))


async def _run(visit: Visit) -> Response:
    """The example call, done with the variables that the viewer sent."""
    contract = await _contract(visit)
    text = visit.form.get("variables", "")
    refused = _not_run(contract, visit)
    variables = None if refused else _variables(text)
    if not refused and variables is None:
        refused = problem("BAD_REQUEST", "The variables are no JSON object. Mend and send again.")
    if refused or variables is None:
        told = refused.to_json() if refused else {}
        return await _rendered(visit, contract, text, told, answered=False, status=400)
    if contract["kind"] == "COMMAND":
        variables["idempotencyKey"] = visit.form.get("idempotencyKey", "")[:_LONGEST]
    try:
        answer = await visit.api.send(contract["example"]["document"], None, variables)
    except AskedError as error:
        return await _rendered(visit, contract, text, error.problem, answered=False)
    return await _rendered(visit, contract, text, answer, answered=True)


def _not_run(contract: JsonObject, visit: Visit) -> Problem | None:
    """Why the example is not run, for a reason that is seen before it is."""
    if contract["example"] is None:
        told = "A newer version hides this one, so that there is no field to call. Run that one."
        return problem("NOT_FOUND", told)
    if contract["kind"] == "COMMAND" and visit.form.get("sure") != "yes":
        return problem("BAD_REQUEST", "Say that you want it done for real. Nothing was done.")
    return None


def _variables(text: str) -> JsonObject | None:
    try:
        return json_object(text or "{}")
    except ValueError:
        return None


async def _rendered(
    visit: Visit,
    contract: JsonObject,
    variables: str,
    answer: JsonObject | None = None,
    *,
    answered: bool = False,
    status: int = 200,
) -> Response:
    return visit.render(
        "contract.html",
        status,
        contract=contract,
        url_of=url_of,
        variables=variables,
        answer=answer,
        answered=answered,
        call_key=secrets.token_urlsafe(16),
        executions=await _executions(visit, contract["ref"]),
    )


async def _contract(visit: Visit) -> JsonObject:
    told = await visit.api.ask("ContractGet", contract=visit.request.path_params["contract"])
    contract: JsonObject = told["controlPlaneContractGet"]["contract"]
    return contract


def _example_text(contract: JsonObject, viewer: Principal) -> str:
    """The variables of the example as text, with who the viewer is where they ask for that."""
    if contract["example"] is None:
        return ""
    variables: JsonObject = contract["example"]["variables"]
    if given := variables.get("input"):
        who = {name: viewer.subject for name in given if name.endswith("By")}
        where = {"workspaceId": viewer.workspace} if "workspaceId" in given else {}
        variables = {**variables, "input": {**given, **who, **where}}
    return json.dumps(variables, indent=2, ensure_ascii=False)


async def _executions(visit: Visit, ref: str) -> list[JsonObject] | None:
    """Executions that have a step of this contract, the newest first: those of the workspace, or
    the viewer's own where it may ask for no others; None where it may ask for none."""
    if visit.may("controlPlaneContractExecutionList"):
        told = await visit.api.ask("ContractExecutions", contract=ref, limit=_EXECUTIONS)
        steps: list[JsonObject] = told["controlPlaneContractExecutionList"]["items"]
        return steps
    if not visit.may("controlPlaneExecutionMine"):
        return None
    told = await visit.api.ask("ContractOwnExecutions")
    items: list[JsonObject] = told["controlPlaneExecutionMine"]["items"]
    found = [
        {**step, "executionId": one["executionId"], "updatedAt": one["updatedAt"]}
        for one in items
        for step in one["steps"]
        if step["contract"] == ref
    ]
    return found[:_EXECUTIONS]


PAGES = (Page(LIST, _list), Page(f"{LIST}/{{contract}}", _show, _run))
"""The list, and the page of each contract."""
