"""``python -m tests.conformance.pictures`` takes the pictures of the console that documents show.

Prints for each page when something of it was seen first, in milliseconds.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.acceptance.policy_people import People
from tests.acceptance.test_policy_impact import analyzed
from tests.conformance.browsing import Scheme, before, chromium
from tests.conformance.lived_in import PAGES, draft, live_in, place_of
from tests.processes import ROOT, JsonObject
from tests.world import World, end_world, make_world

FOLDER = ROOT / "docs" / "pictures"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
TALLEST = 1_100
"""What is below so many pixels is left out."""


def main(folder: Path) -> None:
    """Take a picture of every page, in light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(Path(tempfile.mkdtemp(prefix="gateway-pictures-")))
    try:
        runs = live_in(world)
        people = People(world)
        analyzed(people, people.wanda, draft(people))
        with chromium() as browser:
            for name in PAGES:
                seen = [take(world, browser, runs, folder, name, scheme) for scheme in SCHEMES]
                print(f"{name}: first paint {min(seen):.0f} ms")  # noqa: T201 what it is run for
    finally:
        end_world(world)


def take(
    world: World,
    browser: Browser,
    runs: dict[str, JsonObject],
    folder: Path,
    name: str,
    scheme: Scheme,
) -> float:
    """Take one picture; returns when something was seen first, in milliseconds."""
    who, path = place_of(name, world, runs)
    with before(browser, who, scheme, viewport={"width": 1180, "height": 760}) as context:
        page = context.new_page()
        page.goto(path)
        high = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        clip = {"x": 0, "y": 0, "width": 1180, "height": high}
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True, clip=clip)  # type: ignore[arg-type]
        return float(page.evaluate(PAINT))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
