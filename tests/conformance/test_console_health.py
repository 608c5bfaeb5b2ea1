"""The health in Chromium: for everybody to read, and always as it is now."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.drafts import lookup, waiting
from tests.conformance.browsing import Scheme, before, chromium, violations
from tests.world import World


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_health_is_for_everybody(world: World, browser: Browser, scheme: Scheme) -> None:
    waiting(world)
    with before(browser, world.olga, scheme) as context:
        page = context.new_page()
        page.goto("/console/health")
        assert violations(page) == []
        page.get_by_text("The same as a table").click()
        assert page.get_by_role("row").count() == 61
        assert violations(page) == []


def test_it_is_looked_at_again_and_what_was_opened_stays_open(
    world: World, browser: Browser
) -> None:
    with before(browser, world.olga) as context:
        page = context.new_page()
        page.goto("/console/health")
        page.get_by_text("The same as a table").click()
        runs = page.get_by_role("img", name="Runs that ended")
        assert "completed" not in (runs.get_attribute("aria-label") or "")

        done = world.run([lookup()])
        world.wait(done["executionId"], "COMPLETED")

        expect(
            page.get_by_role("img", name="Runs that ended, a minute: completed 1")
        ).to_be_visible(timeout=25_000)
        expect(page.get_by_role("region", name="Minute by minute")).to_be_visible()
