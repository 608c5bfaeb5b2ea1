"""The inbox of the console over real HTTP, without scripts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import (
    CANCEL,
    approve,
    cancel_subscription,
    ended,
    lookup,
    refund,
    reply,
    waiting,
)
from tests.processes import Caller, JsonObject
from tests.world import World

INBOX = "/console/inbox"
NASTY = """</h2><script>alert("x")</script>' onfocus='alert(1)"""


@contextmanager
def opened(who: Caller) -> Iterator[Browser]:
    """A browser whose session is that of ``who``."""
    with Browser(who.server.url) as browser:
        browser.cookies["gateway_session"] = who.token or ""
        yield browser


@pytest.fixture
def fiona(world: World) -> Iterator[Browser]:
    with opened(world.fiona) as browser:
        yield browser


def named(run: JsonObject) -> str:
    return f"{run['executionId']}.{run['stepId']}"


def look(browser: Browser, path: str = INBOX, status: int = 200) -> httpx.Response:
    page = browser.get(path)
    assert page.status_code == status, page.text
    assert len(page.content) < 200_000
    return page


def card(page: httpx.Response, run: JsonObject) -> str:
    """The markup of one request, empty where the page does not show it."""
    found = re.search(
        rf'<article class="card request" id="request-{named(run)}".*?</article>', page.text, re.S
    )
    return found[0] if found else ""


def said(markup: str) -> str:
    return text_of(httpx.Response(200, text=markup))


def send(
    browser: Browser, page: httpx.Response, run: JsonObject, action: str, note: str = ""
) -> httpx.Response:
    """Fill in the dialog of a request and send it."""
    form = browser.form(page, "", request=named(run), action=action)
    return browser.post(INBOX, {**form, "note": note})


# --- what is shown


def test_a_request_says_who_asks_what_would_happen_why_and_what_hangs_on_it(
    world: World, fiona: Browser
) -> None:
    steps = [lookup(), refund(1250.5, dependsOn=["order"]), reply("Done", dependsOn=["refund"])]
    run = waiting(world, steps)
    shown = said(card(look(fiona), run))
    assert "Issue refund" in shown
    assert "High risk" in shown
    assert "To return money that a customer is owed, exactly once." in shown
    assert "1,250.50 EUR" in shown
    assert "Asked by agent-7" in shown
    assert "needs the approval of a person with the role approver" in shown
    assert re.search(
        r"if amount &gt; 100 ?, the call waits for 1 person .* verdict\.csv:\d+", shown
    )
    assert "/console/policies/rule" not in card(look(fiona), run)  # approvers may read no rules
    assert re.search(r"Ran before order ✓ Completed", shown)
    assert "Then come reply" in shown
    assert "expires in 23 hours" in shown
    assert ended(world, decided(world, run)) == "COMPLETED"


def decided(world: World, run: JsonObject) -> JsonObject:
    approve(world.fiona, "fiona", run)
    return run


def test_the_riskiest_and_then_the_oldest_come_first(world: World, fiona: Browser) -> None:
    medium, high, later = (
        waiting(world, [cancel_subscription()]),
        waiting(world, [refund(301)]),
        waiting(world, [refund(302)]),
    )
    page = look(fiona).text
    places = [page.index(f"request-{named(run)}") for run in (high, later, medium)]
    assert places == sorted(places)
    for run in (medium, high, later):
        ended(world, decided(world, run))


def test_who_brought_it_about_is_not_asked_but_sees_that_it_waits(world: World) -> None:
    run = waiting(world, [refund(303)])
    with opened(world.olga) as olga:  # she started it
        assert card(look(olga), run) == ""
        shown = card(look(olga, f"{INBOX}?show=pending"), run)
    assert "others must approve it" in said(shown)
    assert f'data-opens="reject-{named(run)}"' in shown
    assert f'data-opens="approve-{named(run)}"' not in shown
    ended(world, decided(world, run))


def refund_for(email: str) -> JsonObject:
    step = refund(304)
    return {**step, "input": {**step["input"], "customerEmail": email}}


def test_personal_data_is_masked_for_most_and_shown_as_such_to_who_may_see_it(
    world: World, fiona: Browser
) -> None:
    run = waiting(world, [refund_for("ada@lovelace.example")])
    masked = card(look(fiona), run)
    assert "lovelace" not in masked
    assert "masked for you" in masked
    reader = world.gateway.caller("rita", "user", "approver", "pii.reader")
    with opened(reader) as rita:
        raw = said(card(look(rita), run))
    assert "customerEmail ada@lovelace.example personal data" in raw
    assert "masked for you" not in raw
    ended(world, decided(world, run))


def test_what_callers_wrote_is_text_and_never_markup(world: World) -> None:
    odd = {"ticketId": NASTY, "body": NASTY}
    steps = [{"key": "reply", "contract": "support.customer.reply", "input": odd}]
    run = world.run(steps, mode="ASSIST")
    world.wait(run["executionId"], "WAITING_APPROVAL")
    (asked,) = world.approvals(run["executionId"])
    reader = world.gateway.caller("rita", "user", "approver", "pii.reader")
    with opened(reader) as rita:
        page = look(rita)
        assert "<script>alert" not in page.text
        assert "' onfocus='" not in page.text
        assert page.text.count("&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;") >= 2
        answer = send(rita, page, {**run, **asked}, "reject", NASTY)
        assert "<script>alert" not in answer.text
        rejected = look(rita, f"{INBOX}?show=decided&status=REJECTED")
    assert "<script>alert" not in rejected.text
    assert re.search("Rejected by rita [^:]*: &lt;/h2&gt;", said(rejected.text))


def test_whoever_decides_nothing_is_told_so(world: World) -> None:
    with opened(world.gateway.caller("uma", "user")) as uma:
        assert "Your roles let you decide no approvals" in look(uma).text
        token = look(uma).text.split('name="csrf" value="')[1].split('"')[0]
        refused = uma.post(INBOX, {"csrf": token, "request": "exec_a.step_b", "action": "approve"})
    assert "Your roles let you decide no approvals" in refused.text


@pytest.mark.parametrize(
    "query", ["from=-1", "from=99999999999999", "from=7", "show=x", "show=decided&status=NONE"]
)
def test_odd_addresses_show_a_page(world: World, fiona: Browser, query: str) -> None:
    look(fiona, f"{INBOX}?{query}")


# --- deciding


def test_an_approval_lets_the_run_go_on_and_says_so(world: World, fiona: Browser) -> None:
    run = waiting(world, [refund(305)])
    answer = send(fiona, look(fiona), run, "approve", "Looked at the photos.")
    assert answer.status_code == 200
    assert "Issue refund · 305.00 EUR : Approved; the run goes on." in text_of(answer)
    assert ended(world, run) == "COMPLETED"
    shown = said(card(look(fiona, f"{INBOX}?show=decided"), run))
    assert "Used" in shown
    assert re.search(r"Approved by fiona (now|.* ago) ?: Looked at the photos\.", shown)


def test_a_rejection_needs_a_reason_and_ends_the_run(world: World, fiona: Browser) -> None:
    run = waiting(world, [refund(306)])
    page = look(fiona)
    silent = send(fiona, page, run, "reject")
    assert silent.status_code == 422
    assert 'role="alert"' in silent.text
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    answer = send(fiona, page, run, "reject", "Paid back already.")
    assert "Rejected; the run ends." in answer.text
    assert ended(world, run) == "REJECTED"
    shown = said(card(look(fiona, f"{INBOX}?show=decided&status=REJECTED"), run))
    assert re.search(r"Rejected by fiona (now|.* ago) ?: Paid back already\.", shown)
    late = send(fiona, page, run, "approve")
    assert "fiona rejected it meanwhile: Paid back already." in text_of(late)


def test_a_decision_that_somebody_else_took_meanwhile_says_who(
    world: World, fiona: Browser
) -> None:
    run = waiting(world, [refund(307)])
    page = look(fiona)
    with opened(world.gateway.caller("gus", "user", "approver")) as gus:
        send(gus, look(gus), run, "approve")
    ended(world, run)
    late = send(fiona, page, run, "reject", "Not owed.")
    assert "gus approved it already." in text_of(late)
    assert 'role="alert"' in late.text
    assert card(late, run) == ""


def test_a_request_that_became_void_says_why(world: World, fiona: Browser) -> None:
    run = waiting(world, [refund(308)])
    page = look(fiona)
    value = {"executionId": run["executionId"], "cancelledBy": "olga", "reason": "Not wanted."}
    world.olga.mutate(*CANCEL, value)
    late = send(fiona, page, run, "approve")
    assert "became void meanwhile. The execution became CANCELLED." in text_of(late)
    shown = said(card(look(fiona, f"{INBOX}?show=decided&status=VOID"), run))
    assert "Void because The execution became CANCELLED." in shown


def test_a_decision_that_was_sent_twice_counts_once(world: World, fiona: Browser) -> None:
    run = waiting(world, [refund(309)])
    page = look(fiona)
    first, second = (send(fiona, page, run, "approve") for _ in range(2))
    assert "Approved; the run goes on." in first.text
    assert "fiona approved it already." in text_of(second)
    assert ended(world, run) == "COMPLETED"


def test_breaking_the_glass_takes_the_role_and_a_reason(world: World, fiona: Browser) -> None:
    run = waiting(world, [refund(310)])
    assert "Break the glass" not in card(look(fiona), run)
    with opened(world.gateway.caller("betty", "break-glass")) as betty:
        page = look(betty, f"{INBOX}?show=pending")
        short = send(betty, page, run, "break-glass", "now!")
        assert (short.status_code, "at least 10 characters" in short.text) == (422, True)
        done = send(betty, page, run, "break-glass", "The customer is in distress.")
        assert "Approved; the run goes on." in done.text
    assert ended(world, run) == "COMPLETED"
    shown = said(card(look(fiona, f"{INBOX}?show=decided"), run))
    assert "Overridden by betty" in shown


# --- many at once


def chosen(browser: Browser, *runs: JsonObject) -> httpx.Response:
    form = browser.form(look(browser), "/console/inbox/review")
    return browser.post(f"{INBOX}/review", {**form, "request": [named(run) for run in runs]})


def test_many_are_summed_up_before_they_are_sent(world: World, fiona: Browser) -> None:
    runs = [waiting(world, [refund(amount)]) for amount in (311, 312.5)]
    gone = waiting(world, [refund(313)])
    ended(world, decided(world, gone))
    review = chosen(fiona, *runs, gone)
    told = text_of(review)
    assert "Added up: amount 623.50 EUR" in told
    assert told.count("needs the approval of a person with the role approver") == 2
    assert "1 of those that you chose waits no more" in told
    assert [world.execution(run["executionId"])["status"] for run in runs] == [
        "WAITING_APPROVAL",
        "WAITING_APPROVAL",
    ]
    form = {**fiona.form(review, INBOX), "request": [named(run) for run in runs]}
    answer = fiona.post(INBOX, {**form, "action": "approve", "note": "A batch."})
    assert answer.text.count("Approved; the run goes on.") == 2
    assert [ended(world, run) for run in runs] == ["COMPLETED", "COMPLETED"]


def test_of_many_each_stands_by_itself(world: World, fiona: Browser) -> None:
    runs = [waiting(world, [refund(amount)]) for amount in (314, 315)]
    review = chosen(fiona, *runs)
    ended(world, decided(world, runs[0]))
    form = {**fiona.form(review, INBOX), "request": [named(run) for run in runs]}
    answer = fiona.post(INBOX, {**form, "action": "reject", "note": "Not owed."})
    assert "fiona approved it already." in text_of(answer)
    assert "Rejected; the run ends." in answer.text
    assert ended(world, runs[1]) == "REJECTED"


@pytest.mark.parametrize("names", [[], ["exec_a"], ["."], [f"exec_{n}.step" for n in range(51)]])
def test_a_form_that_names_no_requests_is_refused(
    world: World, fiona: Browser, names: list[str]
) -> None:
    token = fiona.form(look(fiona), "/console/sign-out")["csrf"]
    for path in (INBOX, f"{INBOX}/review"):
        answer = fiona.post(path, {"csrf": token, "request": names, "action": "approve"})
        assert answer.status_code == 400
        assert "Choose 1 to 50 requests" in answer.text


def test_who_chose_nothing_gets_back_to_the_inbox(world: World, fiona: Browser) -> None:
    token = fiona.form(look(fiona), "/console/sign-out")["csrf"]
    refused = fiona.post(f"{INBOX}/review", {"csrf": token})
    assert "Choose 1 to 50 requests" in refused.text
    (again,) = re.findall(r'href="([^"]+)">Open the page again', refused.text)
    answer = fiona.get(again)
    assert (answer.status_code, answer.headers["location"]) == (303, INBOX)


def test_a_form_without_the_proof_of_its_session_decides_nothing(
    world: World, fiona: Browser
) -> None:
    run = waiting(world, [refund(316)])
    form = fiona.form(look(fiona), "", request=named(run), action="approve")
    with opened(world.gateway.caller("gus", "user", "approver")) as gus:
        other = gus.form(look(gus), "", request=named(run), action="approve")["csrf"]
    for csrf in ("", "x", other):
        assert fiona.post(INBOX, {**form, "csrf": csrf}).status_code == 403
    assert fiona.post(INBOX, form, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    ended(world, decided(world, run))


def test_requests_of_another_workspace_are_not_there(world: World) -> None:
    run = waiting(world, [refund(317)])
    with opened(world.gateway.caller("fiona", "user", "approver", workspace="beta")) as other:
        page = look(other, f"{INBOX}?show=pending")
        assert card(page, run) == ""
        token = other.form(page, "/console/sign-out")["csrf"]
        asked = {"csrf": token, "request": named(run), "action": "approve"}
        answer = other.post(INBOX, asked)
    assert "There is no execution" in text_of(answer)
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    ended(world, decided(world, run))
