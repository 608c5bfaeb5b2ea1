"""Chromium before the console: people with a session, and what axe-core says of a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conformance.clients import FOLDER
from tests.processes import Caller

NAMES = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; the others keep the browser from calling home.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
AXE = (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text
SERIOUS = ("serious", "critical")
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path, "there is no Chromium: make conformance installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def before(
    browser: Browser, who: Caller, scheme: Scheme = "light", **more: Any
) -> Iterator[BrowserContext]:
    """A browser of its own for ``who``, signed in; errors that pages report fail the test."""
    seen: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": 1280, "height": 900}}
    context = browser.new_context(base_url=who.server.url, **{**seen, **more})
    wrong: list[str] = []
    elsewhere: list[str] = []
    context.on("request", lambda request: elsewhere.append(request.url))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    if who.token is not None:
        place = {"url": f"{who.server.url}/console", "httpOnly": True, "sameSite": "Lax"}
        context.add_cookies([{"name": "gateway_session", "value": who.token, **place}])  # type: ignore[list-item]
    try:
        yield context
    finally:
        context.close()
    refused = [one for one in wrong if "Failed to load resource" not in one]
    assert refused == [], f"the browser reports {refused}"
    own = (who.server.url, "data:")
    assert all(url.startswith(own) for url in elsewhere), f"asked elsewhere: {elsewhere}"


def violations(page: Page) -> list[str]:
    """What axe-core finds seriously wrong with a page for people with a screen reader."""
    page.evaluate(AXE())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
