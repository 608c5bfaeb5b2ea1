"""The page for people, with and without GraphiQL."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.surfaces.graphql import Engine, Service, build_schema
from gateway.surfaces.graphql.http.endpoint import GraphQLEndpoint
from gateway.surfaces.graphql.http.graphiql import GRAPHIQL, Page, content_security_policy
from tests.unit.graphql.support import Catalogue, FakeDoor, authenticate, send

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def application(file: Path) -> Starlette:
    service = Service(Engine(build_schema(Catalogue()), FakeDoor()), authenticate)
    endpoint = GraphQLEndpoint(service, page=Page(file))
    return Starlette(routes=[Route("/graphql", endpoint=endpoint)])


def test_without_graphiql_a_plain_page_says_how_to_install_it(tmp_path: Path) -> None:
    answer = send(application(tmp_path / "none.html"), "GET", headers={"accept": BROWSER})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "make graphiql" in answer.text
    assert "<script" not in answer.text
    assert "script-src 'none'" in answer.headers["content-security-policy"]


def test_an_installed_page_is_served_whole_and_may_run_its_own_scripts_only(tmp_path: Path) -> None:
    file = tmp_path / "graphiql.html"
    file.write_text("<html><script>one()</script><script>\ntwo('<b>')\n</script></html>")
    answer = send(application(file), "GET", headers={"accept": BROWSER})
    assert answer.text == file.read_text()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    for script in (b"one()", b"\ntwo('<b>')\n"):
        digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_policy_allows_no_other_origin_and_no_frame_around_the_page() -> None:
    policy = content_security_policy(b"<script>x</script>")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self'" in policy
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in script
    assert not re.search(r"https?:|\*", policy)


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("*/*", False),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/graphql-response+json", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0.5, application/*;q=0.4", True),
        ("text/html, */*", True),
        ("text/html;q=0", False),
    ],
)
def test_only_those_who_ask_for_html_get_the_page(accept: str, page: bool, tmp_path: Path) -> None:
    headers = {"accept": accept, "graphql-require-preflight": "1"}
    answer = send(
        application(tmp_path / "none.html"),
        "GET",
        "/graphql?query=%7B__typename%7D",
        headers=headers,
    )
    assert answer.headers["content-type"].startswith("text/html") is page


@pytest.mark.skipif(
    not GRAPHIQL.is_file(), reason="GraphiQL is optional: make graphiql installs it"
)
def test_the_installed_graphiql_loads_nothing_from_elsewhere() -> None:
    text = GRAPHIQL.read_text(encoding="utf-8")
    assert not re.search(
        r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//", text
    )
    assert '"endpoint":"/graphql"' in text
