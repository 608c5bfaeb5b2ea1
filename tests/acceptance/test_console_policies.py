"""The console's pages about policy, over real HTTP and without scripts."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape
from typing import Any

import httpx
import pytest

from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import refund
from tests.acceptance.policy_people import (
    ACTIVATE,
    APPROVE,
    RESTORE,
    People,
    activation,
    add,
    allow,
    consent,
)
from tests.processes import ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world

Opened = Callable[[Caller], Browser]
LARGEST = 200_000


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("console")
    policies = folder / "policies"  # with few cases, for every draft runs them all
    shutil.copytree(ROOT / "policies", policies, ignore=shutil.ignore_patterns("*.yaml"))
    shutil.copy(ROOT / "policies" / "cases" / "roles.yaml", policies / "cases")
    world = make_world(
        folder, GATEWAY_POLICY_WORKSPACES="platform", GATEWAY_POLICY_DIR=str(policies)
    )
    yield People(world)
    end_world(world)


@pytest.fixture
def world(people: People) -> World:
    return people.world


@pytest.fixture
def opened(world: World) -> Iterator[Opened]:
    """A browser in which somebody is signed in."""
    with ExitStack() as open_browsers:

        def open_for(who: Caller) -> Browser:
            browser = open_browsers.enter_context(Browser(world.gateway.url))
            browser.cookies["gateway_session"] = who.token or ""
            return browser

        yield open_for


@pytest.fixture
def paula(people: People, opened: Opened) -> Browser:
    return opened(people.paula)


@pytest.fixture
def peter(people: People, opened: Opened) -> Browser:
    return opened(people.peter)


def looked(browser: Browser, path: str, status: int = 200) -> httpx.Response:
    """A page that is whole, and not too large."""
    answer = browser.get(f"/console/policies{path}")
    assert answer.status_code == status, answer.text
    assert len(answer.content) < LARGEST
    assert "</html>" in answer.text
    return answer


def titles(page: httpx.Response) -> list[str]:
    return [unescape(one) for one in re.findall(r"<h1>(.*?)</h1>", page.text)]


def proposed(browser: Browser, *rows: str, title: str = "A change") -> str:
    """Propose rows to be added to access.csv by the form; returns the page of the change."""
    typed: JsonObject = {"title": title, "reason": "It is needed.", "do": "send"}
    for number, row in enumerate(rows):
        typed |= {f"file-{number}": "access.csv", f"add-{number}": row}
    answer = sent(browser, NEW, typed)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0].removeprefix("/console/policies")


def done(browser: Browser, change: str, action: str, **typed: Any) -> httpx.Response:
    """Go from the change to the page that asks back, and confirm there."""
    page = looked(browser, f"{change}/confirm/{action}")
    return browser.send(page, f"/console/policies{change}", **typed)


def analyzed(browser: Browser, change: str) -> httpx.Response:
    """Ask for the analysis, and look again until it is there."""
    page = done(browser, change, "analyze")
    assert "The analysis has begun." in page.text
    deadline = time.monotonic() + 50
    while "Being analyzed" in page.text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        page = looked(browser, change)
    return page


def with_analysis(people: People, change: str) -> None:
    """An analysis that found nothing, which is quicker than a real one."""
    people.analyze({"changesetId": change.rpartition("/")[2]})


def sent(browser: Browser, place: str, typed: JsonObject) -> httpx.Response:
    """Fill in the form of the page at a place, and send it there."""
    return browser.send(browser.get(place), place, **typed)


NEW = "/console/policies/changes/new"


# --- rules, roles, and who may what


def test_rules_are_sentences_with_their_places(paula: Browser) -> None:
    page = looked(paula, "?model=VERDICT&text=refund")
    said = text_of(page)
    assert (
        "When agents, tools, services and people call support.refund.issue (where it is loaded) "
        "in any workspace, if amount &lt;= 100 , the call runs by itself."
    ) in said.replace(" .", ".")
    assert "Rules 1 to 8 of 8" in said
    places = re.findall(r"verdict\.csv:\d+</a>", page.text)
    assert len(places) == 8


def test_a_rule_tells_since_when_it_is_in_force(paula: Browser) -> None:
    listed = looked(paula, "?text=break-glass")
    address = unescape(re.findall(r'href="(/console/policies/rule[^"]*)"', listed.text)[0])
    page = paula.get(address)
    assert page.status_code == 200
    assert "since the first revision" in text_of(page)
    assert 'type="radio"' not in looked(paula, "/history").text  # there is nothing to compare
    assert "Propose a change of this row" in page.text
    assert 'href="/console/policies" aria-current="page"' in page.text
    looked(paula, "/rule?file=access.csv&line=9999", 404)
    looked(paula, "/rule?file=../secrets&line=1", 404)


def test_lists_come_in_pages_that_keep_their_filters(paula: Browser) -> None:
    page = looked(paula, "?effect=allow")
    later = unescape(re.findall(r'rel="next" href="([^"]*)"', page.text)[0])
    second = paula.get(later)
    assert "Rules 26 to 50 of" in text_of(second)
    assert re.findall(r'<option value="allow" selected>', second.text)
    assert 'rel="prev"' in second.text


def test_a_filter_that_fits_nothing_is_told_on_the_page(paula: Browser) -> None:
    assert "No rule that you see fits." in text_of(looked(paula, "?text=nothing-like-this"))
    unknown = looked(paula, "?contract=no.such.contract", 404)
    assert 'role="alert"' in unknown.text
    assert "There is no such contract" in unknown.text
    assert 'value="no.such.contract"' in unknown.text
    assert "Rules 1 to" in text_of(looked(paula, "?offset=-1&model=VERDICT"))


def test_roles_and_assignments_lead_to_one_another(paula: Browser) -> None:
    roles = looked(paula, "/roles")
    assert {"approver", "policy-author"} <= {*re.findall(r"<code>([\w-]+)</code>", roles.text)}
    held = text_of(looked(paula, "/assignments?role=approver"))
    assert "Holders of the role admin also hold the role approver in any workspace." in held


def test_permissions_name_the_rule_and_what_they_hang_on(paula: Browser) -> None:
    asked = "/access?subject=alice&type=AGENT&roles=user&allowed=yes&workspace=acme"
    answer = looked(paula, asked)
    said, page = text_of(answer), answer.text
    assert "What alice may do" in said
    assert "support.refund.issue@1.0.0" in said
    assert "if amount &lt;= 100 : autonomous" in said
    assert "user in the token" in said
    assert "/console/policies/explain?contract=support.refund.issue%401.0.0&amp;id=alice" in page


def test_a_contract_tells_who_may_call_it(paula: Browser) -> None:
    said = text_of(looked(paula, "/access?contract=controlPlane.plan.compile&kind=ROLE"))
    assert "Who may call controlPlane.plan.compile@1.0.0" in said
    assert "planner role" in said
    assert "Holders" not in said


def test_the_access_review_is_saved_as_it_is_signed(people: People, paula: Browser) -> None:
    page = looked(paula, "/access/review")
    link = unescape(re.findall(r'href="([^"]*format=CSV[^"]*)"', page.text)[0])
    saved = paula.get(link)
    assert saved.headers["content-type"].startswith("text/csv")
    assert saved.headers["content-disposition"].startswith('attachment; filename="access-review-')
    review = people.paula.query(
        "policyAccessReview", "digest parts", {"format": "CSV", "limit": 500}
    )
    assert review["digest"] in page.text
    assert saved.text == "".join(review["parts"])


# --- explaining


def explained(browser: Browser, status: int = 200, **typed: Any) -> httpx.Response:
    answer = sent(browser, "/console/policies/explain", {**typed})
    assert answer.status_code == status, answer.text
    return answer


def test_the_playground_tells_the_rules_and_what_is_missing(paula: Browser) -> None:
    asked: JsonObject = {"contract": "support.refund.issue", "type": "AGENT", "id": "bot"}
    page = explained(paula, roles="user", **asked, arguments='{"amount": 20000, "currency": "EUR"}')
    said = text_of(page)
    assert "support.refund.issue is blocked for an agent, because of input.amount." in said
    assert "What is missing" in said
    assert "amount at most 100 leads to" in said
    assert "The nearest rules that would allow more" in said
    assert "decides" in said
    closed = text_of(explained(paula, **asked, arguments='{"amount": 500, "currency": "EUR"}'))
    assert "To be let in: the role user leads to" in closed
    assert "To run, any one of these would do; each was tried." in closed
    shared = looked(paula, '/explain?contract=support.refund.issue&id=x&arguments={"amount":1}')
    assert "amount&#34;:1" not in shared.text


def test_what_cannot_be_asked_is_said_and_what_was_typed_stays(paula: Browser) -> None:
    page = explained(paula, 422, contract="support.refund.issue", arguments='{"amount": ')
    assert "The arguments are no JSON object." in page.text
    assert "{&#34;amount&#34;:</textarea>" in page.text
    assert "give the subject a name" in explained(paula, 422, contract="x", roles="user").text
    for deep in ("[" * 3_000, "[1]", "NaN", "1e999999", '{"amount": 1, "amount": 2}'):
        explained(paula, 422, contract="support.refund.issue", id="x", arguments=deep)
    assert "There is no such contract" in explained(paula, 404, contract="no.such").text


def test_who_may_not_audit_asks_about_themselves_alone(people: People, opened: Opened) -> None:
    uma = opened(people.uma)
    page = looked(uma, "/explain?contract=controlPlane.plan.compile&id=somebody&roles=admin")
    assert "this would do" in text_of(page) or "one of these would do" in text_of(page)
    assert 'name="id"' not in page.text
    assert 'href="/console/policies/explain" aria-current="page">Explain' in page.text
    assert "Rules that match" not in page.text
    assert 'href="/console/policies/changes"' not in page.text
    for hidden in ("", "/roles", "/access?subject=x", "/changes", "/history"):
        refused = looked(uma, hidden, 403)
        assert "Your roles do not let you see this." in refused.text


# --- changes


def test_two_people_bring_a_change_into_force(
    people: People, paula: Browser, peter: Browser
) -> None:
    change = proposed(paula, allow("alice"), title="Let Alice list executions")
    page = looked(paula, change)
    assert titles(page) == ["Let Alice list executions"]
    said = text_of(page)
    sentence = "The user alice may call controlPlane.execution.list in the workspace acme ."
    assert sentence in said
    assert allow("alice") in said
    assert "0 fail" in said
    assert f"{change}/confirm/approve" not in page.text
    assert f"{change}/confirm/withdraw" in page.text

    with_analysis(people, change)
    looked(paula, f"{change}/confirm/approve", 409)  # nobody approves a change of their own

    approved = done(peter, change, "approve", note="Seen with finance.")
    assert "Approved. It changes nothing until somebody activates it." in approved.text
    assert "Seen with finance." in approved.text
    confirm = looked(peter, f"{change}/confirm/activate")
    assert "The changed rules decide from the next moment on" in confirm.text
    assert sentence in text_of(confirm)
    active = done(peter, change, "activate")
    assert "It is in force now." in active.text
    assert "You may now" not in active.text

    listed = looked(paula, "?text=user:alice")
    assert "changed " in text_of(listed)
    rule = unescape(re.findall(r'href="(/console/policies/rule[^"]*)"', listed.text)[0])
    told = text_of(paula.get(rule))
    assert re.search(r"In force since (now|\d+ seconds? ago) , by activation 2 of peter", told), (
        told
    )


def test_the_impact_is_drawn_by_contract_and_role(
    people: People, paula: Browser, peter: Browser
) -> None:
    for _ in range(3):
        people.uma.refused("controlPlaneExecutionList", "total", {}, kind="query")
    change = proposed(paula, "p, user, acme, controlPlane.execution.list, call, allow")
    page = analyzed(paula, change)
    said = text_of(page)
    assert "3 deny → allow lets more happen" in said
    assert "3 of " in said
    bars = re.findall(r'<rect class="looser" x="([\d.]+)" y="0" width="([\d.]+)"', page.text)
    assert bars == [("0.0", "100.0")] * 2
    done(peter, change, "reject", reason="Too many.")
    assert "Too many." in looked(paula, change).text


def test_the_impact_says_that_what_is_seen_of_personal_data_is_not_in_it(
    paula: Browser, peter: Browser
) -> None:
    typed = {"title": "T", "reason": "R", "do": "send", "file-0": "pii.csv"}
    row = "p, 1, *, *, acme, *, class:contact, raw"
    answer = sent(paula, NEW, {**typed, "add-0": row})
    change = answer.headers["location"].partition("?")[0].removeprefix("/console/policies")
    said = text_of(analyzed(paula, change))
    assert "recorded decisions would come out otherwise" in said
    assert "What people see of personal data is not decided again" in said
    done(peter, change, "reject", reason="Too much.")


def test_what_the_checks_refuse_is_revised(paula: Browser) -> None:
    change = proposed(paula, "p, nobody, *, no.such.contract, perhaps, allow", title="Wrong row")
    page = looked(paula, change)
    said = text_of(page)
    assert "The checks refuse it." in said
    assert "Error access.csv:" in said.replace("  ", " ")
    assert "&#39;perhaps&#39; is none of call, *" in page.text
    form = f"/console/policies{change}/revise"
    revising = paula.get(form)
    assert 'value="p, nobody, *, no.such.contract, perhaps, allow"' in revising.text
    typed = {"title": "Right row", "reason": "Mended.", "add-0": allow("carla"), "do": "send"}
    answer = sent(paula, form, typed)
    assert answer.status_code == 303
    mended = paula.get(answer.headers["location"])
    assert "Revised. Analysis and approval begin anew." in mended.text
    assert titles(mended) == ["Right row"]
    assert "The checks refuse it." not in mended.text
    withdrawn = done(paula, change, "withdraw", reason="No longer needed.")
    assert "Withdrawn." in withdrawn.text


def test_an_edit_that_cannot_be_made_is_told_beside_what_was_typed(
    people: People, paula: Browser, opened: Opened
) -> None:
    typed = {"title": "T", "reason": "R", "file-0": "access.csv", "do": "send"}
    row = "p, nobody, *, x.y, call, allow"
    gone = sent(paula, NEW, {**typed, "remove-0": row})
    assert gone.status_code == 422
    assert f"of access.csv says: {row}" in gone.text
    assert f'value="{row}"' in gone.text
    nothing = sent(paula, NEW, {**typed, "title": " "})
    assert nothing.status_code == 422
    assert 'role="alert"' in nothing.text
    others = sent(opened(people.wanda), NEW, {**typed, "add-0": allow("x", workspace="*")})
    assert others.status_code == 403
    assert "changes the rows whose workspace is" in others.text


def test_a_change_is_proposed_once_for_a_form(people: People, paula: Browser) -> None:
    typed = {"title": "Once", "reason": "R", "add-0": allow("ottilie"), "do": "send"}
    form = {**paula.form(looked(paula, "/changes/new"), NEW), **typed}
    first, second = (paula.post(NEW, form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    again = paula.post(NEW, {**form, "title": "Twice"})
    assert (again.status_code, 'value="Twice"' in again.text) == (409, True)
    made = paula.send(again, NEW, do="send", reason="R")  # the page has a form of its own
    assert made.status_code == 303

    way_back = f"/console/policies/history/restore?revision={people.revisions()[-1]['revision']}"
    restoring = paula.form(paula.get(way_back), way_back.partition("?")[0])
    places = {
        paula.post(way_back.partition("?")[0], {**restoring, "reason": "R"}).headers.get("location")
        for _ in range(2)
    }
    assert len(places) == 1


def test_the_form_reads_rows_back_and_gives_room_for_more(paula: Browser) -> None:
    row = 'p, 9, type:agent, acme, support.refund.issue?, *, "amount in [1, 2]", blocked'
    typed = {"file-0": "verdict.csv", "add-0": f"{row}, -, -, -, -"}
    read = sent(paula, NEW, {**typed, "do": "read"})
    assert read.status_code == 200
    assert (
        "When agents call support.refund.issue (where it is loaded) in the workspace acme , if "
        "amount in [1, 2] , the call is blocked. Priority 9."
    ) in text_of(read)
    more = sent(paula, NEW, {**typed, "do": "more"})
    assert more.text.count("<fieldset") == 2
    full: JsonObject = {f"file-{number}": "access.csv" for number in range(60)}
    assert sent(paula, NEW, {**full, "do": "more"}).text.count("<fieldset") == 40
    strange = sent(paula, NEW, {"add-0": "hello", "do": "read"})
    assert "It has no sentence" in strange.text


def test_a_whole_file_is_exchanged_and_stays_so_in_the_form(paula: Browser) -> None:
    typed = {"title": "Cases", "reason": "R", "file-0": "cases/new.yaml", "how-0": "file"}
    case = ("principal: anonymous", "contract: policy.rule.list", "expect: {access: deny}")
    text = "\n\n" + "\n  ".join(("- name: nobody", *case))
    answer = sent(paula, NEW, {**typed, "text-0": text, "do": "send"})
    change = answer.headers["location"].partition("?")[0].removeprefix("/console/policies")
    page = looked(paula, change)
    assert "cases/new.yaml the file is new What it says then: - name: nobody" in text_of(page)
    assert "expect: {access: deny}" in page.text
    revising = looked(paula, f"{change}/revise")
    assert '<option value="file" selected>' in revising.text
    filled = re.findall(r'<textarea id="text-0"[^>]*>\n?(.*?)</textarea>', revising.text, re.DOTALL)
    assert [unescape(one) for one in filled] == [text]  # browsers leave out one end of line there
    done(paula, change, "withdraw", reason="Only tried.")


@pytest.mark.parametrize(
    ("text", "status"),
    [("# a long comment\n" * 2_400, 200), ("# \u0436\n" * 4_000, 413), ("#\n" * 9_500, 413)],
)
def test_a_form_that_could_not_be_sent_is_not_filled_in(
    people: People, paula: Browser, text: str, status: int
) -> None:
    drafted = people.draft(people.paula, {"file": "cases/long.yaml", "text": text})
    change = f"/changes/{drafted['changesetId']}"
    page = looked(paula, f"{change}/revise", status)
    if status == 200:
        told = {"do": "send", "title": "T", "reason": "R", "file-0": "cases/long.yaml"}
        place = f"/console/policies{change}/revise"
        crossed = text.replace("\n", "\r\n")  # as browsers send it
        sent_back = paula.send(page, place, **told, **{"how-0": "file", "text-0": crossed})
        assert sent_back.status_code == 303, sent_back.text
    done(paula, change, "withdraw", reason="Only tried.")


def test_who_approves_another_model_reads_what_it_says(
    people: People, paula: Browser, peter: Browser
) -> None:
    model = (ROOT / "policies" / "access.conf").read_text()
    for said, shown in (
        ("# \u202eall are let in\n", r"# \u202eall are let in"),
        ("# " + "long" * 8_000 + "\n", "characters more that the API tells"),
    ):
        typed = {"title": "A model", "reason": "R", "file-0": "access.conf", "how-0": "file"}
        answer = sent(paula, NEW, {**typed, "text-0": said + model, "do": "send"})
        change = answer.headers["location"].partition("?")[0].removeprefix("/console/policies")
        with_analysis(people, change)
        page = looked(peter, f"{change}/confirm/approve")
        assert "access.conf the text of the file is another What it says then" in text_of(page)
        assert shown in page.text
        done(paula, change, "withdraw", reason="Only tried.")


def test_who_approves_the_way_back_reads_what_a_model_said(
    people: People, paula: Browser, peter: Browser
) -> None:
    before = people.head()
    said = "# nobody knows why\n" + (ROOT / "policies" / "access.conf").read_text()
    people.activated(people.paula, people.peter, {"file": "access.conf", "text": said})
    restored = {"revision": before, "reason": "R", "restoredBy": "paula"}
    drafted = people.paula.mutate(*RESTORE, restored)
    change = f"/changes/{drafted['changesetId']}"
    with_analysis(people, change)
    for page in (looked(peter, f"{change}/confirm/approve"), looked(paula, f"{change}/revise")):
        assert "[request_definition]" in page.text
        assert "nobody knows why" not in page.text
    assert "What it says then" in text_of(looked(peter, change))
    people.peter.mutate(*APPROVE, consent(drafted, people.peter))
    people.peter.mutate(*ACTIVATE, activation(drafted, people.peter))
    assert people.head() == before


def test_what_changed_meanwhile_is_told(people: People, paula: Browser, peter: Browser) -> None:
    change = proposed(paula, allow("dora"))
    with_analysis(people, change)
    confirm = looked(peter, f"{change}/confirm/approve")
    form = f"/console/policies{change}/revise"
    typed = {"title": "T", "reason": "R", "add-0": allow("daisy"), "do": "send"}
    assert sent(paula, form, typed).status_code == 303
    late = peter.send(confirm, f"/console/policies{change}")
    assert late.status_code == 409
    assert 'role="alert"' in late.text
    assert "Changeset" in late.text
    with_analysis(people, change)
    after = peter.send(confirm, f"/console/policies{change}")  # of the revision that was read
    assert after.status_code == 409
    assert "Read it again and decide about that." in after.text

    other = people.activated(people.paula, people.peter, add(allow("emil")))
    assert other["status"] == "ACTIVATED"
    stale = looked(peter, change)
    assert "Another change came into force meanwhile." in stale.text
    assert f"{change}/confirm/approve" not in stale.text
    looked(peter, f"{change}/confirm/approve", 409)
    ended = done(peter, change, "reject", reason="Too late.")
    assert "Rejected." in ended.text
    assert peter.send(confirm, f"/console/policies{change}").status_code == 409


def test_a_shadow_is_cast_and_ended(paula: Browser) -> None:
    change = proposed(paula, allow("frida"))
    cast = done(paula, change, "shadow")
    assert "It decides in the shadow now, without effect." in cast.text
    assert f"{change}/confirm/shadow" not in cast.text
    assert "decisions came out otherwise" in text_of(looked(paula, change))
    ended = done(paula, change, "end-shadow")
    assert "It does not decide in the shadow any more." in ended.text
    unsigned = {"do": "withdraw", "reason": "Not by this."}
    assert paula.post(f"/console/policies{change}", unsigned).status_code == 403
    page = looked(paula, f"{change}/confirm/withdraw")
    unknown = paula.send(page, f"/console/policies{change}", do="explode")
    assert unknown.status_code == 400
    wrong = done(paula, change, "analyze", days="many")
    assert wrong.status_code == 422
    assert "The days are no number." in wrong.text
    done(paula, change, "withdraw", reason="Only tried.")


def test_people_of_a_workspace_see_and_do_what_is_theirs(
    people: People, paula: Browser, opened: Opened
) -> None:
    change = proposed(paula, allow("greta", workspace="platform"), title="Of the platform")
    wanda = opened(people.wanda)
    assert "Of the platform" not in looked(wanda, "/changes").text
    looked(wanda, change, 404)
    looked(wanda, f"{change}/revise", 404)
    auditor = opened(people.world.gateway.caller("ada", "auditor", workspace="platform"))
    seen = looked(auditor, change)
    assert "Somebody else has to bring it on." in seen.text
    assert "/confirm/" not in seen.text
    assert 'href="/console/policies/changes/new"' not in looked(auditor, "/changes").text
    done(paula, change, "withdraw", reason="Only tried.")


# --- history


def test_an_earlier_revision_comes_back_as_a_change(
    people: People, paula: Browser, peter: Browser
) -> None:
    people.activated(people.paula, people.peter, add(allow("hanna")))
    page = looked(paula, "/history")
    assert "In force" in text_of(page)
    newest, before, *_ = people.revisions()
    between = f"/history/differences?from={before['revision']}&to={newest['revision']}"
    assert "The user hanna may call" in text_of(looked(paula, between))
    place = f"/history/restore?revision={before['revision']}"
    form = looked(paula, place)
    assert "Removed:" in form.text
    assert "a second person" in form.text
    missing = paula.send(form, "/console/policies/history/restore", reason=" ")
    assert missing.status_code == 422
    assert 'role="alert"' in missing.text
    answer = paula.send(form, "/console/policies/history/restore", reason="Too many ask.")
    assert answer.status_code == 303
    change = answer.headers["location"].partition("?")[0].removeprefix("/console/policies")
    told = paula.get(answer.headers["location"])
    assert "the earlier revision is back" in told.text
    assert "It leads back to revision" in told.text
    with_analysis(people, change)
    done(peter, change, "approve")
    assert "It is in force now." in done(peter, change, "activate").text
    assert people.head() == before["revision"]


def test_revisions_that_are_not_there_are_told(paula: Browser) -> None:
    looked(paula, "/history/differences?from=sha256:00", 404)
    looked(paula, "/history/differences", 404)
    looked(paula, "/history/restore?revision=sha256:00", 404)
    looked(paula, "/changes/chg_nothing", 404)
    looked(paula, "/changes/chg_nothing/confirm/approve", 404)
    looked(paula, "/changes?status=NOTHING", 422)


# --- forms


def test_only_a_form_of_the_same_session_does_anything(
    people: People, paula: Browser, opened: Opened
) -> None:
    typed = {"title": "Foreign", "reason": "R", "file-0": "access.csv", "add-0": allow("ivan")}
    others = opened(people.wanda)
    foreign = others.form(others.get(NEW), NEW)["csrf"]
    for csrf in ("", "x", foreign):
        answer = paula.post(NEW, {**typed, "csrf": csrf, "do": "send"})
        assert answer.status_code == 403
    own = paula.form(paula.get(NEW), NEW)["csrf"]
    elsewhere = paula.post(NEW, {**typed, "csrf": own, "do": "send"}, origin="https://evil.example")
    assert elsewhere.status_code == 403
    assert "Foreign" not in looked(paula, "/changes").text


def test_what_people_write_is_never_markup(paula: Browser) -> None:
    evil = "<script>alert(1)</script><img src=x onerror='alert(\"2\")'>"
    row = f"p, user:x, platform, support.refund.issue, {evil.replace(',', '')}, allow"
    change = proposed(paula, row, title=evil)
    pages = [looked(paula, change), looked(paula, "/changes"), looked(paula, f"{change}/revise")]
    pages.append(looked(paula, f"{change}/confirm/withdraw"))
    pages.append(looked(paula, f"?text={evil}&subject={evil}&contract={evil}", 404))
    pages.append(explained(paula, 422, contract=evil, id=evil, roles=evil))
    for page in pages:
        assert "<img" not in page.text
        assert "<script>" not in page.text
        assert page.text.count("<script") == 1
        assert "onerror=" not in re.sub(r"&[#\w]+;", "", page.text) or "&lt;img" in page.text
        assert "&lt;script&gt;alert(1)" in page.text
    done(paula, change, "withdraw", reason=evil)


# --- what policy changed, in the replay of a run from before


def test_a_replay_says_in_words_what_policy_decides_otherwise_now(
    people: People, opened: Opened
) -> None:
    world = people.world
    run = world.run([refund(30)])
    world.wait(run["executionId"], "COMPLETED")
    rule = "user:agent-7, acme, support.refund.issue?, *, amount > 20, assist, approver, 2, 8h, -"
    people.activated(people.wanda, people.will, add(f"p, 150, {rule}", "verdict.csv"))
    olga = opened(world.olga)
    page = olga.get(f"/console/executions/{run['executionId']}/replay")
    said = text_of(page)
    assert "6 differences between what was recorded and what the plan and policy of today" in said
    assert "The verdict would be assist, it was autonomous. When the plan was verified" in said
    assert "The number of approvals would be 2, it was 1. When the step was dispatched" in said
    assert "When the user agent-7 calls support.refund.issue" in said
    assert "<pre" not in page.text
