"""The contracts in the console over HTTP: the list, a reference, and its example call."""

import html
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import refund
from tests.processes import Caller
from tests.world import World

CONTRACTS = "/console/contracts"
REFUND = f"{CONTRACTS}/support.refund.issue@1.0.0"
LOOKUP = f"{CONTRACTS}/support.order.lookup@1.0.0"


class Page:
    """A page as it came: what it says, and where its links lead."""

    def __init__(self, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, answer.text
        assert len(answer.content) < 200_000
        self.answer = answer
        self.text = " ".join(html.unescape(text_of(answer)).split())
        self.links = [
            html.unescape(one) for one in re.findall(r'<a [^>]*href="(.*?)"', answer.text)
        ]

    @property
    def contracts(self) -> list[str]:
        """The pages of contracts to which it links."""
        return [link for link in self.links if "@" in link]


class Visitor(Browser):
    """Somebody who is signed in."""

    def see(self, path: str, status: int = 200) -> Page:
        return Page(self.get(path), status)

    def run(self, path: str, variables: str, status: int = 200) -> Page:
        """Send the form of the example call, with these variables."""
        page = self.get(path)
        return Page(self.send(page, f"{path}#example", variables=variables), status)


def visitor(world: World, who: Caller) -> Iterator[Visitor]:
    made = Visitor(world.gateway.url)
    with made:
        made.sign_in(who.token)
        yield made


@pytest.fixture(scope="module")
def olga(world: World) -> Iterator[Visitor]:
    yield from visitor(world, world.olga)


@pytest.fixture(scope="module")
def agent(world: World) -> Iterator[Visitor]:
    yield from visitor(world, world.agent)


def test_the_list_shows_what_the_visitor_may_call_and_is_narrowed(
    olga: Visitor, agent: Visitor
) -> None:
    assert REFUND in agent.see(f"{CONTRACTS}?domain=support").contracts
    assert f"{CONTRACTS}/policy.role.list@1.0.0" not in agent.see(CONTRACTS).contracts
    narrowed = olga.see(f"{CONTRACTS}?text=ORDER&kind=QUERY&domain=support&risk=LOW&tag=")
    assert narrowed.contracts == [LOOKUP]
    assert "1 contract." in narrowed.text


def test_what_an_address_says_is_escaped_and_choices_that_are_none_are_passed_over(
    olga: Visitor,
) -> None:
    page = olga.see(f"{CONTRACTS}?kind=<b>&text=%22><script>x&offset=-1&risk=low")
    assert "Show all." in page.text
    assert "<script>x" not in page.answer.text
    assert len(olga.see(f"{CONTRACTS}?offset=%C2%B2&kind=<b>").contracts) == 50


def test_the_list_is_read_page_by_page(olga: Visitor) -> None:
    first = olga.see(f"{CONTRACTS}?risk=LOW")
    (more,) = [link for link in first.links if "offset=50" in link]
    second = olga.see(more)
    assert len(first.contracts) == 50
    assert set(first.contracts).isdisjoint(second.contracts)
    assert f"{CONTRACTS}?risk=LOW&offset=0" in second.links
    for beyond in ("9" * 17, "9" * 5_000):
        assert olga.see(f"{CONTRACTS}?offset={beyond}").contracts == []


def test_a_reference_tells_what_the_contract_says(olga: Visitor, agent: Visitor) -> None:
    page = olga.see(REFUND)
    for part in (
        "Issue refund",
        "High risk",
        "Personal data: contact",
        "ORDER_NOT_FOUND",
        "support.refund.issued@1.0.0",
        "Do it for real, in workspace acme",
        "http://support.internal",
    ):
        assert part in page.text
    assert f"{CONTRACTS}/support.refund.reverse@1.0.0" in page.links
    assert "support.internal" not in agent.see(REFUND).text
    hidden = agent.see(f"{CONTRACTS}/policy.role.list@1.0.0", 404)
    assert "There is no such contract for you" in hidden.text


def test_the_example_of_a_query_is_run_as_the_visitor(agent: Visitor) -> None:
    assert "Do it for real" not in agent.see(LOOKUP).text
    answer = agent.run(LOOKUP, '{"input": {"orderId": "o-1001"}}')
    assert "It answered." in answer.text
    assert '"customerEmail": "a•••@•••"' in answer.text
    gone = agent.run(LOOKUP, '{"input": {"orderId": "o-0"}}')
    assert "It was refused" in gone.text
    assert "ORDER_NOT_FOUND" in gone.text


def test_the_example_names_the_visitor_where_a_contract_asks_who_acts(olga: Visitor) -> None:
    assert '"cancelledBy": "olga"' in olga.see(f"{CONTRACTS}/controlPlane.execution.cancel").text
    assert '"workspaceId": "acme"' in olga.see(f"{CONTRACTS}/controlPlane.intent.submit").text


@pytest.mark.parametrize(
    "variables",
    [
        "[1]",
        "{",
        "[" * 15_000,
        '"x"',
        '{"x": "\\ud800"}',
        f'{{"x": {"9" * 30}}}',
        '{"x": 1, "x": 2}',
        '{"x": NaN}',
        '{"x": 1e999}',
    ],
    ids=["list", "half", "deep", "text", "surrogate", "number", "twice", "nan", "endless"],
)
def test_variables_that_are_no_object_are_refused_and_kept(agent: Visitor, variables: str) -> None:
    answer = agent.run(LOOKUP, variables, 400)
    assert "are no JSON object" in answer.text
    assert variables in answer.text


def test_a_form_from_elsewhere_runs_nothing(world: World, olga: Visitor) -> None:
    sent = {"variables": "{}", "csrf": "made-up", "sure": "yes"}
    assert "FORBIDDEN" in Page(olga.post(REFUND, sent), 403).text
    assert world.service.effects("refund") == []


def test_a_command_is_run_only_when_meant_and_once_for_a_form(world: World, olga: Visitor) -> None:
    value = json.dumps({"input": {"orderId": "o-1001", "amount": 3, "currency": "EUR"}})
    assert "Nothing was done." in olga.run(REFUND, value, 400).text
    assert world.service.effects("refund") == []
    form = olga.form(olga.get(REFUND), f"{REFUND}#example")
    for _ in range(2):  # the second is what a browser sends when the page is loaded again
        sent = olga.post(REFUND, {**form, "variables": value, "sure": "yes"})
        assert "It answered." in Page(sent, 200).text
    assert len(world.service.effects("refund")) == 1


def test_recent_executions_are_those_that_the_visitor_may_see(
    world: World, olga: Visitor, agent: Visitor
) -> None:
    run = world.run([refund(5)])
    world.wait(run["executionId"], "COMPLETED")
    link = f"/console/executions/{run['executionId']}"
    for who, title in ((olga, "Recent executions"), (agent, "Your recent executions")):
        page = who.see(REFUND)
        assert title in page.text
        assert link in page.links
    strangers = (
        world.gateway.caller("sam", "user"),
        world.gateway.caller("olga", "admin", workspace="globex"),
    )
    for stranger in strangers:
        for who in visitor(world, stranger):
            assert link not in who.see(REFUND).links
