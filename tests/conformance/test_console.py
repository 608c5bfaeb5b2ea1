"""The console in Chromium: what people see, do with keys, and hear."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.drafts import lookup, refund, waiting
from tests.conformance.browsing import Scheme, before, chromium, violations
from tests.conformance.lived_in import PAGES, approved, live_in, place_of
from tests.processes import Caller, JsonObject
from tests.world import World

LARGEST = 200_000
"""Bytes of a page with all that it loads."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def runs(world: World) -> dict[str, JsonObject]:
    return live_in(world)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_to_sign_in_is_for_everybody(
    world: World, browser: Browser, scheme: Scheme
) -> None:
    with before(browser, world.gateway.anonymous(), scheme) as context:
        page = context.new_page()
        page.goto("/console")
        assert page.url.endswith("/console/sign-in?next=%2Fconsole%2Finbox")
        assert violations(page) == []
        page.keyboard.type(world.olga.token or "")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/inbox")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_small_and_for_everybody(
    world: World, browser: Browser, runs: dict[str, JsonObject], name: str, scheme: Scheme
) -> None:
    who, path = place_of(name, world, runs)
    with before(browser, who, scheme) as context:
        page = context.new_page()
        sizes: list[int] = []
        page.on("response", lambda answer: sizes.append(_size(answer)))
        page.goto(path)
        assert page.get_by_role("heading", level=1).count() == 1
        assert violations(page) == []
        assert sum(sizes) < LARGEST


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_telephone_and_is_for_everybody_there(
    world: World, browser: Browser, runs: dict[str, JsonObject], name: str
) -> None:
    who, path = place_of(name, world, runs)
    with before(browser, who, viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert violations(page) == []


def test_two_keystrokes_approve(world: World, browser: Browser) -> None:
    run = waiting(world, [refund(251)])
    with before(browser, world.fiona) as context:
        page = context.new_page()
        page.goto("/console/inbox")
        page.locator("[data-item]", has_text="251.00 EUR").focus()
        page.keyboard.press("a")
        page.keyboard.type("Checked with the warehouse")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("251.00 EUR")
    world.wait(run["executionId"], "COMPLETED")
    (asked,) = world.fiona.query(
        "controlPlaneApprovalList", "items { status votes { by note } }",
        {"executionId": run["executionId"], "status": "USED"},
    )["items"]  # fmt: skip
    assert asked["votes"] == [{"by": "fiona", "note": "Checked with the warehouse"}]


def test_of_two_who_race_one_decides_and_the_other_hears_of_it(
    world: World, browser: Browser
) -> None:
    run = waiting(world, [refund(252)])
    frank = world.gateway.caller("frank", "user", "approver")
    with before(browser, world.fiona) as hers, before(browser, frank) as his:
        pages = [context.new_page() for context in (hers, his)]
        for page in pages:
            page.goto("/console/inbox")
            page.locator("[data-item]", has_text="252.00 EUR").focus()
            page.keyboard.press("a")  # a dialog that is open stays as it is
        for page in pages:
            page.keyboard.press("Enter")
            page.wait_for_load_state()
        expect(pages[0].get_by_role("status").first).to_contain_text("252.00 EUR")
        expect(pages[1].get_by_role("alert").first).to_contain_text("fiona")
    world.wait(run["executionId"], "COMPLETED")
    assert (
        len([one for one in world.service.effects("refund") if one["payload"]["cents"] == 25_200])
        == 1
    )


def test_a_session_that_ended_decides_nothing_and_says_so(world: World, browser: Browser) -> None:
    run = waiting(world, [refund(253)])
    with before(browser, world.fiona) as context:
        page = context.new_page()
        page.goto(f"/console/executions/{run['executionId']}")
        page.get_by_role("button", name="Approve").first.click()
        context.clear_cookies()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Authentication is needed")
        expect(page.get_by_role("main")).to_contain_text("nothing was done")
    (asked,) = world.approvals(run["executionId"])
    assert (asked["status"], asked["approvals"]) == ("PENDING", 0)


def test_a_request_that_became_void_says_why(world: World, browser: Browser) -> None:
    run = waiting(world, [refund(254)])
    ended = {"executionId": run["executionId"], "cancelledBy": "olga", "reason": "A mistake"}
    with before(browser, world.fiona) as context:
        page = context.new_page()
        page.goto("/console/inbox")
        page.locator("[data-item]", has_text="254.00 EUR").focus()
        page.keyboard.press("a")
        world.olga.mutate("controlPlaneExecutionCancel", "status", ended)
        page.keyboard.press("Enter")
        told = page.get_by_role("alert").first
        expect(told).to_contain_text("254.00 EUR")
        expect(told).to_contain_text("void")
        page.goto("/console/inbox?show=decided&status=VOID")
        expect(page.get_by_role("main")).to_contain_text("became CANCELLED")


def test_what_happens_is_seen_and_read_out_without_asking(world: World, browser: Browser) -> None:
    run = waiting(world, [refund(255)])
    with before(browser, world.olga) as context:
        page = context.new_page()
        page.goto(f"/console/executions/{run['executionId']}")
        expect(page.locator("[data-part=head]")).to_contain_text("Waiting approval")
        approved(world, run)
        expect(page.locator("[data-part=head]")).to_contain_text("Completed")
        expect(page.locator("#told")).to_have_text("The execution is completed")


def test_what_is_read_stays_in_sight_when_something_happens(world: World, browser: Browser) -> None:
    wide = [lookup(f"order{number}") for number in range(8)]
    run = waiting(world, [*wide, refund(257, dependsOn=["order0"])])
    with before(browser, world.olga) as context:
        page = context.new_page()
        page.goto(f"/console/executions/{run['executionId']}")
        drawing = page.get_by_role("group", name="Drawing of the plan")
        drawing.evaluate("box => box.scrollTo(200, 0)")
        approved(world, run)
        expect(page.locator("[data-part=plan]")).not_to_contain_text("Waiting approval")
        assert drawing.evaluate("box => box.scrollLeft") == 200


def test_without_scripts_everything_is_still_done(world: World, browser: Browser) -> None:
    run = waiting(world, [refund(256)])
    with before(browser, world.fiona, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/console/inbox")
        item = page.locator("[data-item]", has_text="256.00 EUR")
        item.get_by_role("checkbox").check()
        page.get_by_role("button", name="Decide the chosen").click()
        page.get_by_role("button", name="Approve").first.click()
        expect(page.get_by_role("status").first).to_contain_text("256.00 EUR")
    world.wait(run["executionId"], "COMPLETED")


def _size(answer: object) -> int:
    sizes: JsonObject = answer.request.sizes()  # type: ignore[attr-defined]
    return int(sizes["responseBodySize"])


def test_who_may_do_little_is_offered_little(world: World, browser: Browser) -> None:
    nobody: Caller = world.gateway.caller("nina", "user")
    with before(browser, nobody) as context:
        page = context.new_page()
        page.goto("/console/inbox")
        offered = page.get_by_role("navigation", name="Console").get_by_role("link")
        assert "Policies" not in offered.all_inner_texts()
        assert page.get_by_role("button", name="Approve").count() == 0
