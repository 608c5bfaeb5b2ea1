"""The order of a request: nothing is offered before it is sure which policy is in force."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.model.system import SystemClock
from gateway.surfaces.console import Desk, console_routes, sessions

TOKEN = "token"
Answer = Callable[[Request], Awaitable[JSONResponse]]
OLGA = Principal("olga", PrincipalType.HUMAN, "acme", frozenset({"admin"}))


class Policy:
    """What shows every field once it is settled, and nothing before."""

    def __init__(self, *, can_settle: bool) -> None:
        self.can_settle = can_settle
        self.is_sure = False

    async def settle(self) -> None:
        if not self.can_settle:
            raise refuse("SERVICE_UNAVAILABLE", "It is not known which policy is in force.")
        self.is_sure = True

    def may_see(self, _: Principal) -> frozenset[str] | None:
        return None if self.is_sure else frozenset()


async def _busy(request: Request) -> JSONResponse:
    told = {"code": "OVERLOADED", "title": "Too busy", "status": 503, "detail": "Try again."}
    told |= {"retryable": True, "retryAfter": 1.5}
    return JSONResponse({"errors": [{"extensions": {"problem": told}}]})


@asynccontextmanager
async def visiting(policy: Policy, answer: Answer = _busy) -> AsyncIterator[httpx.AsyncClient]:
    """Olga's browser before a console whose API gives this ``answer``."""

    async def authenticate(_: str | None) -> Principal:
        return OLGA

    async def valid_for(_: str | None) -> float | None:
        return None

    api = Starlette()
    api.add_route("/graphql", answer, methods=["POST"])
    desk = Desk(
        graphql=api,
        evidence=api,
        authenticate=authenticate,
        valid_for=valid_for,
        may_see=policy.may_see,
        settle=policy.settle,
        clock=SystemClock(),
    )
    transport = httpx.ASGITransport(Starlette(routes=console_routes(desk)))
    cookie = {"cookie": f"gateway_session={TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://console", headers=cookie
    ) as client:
        yield client


async def look(policy: Policy) -> httpx.Response:
    async with visiting(policy) as client:
        return await client.get("/console/inbox")


@pytest.mark.parametrize(("can_settle", "told"), [(True, "Too busy"), (False, "not known which")])
def test_a_page_offers_nothing_before_policy_is_sure(can_settle: bool, told: str) -> None:
    page = asyncio.run(look(Policy(can_settle=can_settle)))
    assert page.status_code == 503
    assert told in page.text
    assert page.headers["refresh"] == ("2" if can_settle else "3")
    assert "tries again by itself" in page.text
    assert "Your roles let you decide no approvals" not in page.text


DECIDED = {"executionId": "exec_a", "stepId": "s", "status": "APPROVED", "decided": True}
DONE = {
    "Decide": {"controlPlaneApprovalDecide": {"results": [DECIDED]}},
    "BreakGlass": {"controlPlaneExecutionBreakGlass": {}},
    "PolicyActivate": {"policyChangesetActivate": {}},
}


async def _busy_afterwards(request: Request) -> JSONResponse:
    """Takes what is done, and has no room for questions."""
    done = DONE.get((await request.json())["operationName"])
    return JSONResponse({"data": done}) if done else await _busy(request)


@pytest.mark.parametrize(
    ("place", "form", "told"),
    [
        ("inbox", {"request": "exec_a.s", "action": "approve"}, "exec_a: Approved; the run goes"),
        ("inbox", {"request": "exec_a.s", "action": "break-glass"}, "exec_a: Approved; the run"),
        ("policies/changes/chg_a", {"do": "activate"}, "It is in force now."),
    ],
)
def test_what_was_done_is_told_also_where_its_page_cannot_be_had(
    place: str, form: dict[str, str], told: str
) -> None:
    async def send() -> httpx.Response:
        async with visiting(Policy(can_settle=True), _busy_afterwards) as client:
            sent = {**form, sessions.CSRF: sessions.csrf_of(TOKEN)}
            return await client.post(f"/console/{place}", data=sent)

    page = asyncio.run(send())
    assert page.status_code == 503
    assert f'role="status">{told}' in page.text
    assert "Too busy" in page.text
