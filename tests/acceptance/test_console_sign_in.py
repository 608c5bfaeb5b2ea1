"""Signing in to the console, and what keeps a session from others, over real HTTP."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.model.principal import PrincipalType
from tests.acceptance.console import Browser
from tests.identity_provider import Provider, SetClock, running_provider
from tests.processes import HTTP
from tests.world import World, end_world, make_world

PUBLIC = "https://gateway.example"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def console(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway behind a proxy for https, whose people sign in at a provider."""
    world = make_world(
        tmp_path_factory.mktemp("world"),
        GATEWAY_OIDC_ISSUERS=f'[{{"issuer": "{provider.url}", "audience": "gateway"}}]',
        GATEWAY_CONSOLE_OIDC=f'{{"issuer": "{provider.url}", "client_id": "console"}}',
        GATEWAY_PUBLIC_URL=PUBLIC,
        GATEWAY_LOCAL_TOKENS="on",
        GATEWAY_LOG_LEVEL="debug",
    )
    yield world
    end_world(world)


@pytest.fixture
def browser(console: World) -> Iterator[Browser]:
    with Browser(console.gateway.url, PUBLIC) as opened:
        yield opened


def test_who_has_no_session_signs_in_and_comes_back(console: World, browser: Browser) -> None:
    sent = browser.get("/console/executions?status=RUNNING")
    assert sent.status_code == 303
    place = sent.headers["location"]
    assert place == "/console/sign-in?next=%2Fconsole%2Fexecutions%3Fstatus%3DRUNNING"
    page = browser.get(place)
    assert page.status_code == 200
    form = browser.form(page, "/console/sign-in")
    back = browser.post("/console/sign-in", form | {"token": console.olga.token or ""})
    assert (back.status_code, back.headers["location"]) == (
        303, "/console/executions?status=RUNNING",
    )  # fmt: skip


@pytest.mark.parametrize("address", ["/console", "/console/"])
def test_the_address_of_the_console_leads_to_the_inbox(browser: Browser, address: str) -> None:
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/inbox")


def test_the_session_is_a_cookie_that_scripts_and_other_paths_do_not_get(
    console: World, browser: Browser
) -> None:
    answer = browser.sign_in(console.olga.token)
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name == f"gateway_session={console.olga.token}"
    assert {"HttpOnly", "Secure", "Path=/console", "SameSite=lax"} <= {*attributes}
    seconds = int(next(one for one in attributes if one.startswith("Max-Age=")).split("=")[1])
    assert 3_500 < seconds <= 3_620  # as long as the token, with its leeway


@pytest.mark.parametrize(
    "then",
    ["https://evil.example/", "//evil.example/", "/graphql", "/console\\evil", "/consoled/x", ""],
)
def test_signing_in_leads_to_no_other_place(console: World, browser: Browser, then: str) -> None:
    answer = browser.post("/console/sign-in", {"token": console.olga.token or "", "next": then})
    assert answer.headers["location"] == "/console/inbox"


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", "There is no token"),
        ("nonsense", "not a signed JSON Web Token"),
        ("x" * 3_801, "3801 characters"),
    ],
)
def test_what_is_no_token_is_told_on_the_page(browser: Browser, token: str, told: str) -> None:
    answer = browser.post("/console/sign-in", {"token": token})
    assert answer.status_code == 401
    assert told in answer.text
    assert "set-cookie" not in answer.headers


def test_a_form_of_another_site_signs_nobody_in(console: World, browser: Browser) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = browser.post("/console/sign-in", {"token": console.olga.token or ""}, **headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("then", ["/console/contracts", "/console/contracts/%E6%97%A5%C3%BC?q=a"])
def test_people_sign_in_at_the_provider(provider: Provider, browser: Browser, then: str) -> None:
    sent = browser.get(f"/console/sign-in/provider?next={then}")
    place = urlsplit(sent.headers["location"])
    asked = {name: value[0] for name, value in parse_qs(place.query).items()}
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{provider.url}/authorize"
    assert asked["redirect_uri"] == f"{PUBLIC}/console/signed-in"
    kept = sent.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "Path=/console/signed-in" in kept

    clock = SetClock()
    clock.moment = datetime.now(UTC)
    token = provider.token(clock, sub="nora").removeprefix("Bearer ")
    provider.serve("/token", {"access_token": token})
    back = browser.get(f"/console/signed-in?code=c1&state={asked['state']}")
    assert (back.status_code, back.headers["location"]) == (303, then)
    assert provider.forms[-1]["code"] == "c1"
    assert browser.cookies["gateway_session"] == token
    assert "<b>nora</b>" in browser.get("/console/nowhere").text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("code=c&state=forged", "did not begin to sign in"),
        ("code=c", "did not begin to sign in"),
        ("error=access_denied&state={state}", "did not let you in"),
        ("state={state}", "no code"),
    ],
)
def test_who_comes_back_without_what_the_browser_asked_for_is_not_signed_in(
    browser: Browser, query: str, told: str
) -> None:
    sent = browser.get("/console/sign-in/provider")
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    answer = browser.get(f"/console/signed-in?{query.format(state=state)}")
    assert answer.status_code == 401
    assert told in answer.text
    assert "gateway_session" not in browser.cookies


def test_a_token_of_the_provider_that_is_not_believed_signs_nobody_in(
    provider: Provider, browser: Browser
) -> None:
    sent = browser.get("/console/sign-in/provider")
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    clock = SetClock()
    clock.moment = datetime.now(UTC)
    provider.serve("/token", {"access_token": provider.token(clock, aud="other")[7:]})
    answer = browser.get(f"/console/signed-in?code=c&state={state}")
    assert answer.status_code == 401
    assert "audience" in answer.text
    assert "gateway_session" not in browser.cookies


def test_a_session_ends_with_its_token(console: World, browser: Browser) -> None:
    long_ago = SetClock()
    long_ago.moment = datetime.now(UTC) - timedelta(hours=3)
    issuer = console.gateway.issuer(long_ago)
    old = issuer.issue(
        subject="olga", type=PrincipalType.HUMAN, roles=("admin",), workspace="acme", ttl=60
    )
    browser.cookies["gateway_session"] = old
    looked = browser.get("/console/live")
    assert looked.status_code == 303
    assert looked.headers["location"].endswith("ended=1")
    assert 'gateway_session="";' in looked.headers["set-cookie"]
    assert "Your session is over" in browser.get(looked.headers["location"]).text


def test_a_page_that_goes_on_in_another_session_says_whose_it_is(
    console: World, browser: Browser
) -> None:
    """Somebody else signed in in another tab: the parts of the page are theirs from then on."""
    browser.sign_in(console.olga.token)
    hers = browser.form(browser.get("/console/inbox"), "/console/sign-out")
    browser.sign_in(console.fiona.token)
    page = browser.get("/console/inbox")
    (part,) = re.findall(r'<form[^>]* data-part="who".*?</form>', page.text, re.DOTALL)
    assert "<b>fiona</b>" in part
    assert browser.post("/console/inbox", {**hers, "action": "approve"}).status_code == 403


def test_signing_out_needs_a_form_of_the_session(console: World, browser: Browser) -> None:
    browser.sign_in(console.olga.token)
    assert browser.post("/console/sign-out", {"csrf": "guessed"}).status_code == 403
    assert browser.is_signed_in()
    form = browser.form(browser.get("/console/nothing-here"), "/console/sign-out")
    answer = browser.post("/console/sign-out", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert not browser.is_signed_in()


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"csrf=x", "text/plain", 415),
        (b"a=1&" * 600, "application/x-www-form-urlencoded", 400),
        (b"a=%ff\xff", "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_forms_are_read_within_bounds(
    browser: Browser, content: bytes, kind: str, status: int
) -> None:
    answer = browser.http.post("/console/sign-in", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "path", ["/console/sign-in", "/console/nowhere", "/console/static/console.css"]
)
def test_pages_run_nothing_from_elsewhere_and_are_framed_by_nobody(
    console: World, browser: Browser, path: str
) -> None:
    browser.sign_in(console.olga.token)
    answer = browser.get(path)
    policy = dict(
        one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", answer.text)


def test_files_are_kept_by_browsers_and_nothing_else_is_served(browser: Browser) -> None:
    first = browser.get("/console/static/console.css")
    again = browser.get("/console/static/console.css", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("..%2Fapp.py", "app.py", "%2e%2e", "nothing.css"):
        answer = browser.get(f"/console/static/{name}")
        assert answer.status_code in (303, 404)  # what is no file's name is a page's, for nobody
        assert "Route" not in answer.text


def test_a_page_hears_what_happens_in_the_visitors_workspace(
    console: World, browser: Browser
) -> None:
    browser.sign_in(console.olga.token)
    timer = threading.Timer(0.2, lambda: console.submit(text="Look at this"))
    with browser.http.stream("GET", "/console/live", headers=browser.headers()) as stream:
        timer.start()
        heard = next(line for line in stream.iter_lines() if line.startswith("data: "))
    timer.join()
    assert '"type":"controlPlane.intent.received"' in heard


def test_a_stream_is_for_those_who_are_signed_in(browser: Browser) -> None:
    assert browser.get("/console/live").status_code == 303


def test_no_token_and_no_code_gets_into_the_log(console: World, browser: Browser) -> None:
    token = console.gateway.token("secretive", "admin")
    browser.sign_in(token)
    browser.get("/console/signed-in?code=c0de-of-the-log&state=x")
    log = console.gateway.log()
    assert "/console/sign-in" in log
    assert token not in log
    assert "c0de-of-the-log" not in log


def test_the_console_can_be_left_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = make_world(tmp_path_factory.mktemp("without"), GATEWAY_CONSOLE="off")
    try:
        assert HTTP.get(f"{world.gateway.url}/console").status_code == 404
    finally:
        end_world(world)
