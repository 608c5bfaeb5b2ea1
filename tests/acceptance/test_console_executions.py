"""The executions of the console over real HTTP, without scripts."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import ended, lookup, refund, reply, verified, waiting
from tests.processes import Caller, JsonObject
from tests.world import World, wait_until

LIST = "/console/executions"
NASTY = """</blockquote><script>alert("x")</script>' onfocus='alert(1)"""


@contextmanager
def opened(who: Caller) -> Iterator[Browser]:
    """A browser whose session is that of ``who``."""
    with Browser(who.server.url) as browser:
        browser.cookies["gateway_session"] = who.token or ""
        yield browser


@pytest.fixture
def olga(world: World) -> Iterator[Browser]:
    with opened(world.olga) as browser:
        yield browser


def look(browser: Browser, path: str, status: int = 200) -> httpx.Response:
    page = browser.get(path)
    assert page.status_code == status, page.text
    assert len(page.content) < 200_000
    return page


def page_of(browser: Browser, run: JsonObject, query: str = "") -> httpx.Response:
    return look(browser, f"{LIST}/{run['executionId']}{query}")


def do(browser: Browser, run: JsonObject, action: str, **filled: str) -> httpx.Response:
    """Send the dialog of an action of the page."""
    form = browser.form(page_of(browser, run), "", action=action)
    return browser.post(f"{LIST}/{run['executionId']}", {**form, **filled})


def offered(page: httpx.Response) -> set[str]:
    """The actions that a page offers."""
    return set(re.findall(r'data-opens="do-(\w+)"', page.text))


# --- the list


def test_the_list_is_narrowed_by_status_and_found_by_id(world: World, olga: Browser) -> None:
    run = world.run([lookup()])
    assert ended(world, run) == "COMPLETED"
    done, running = (look(olga, f"{LIST}?status={one}") for one in ("COMPLETED", "PAUSED"))
    place = f'href="{LIST}/{run["executionId"]}"'
    assert place in done.text
    assert place not in running.text
    assert "agent-7" in text_of(done)
    found = olga.get(f"{LIST}?id={run['executionId']}")
    assert (found.status_code, found.headers["location"]) == (303, f"{LIST}/{run['executionId']}")


def test_an_id_leads_nowhere_else(world: World, olga: Browser) -> None:
    found = olga.get(f"{LIST}?id=../../graphql%3Fx")
    assert found.headers["location"] == f"{LIST}/..%2F..%2Fgraphql%3Fx"
    assert look(olga, f"{LIST}/exec_none", 404).text.count("<h1>") == 1


@pytest.mark.parametrize("query", ["status=NONE", "from=-1", "from=99999", "from=x&status=FAILED"])
def test_odd_addresses_show_a_list(world: World, olga: Browser, query: str) -> None:
    look(olga, f"{LIST}?{query}")


def test_requesters_see_their_own_and_what_they_may_do(world: World) -> None:
    uma = world.gateway.caller("uma", "user", "planner")
    planned = world.compile([lookup()], who=uma, submitter=uma)
    other = world.submit()
    with opened(uma) as browser:
        listed = look(browser, LIST).text
        assert planned["executionId"] in listed
        assert other["executionId"] not in listed
        page = page_of(browser, planned)
        assert "support.order.lookup@1.0.0" in page.text
        assert offered(page) == {"verify"}
        assert 'id="timeline"' not in page.text
        look(browser, f"{LIST}/{other['executionId']}", 404)
    with opened(world.gateway.caller("nobody", "stranger")) as browser:
        assert look(browser, LIST, 403).text.count("FORBIDDEN") == 1


# --- one execution


def test_an_execution_shows_its_plan_as_a_graph_and_as_a_list(world: World, olga: Browser) -> None:
    steps = [
        lookup(),
        {
            "key": "refund", "contract": "support.refund.issue",
            "input": {
                "orderId": "o-1004", "amount": 250, "currency": "EUR",
                "customerEmail": {"$from": "order.customerEmail"},
            },
        },
        reply("Done", dependsOn=["refund"]),
    ]  # fmt: skip
    run = waiting(world, steps)
    page = page_of(olga, run)
    boxes = re.findall(r'<a class="step (\w+)[^>]*>\s*<title>([^<]*)</title>', page.text)
    assert boxes == [
        ("good", "order: Completed, support.order.lookup@1.0.0"),
        ("warn", "refund: Waiting approval, support.refund.issue@1.0.0, a person is asked"),
        ("plain", "reply: Planned, support.customer.reply@1.0.0"),
    ]
    lines = re.findall(r'<g class="(flow[^"]*)"><title>([^<]*)</title>', page.text)
    assert lines == [
        ("flow pii", "order to refund: customerEmail (personal data)"),
        ("flow", "refund to reply: order only"),
    ]
    assert "Personal data flows from order to refund (customerEmail)." in text_of(page)
    assert "from order.customerEmail" not in text_of(page)  # people decide on what it came to
    assert "masked for you" in text_of(page)
    with opened(world.fiona) as fiona:  # who sees no trace
        assert (
            re.findall(r'<g class="(flow[^"]*)"><title>([^<]*)', page_of(fiona, run).text) == lines
        )
    assert "Step refund" in text_of(page)  # what waits is shown first
    assert "250.00 EUR" in text_of(page)
    order = text_of(page_of(olga, run, "?step=order"))
    assert "Step order" in order
    assert re.search(r"took \d+ ms", order)
    assert re.search(r"1 ✓ Completed (now|.* ago) key_", order)  # its attempt
    assert "personal data masked for you" in order
    do_cancel(world, run)


def do_cancel(world: World, run: JsonObject) -> None:
    value = {"executionId": run["executionId"], "cancelledBy": "olga"}
    world.olga.mutate("controlPlaneExecutionCancel", "status", value)


def test_the_timeline_says_what_happened_in_order(world: World, olga: Browser) -> None:
    run = waiting(world, [lookup(), refund(251, dependsOn=["order"])])
    rows = re.search(r'<table class="timeline">.*?</table>', page_of(olga, run).text, re.S)
    assert rows
    told = text_of(httpx.Response(200, text=rows[0]))
    order = [
        "Asked for",
        "Plan compiled",
        "Plan verified: assist",
        "Run started in mode autonomous",
        "order : Attempt 1 begun",
        "order : Completed at attempt 1",
        "refund : Approval asked of the role approver",
        "Run waits: waiting approval",
    ]
    places = [told.index(one) for one in order]
    assert places == sorted(places)
    do_cancel(world, run)


def test_what_callers_wrote_is_text_and_never_markup(world: World) -> None:
    intent = world.submit(text=NASTY)
    named = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    odd = [{**lookup(order=NASTY)}]
    world.agent.mutate("controlPlanePlanCompile", "planId", {**named, "draft": {"steps": odd}})
    with opened(world.gateway.caller("rita", "admin", "pii.reader")) as rita:
        page = page_of(rita, intent)
        missing = look(rita, f"{LIST}/{intent['executionId']}?step=%3Cscript%3Ealert(1)")
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in page.text
    for one in (page, missing):
        assert "<script>alert" not in one.text
        assert "' onfocus='" not in one.text


def test_the_intent_is_masked_for_most(world: World, olga: Browser) -> None:
    intent = world.submit(text="Refund Ada Lovelace")
    page = page_of(olga, intent)
    assert "Lovelace" not in page.text
    assert "masked for you" in page.text
    assert "There is no plan yet" in page.text


def test_a_large_plan_is_a_list_within_bounds(world: World, olga: Browser) -> None:
    plain = [lookup(f"a-step-with-a-long-name-{n}") for n in range(400)]
    planned = world.compile(plain)
    page = page_of(olga, planned)
    assert "too many to be drawn" in page.text
    assert "<svg" not in page.text
    assert "The first 250 of 400 steps are listed" in page.text
    chosen = page_of(olga, planned, "?step=a-step-with-a-long-name-399")
    assert "Step a-step-with-a-long-name-399" in text_of(chosen)


def test_approvers_see_the_plan_and_decide_there(world: World) -> None:
    run = waiting(world, [refund(252)])
    with opened(world.fiona) as fiona:
        page = page_of(fiona, run)
        assert "<svg" in page.text
        assert offered(page) == set()
        form = fiona.form(page, "", action="approve")
        answer = fiona.post(f"{LIST}/{run['executionId']}", {**form, "note": "Seen."})
    assert "Issue refund · 252.00 EUR : Approved; the run goes on." in text_of(answer)
    assert ended(world, run) == "COMPLETED"


# --- acting


def test_only_what_would_succeed_is_offered_with_what_it_does(world: World, olga: Browser) -> None:
    run = waiting(world, [refund(253)])
    page = page_of(olga, run)
    assert offered(page) == {"pause", "shutdown", "cancel", "abort", "export"}
    assert "Then: CANCELLED; open requests become void." in text_of(page)
    paused = do(olga, run, "pause", reason="Looking into it.")
    assert 'role="status">Pause: done. The execution is PAUSED.' in paused.text
    assert offered(paused) == {"resume", "shutdown", "cancel", "abort", "export"}
    do(olga, run, "resume")
    stale = do_stale(olga, run)
    assert (stale.status_code, 'role="alert"' in stale.text) == (409, True)
    assert "Cancel: done. The execution is CANCELLED." in do(olga, run, "cancel").text


def do_stale(browser: Browser, run: JsonObject) -> httpx.Response:
    """A form of a page that is not up to date: the run is not paused."""
    form = browser.form(page_of(browser, run), "", action="pause")
    return browser.post(f"{LIST}/{run['executionId']}", {**form, "action": "resume"})


def test_a_form_that_is_sent_again_steers_nothing_again(world: World, olga: Browser) -> None:
    run = waiting(world, [refund(411)])
    place = f"{LIST}/{run['executionId']}"
    do(olga, run, "pause")
    form = olga.form(page_of(olga, run), "", action="resume")
    assert "Resume: done." in olga.post(place, form).text
    do(olga, run, "pause")  # somebody found a reason to
    assert olga.post(place, form).status_code == 200  # the page was loaded anew
    assert world.execution(run["executionId"])["status"] == "PAUSED"
    do(olga, run, "resume")
    world.wait(run["executionId"], "WAITING_APPROVAL")


def test_a_plan_is_verified_and_started_in_a_mode(world: World, olga: Browser) -> None:
    planned = world.compile([lookup()])
    assert "The plan is verified: autonomous." in do(olga, planned, "verify").text
    started = do(olga, planned, "start", mode="ASSIST")
    assert "Start: done. The execution is RUNNING." in started.text
    assert ended(world, planned) == "COMPLETED"
    assert "olga, mode assist" in text_of(page_of(olga, planned))


def test_a_step_of_unknown_outcome_is_settled(world: World, olga: Browser) -> None:
    world.service.fault("/tickets/*/replies", "cut", after_effect=True)
    run = world.run([reply("settle me")])
    world.wait(run["executionId"], "UNRESOLVED")
    world.service.clear_faults()
    known = {"note": "The mail is in the outbox.", "outcome": "DONE"}
    bad = do(olga, run, "reconcile", **known, output="{")
    assert bad.status_code == 422
    assert "The output is no JSON" in bad.text
    twice = do(olga, run, "reconcile", **known, output='{"replyId": "r-1", "replyId": "r-2"}')
    assert "The output is no JSON" in twice.text
    assert do(olga, run, "reconcile", **known, attempt="9" * 30).status_code < 500
    done = do(olga, run, "reconcile", **known, output='{"replyId": "r-1", "status": "SENT"}')
    assert "The step is COMPLETED" in done.text
    assert ended(world, run) == "COMPLETED"


def test_a_compensation_leads_to_the_execution_that_undoes(world: World, olga: Browser) -> None:
    nowhere = {"orderId": "o-none", "amount": 5, "currency": "EUR"}
    more = {"key": "more", "contract": "support.refund.issue", "input": nowhere}
    run = world.run([refund(1.37), {**more, "dependsOn": ["refund"]}])
    world.wait(run["executionId"], "FAILED")
    answer = do(olga, run, "compensate")
    undoing = re.search(r"Execution (exec_\w+) undoes 1 steps", answer.text)
    assert undoing
    assert f'href="{LIST}/{run["executionId"]}"' in look(olga, f"{LIST}/{undoing[1]}").text


def test_a_run_in_a_lane_says_what_it_lacks_and_is_approved(world: World, olga: Browser) -> None:
    intent = world.submit()
    named = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    draft = {"steps": [lookup()], "lane": "complete.persistent"}
    plan = world.agent.mutate("controlPlanePlanCompile", "planId", {**named, "draft": draft})
    run = {**named, **plan}
    do(olga, run, "verify")
    do(olga, run, "start")
    reach_the_gate(world, run)
    shown = text_of(page_of(olga, run))
    assert "Lacks " in shown
    assert "Awaits the approval of verifier" in shown
    for kind, key in (
        ("ARTIFACT", "completion_record"), ("ARTIFACT", "progress_ledger"),
        ("ARTIFACT", "signoff_record"), ("EVIDENCE", "verification_results"),
    ):  # fmt: skip
        item = {"executionId": run["executionId"], "kind": kind, "key": key, "content": {"is": 1}}
        world.olga.mutate("controlPlaneEvidenceAttach", "key", {**item, "attachedBy": "olga"})
    assert "approve-lane" not in page_of(olga, run).text  # she is no verifier
    with opened(world.gateway.caller("vera", "verifier")) as vera:
        form = vera.form(page_of(vera, run), "", action="approve-lane")
        answer = vera.post(f"{LIST}/{run['executionId']}", {**form, "role": "verifier"})
    assert "The lane is approved; the run is READY." in answer.text
    assert ended(world, run) == "COMPLETED"


def reach_the_gate(world: World, run: JsonObject) -> None:
    """Wait until the steps of a run are done, so that only its lane keeps it."""
    wait_until(lambda: world.step(run["executionId"], "order")["status"] == "COMPLETED", 10)


@pytest.mark.parametrize("action", ["", "delete", "Cancel", "reconcile", "approve"])
def test_an_action_that_there_is_not_changes_nothing(
    world: World, olga: Browser, action: str
) -> None:
    planned = verified(world, [lookup()])
    page = page_of(olga, planned)
    form = {"csrf": olga.form(page, "/console/sign-out")["csrf"], "action": action}
    answer = olga.post(f"{LIST}/{planned['executionId']}", form)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert world.execution(planned["executionId"])["status"] == "VERIFIED"


def test_a_form_without_the_proof_of_its_session_does_nothing(world: World, olga: Browser) -> None:
    planned = verified(world, [lookup()])
    form = {**olga.form(page_of(olga, planned), "", action="cancel"), "csrf": "x"}
    assert olga.post(f"{LIST}/{planned['executionId']}", form).status_code == 403
    assert world.execution(planned["executionId"])["status"] == "VERIFIED"


# --- replay and evidence


def test_a_replay_says_that_nothing_differs(world: World, olga: Browser) -> None:
    planned = verified(world, [lookup()])
    page = page_of(olga, planned)
    assert f'href="{LIST}/{planned["executionId"]}/replay"' in page.text
    told = text_of(look(olga, f"{LIST}/{planned['executionId']}/replay"))
    assert "Nothing differs" in told
    assert planned["deterministicHash"] in told
    with opened(world.fiona) as fiona:
        look(fiona, f"{LIST}/{planned['executionId']}/replay", 403)


def test_evidence_is_exported_and_downloaded_by_who_may(world: World, olga: Browser) -> None:
    run = world.run([lookup()])
    assert ended(world, run) == "COMPLETED"
    place = f"{LIST}/{run['executionId']}/evidence"
    assert "evidence" in look(olga, place, 404).text  # nothing was exported yet
    answer = do(olga, run, "export")
    assert "Evidence bundle 1 of this run is made" in answer.text
    assert f'href="{place}"' in answer.text
    file = olga.get(place)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
    assert file.headers["content-disposition"].startswith("attachment;")
    assert zipfile.ZipFile(io.BytesIO(file.content)).testzip() is None
    with opened(world.fiona) as fiona:
        look(fiona, place, 403)
    look(olga, f"{LIST}/{verified(world, [lookup()])['executionId']}/evidence", 404)


def test_executions_of_another_workspace_are_not_there(world: World) -> None:
    planned = world.compile([lookup()])
    with opened(world.gateway.caller("olga", "admin", workspace="beta")) as other:
        for more in ("", "/replay", "/evidence"):
            look(other, f"{LIST}/{planned['executionId']}{more}", 404)
