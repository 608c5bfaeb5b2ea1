"""Abuse of a real server: what each request costs it, and how others fare meanwhile."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.abuse_corpus import Payload, corpus
from tests.acceptance.besieging import Bystander, Process
from tests.world import World, end_world, make_world

NOMINAL = 0.25
"""Seconds of processor time that no request may cost; a test's machine may be twice as slow."""
MOST = 2 * NOMINAL
WITHIN = 3 * 0.1
"""Seconds that one within the limits may cost, of which 0.1 s are before anything is called."""
ABOUT_THE_SCHEMA = frozenset({"the query of tools", "fields of fields"})
"""What is answered at length from the schema alone, for which nothing is called at all."""
MEGABYTE = 1024 * 1024
PAYLOADS = corpus()


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("besieged"))
    world.submit()
    yield world
    end_world(world)


@pytest.fixture(scope="module")
def process(besieged: World) -> Process:
    assert besieged.gateway.process is not None
    return Process(besieged.gateway.process.pid)


@pytest.fixture(autouse=True)
def nothing_bad_is_logged(besieged: World) -> Iterator[None]:
    before = len(besieged.gateway.log())
    yield
    assert besieged.gateway.process is not None
    assert besieged.gateway.process.poll() is None, "the server died"
    log = besieged.gateway.log()[before:]
    assert "Traceback" not in log
    assert [line for line in log.splitlines() if '"level":"error"' in line] == []


def ask(world: World, payload: Payload) -> tuple[int, set[str]]:
    """Send a payload as an administrator; the status, and the codes of the answer."""
    headers = {"authorization": f"Bearer {world.olga.token}", **payload.headers}
    if payload.method == "GET":
        headers.pop("authorization", None)
    if payload.content_type:
        headers["content-type"] = payload.content_type
    url = f"{world.gateway.url}/graphql?{payload.query_string}"
    with httpx.Client(timeout=30) as client:
        request = client.build_request(
            payload.method, url, content=payload.body or None, headers=headers
        )
        answer = client.send(request)
    return answer.status_code, codes_of(answer)


def codes_of(answer: httpx.Response) -> set[str]:
    with contextlib.suppress(ValueError, TypeError):
        body: Any = answer.json()
        return {entry["extensions"]["code"] for entry in body.get("errors", ())} | {
            body["code"] for _ in "1" if "code" in body
        }
    return set()


def cost_of(process: Process, act: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time that ``act`` costs the server, and what it gives; the least of three where
    it is much, since timers and the collector of garbage take their share at any time."""
    least, given = float("inf"), None
    for _ in range(3):
        before = process.seconds()
        given = act()
        least = min(least, process.seconds() - before)
        if least <= NOMINAL / 2:
            break
    return least, given


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len({payload.name for payload in PAYLOADS}) == len(PAYLOADS) >= 60


@pytest.mark.timeout(300)
def test_no_abusive_request_costs_much_or_breaks_anything(
    besieged: World, process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(besieged, PAYLOADS[0])  # what is made at the first request is made
    memory, wrong = process.memory(), []
    costs: dict[str, float] = {}
    within: dict[str, float] = {}
    bystander = Bystander(besieged.gateway.caller("olga", "admin"))
    for payload in PAYLOADS:
        costs[payload.name], (status, codes) = cost_of(process, lambda p=payload: ask(besieged, p))
        if status not in payload.statuses or (payload.codes and not codes & set(payload.codes)):
            wrong.append((payload.name, status, sorted(codes)))
        if status < 300 and payload.name not in ABOUT_THE_SCHEMA:
            within[payload.name] = costs[payload.name]
    with bystander.asking():
        for payload in PAYLOADS:
            ask(besieged, payload)
    grown = (process.memory() - memory) / MEGABYTE
    dearest = sorted(costs.items(), key=lambda item: -item[1])[:5]
    told = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in dearest)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what one runs this for
            f"\n{len(PAYLOADS)} abusive requests; the dearest, in ms of processor time: {told}; "
            f"memory +{grown:.0f} MB; another client meanwhile: {bystander.told()}"
        )
    assert not wrong, "\n".join(map(str, wrong))
    assert {name: cost for name, cost in costs.items() if cost > MOST} == {}
    assert {name: cost for name, cost in within.items() if cost > WITHIN} == {}
    assert len(within) > 10
    assert bystander.failures == []
    assert grown < 150
