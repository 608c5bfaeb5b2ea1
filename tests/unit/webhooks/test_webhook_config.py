"""The file of endpoints: read in full, or refused with everything that is wrong."""

import logging
from pathlib import Path

import pytest

from gateway.actions import Secrets
from gateway.contracts import Registry, load_contracts
from gateway.model.decision import Treatment
from gateway.model.problem import Problem, ProblemError
from gateway.webhooks import Endpoint, load_endpoints

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = Secrets({"GOOD": SECRET, "NEXT": SECRET, "BAD": "whsec_AAAA", "ODD": "pass word"})
GOOD = """
- id: billing
  workspace: acme
  url: https://hooks.example.com/gateway
  secret: ${secret:GOOD}
  types: [shop.order.placed]
"""


EVENT = """
key: shop.order.placed
version: 1.0.0
kind: event
title: Order placed
description: Somebody ordered.
goal: Tell.
context: Emitted.
domain: shop
owners: [shop.core]
tags: [shop]
stability: stable
payload:
  orderId: ID!
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "order.placed.yaml").write_text(EVENT)
    return load_contracts([folder])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "webhooks.yaml"


def load(
    file: Path, registry: Registry, text: str, hosts: tuple[str, ...] = ()
) -> tuple[Endpoint, ...]:
    file.write_text(text)
    return load_endpoints(file, hosts, registry, SECRETS)


def refusal(file: Path, registry: Registry, text: str, hosts: tuple[str, ...] = ()) -> Problem:
    with pytest.raises(ProblemError) as caught:
        load(file, registry, text, hosts)
    told = caught.value.problem
    assert told.code == "WEBHOOKS_INVALID"
    return told


def test_without_a_file_there_are_no_endpoints(registry: Registry) -> None:
    assert load_endpoints(None, (), registry, SECRETS) == ()


@pytest.mark.parametrize("text", ["", "[]"])
def test_an_empty_list_is_no_endpoint(file: Path, registry: Registry, text: str) -> None:
    assert load(file, registry, text) == ()


def test_an_endpoint_has_defaults(file: Path, registry: Registry) -> None:
    (found,) = load(file, registry, GOOD)
    assert found == Endpoint(
        id="billing",
        workspace="acme",
        url="https://hooks.example.com/gateway",
        secrets=("${secret:GOOD}",),
        types=("shop.order.placed",),
        pii=Treatment.DROP,
        source=None,
        enabled=True,
    )


def test_every_member_can_be_set(file: Path, registry: Registry) -> None:
    (found,) = load(
        file,
        registry,
        """
- id: A-1_b
  workspace: acme
  url: http://127.0.0.1:9000/x?y=1
  secret: ["${secret:NEXT}", "${secret:GOOD}"]
  types: ["controlPlane.*", "*"]
  pii: mask
  source: https://gateway.example.com/acme
  enabled: false
""",
        hosts=("127.0.0.1:*",),
    )
    assert found.secrets == ("${secret:NEXT}", "${secret:GOOD}")
    assert (found.pii, found.enabled) == (Treatment.MASK, False)
    assert found.origin == "https://gateway.example.com/acme"


BAD = """
- id: billing
  workspace: acme
  url: http://hooks.example.com
  secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
  typs: [a]
  pii: raw
  types: ["controlPlane.*", "x y"]
- id: billing
  workspace: ""
  url: https://user:hunter2@hooks.example.com
  secret: ["${secret:NOPE}", "${secret:BAD}", "${secret:ODD}"]
  types: []
  enabled: "yes"
- 7
- id: far
  workspace: acme
  url: https://10.0.0.1/x
  source: "not a uri"
"""


def test_everything_that_is_wrong_is_told_at_once_with_its_place(
    file: Path, registry: Registry
) -> None:
    told = refusal(file, registry, BAD)
    found = [(issue.path, issue.code) for issue in told.issues]
    assert found == [
        ("webhooks.yaml:4:8", "WEBHOOK_VALUE"),
        ("webhooks.yaml:5:11", "WEBHOOK_VALUE"),
        ("webhooks.yaml:6:3", "WEBHOOK_VALUE"),
        ("webhooks.yaml:7:8", "WEBHOOK_VALUE"),
        ("webhooks.yaml:8:29", "WEBHOOK_VALUE"),
        ("webhooks.yaml:10:14", "WEBHOOK_VALUE"),
        ("webhooks.yaml:11:8", "WEBHOOK_VALUE"),
        ("webhooks.yaml:12:12", "WEBHOOK_SECRET"),
        ("webhooks.yaml:12:30", "WEBHOOK_SECRET"),
        ("webhooks.yaml:12:47", "WEBHOOK_SECRET"),
        ("webhooks.yaml:13:10", "WEBHOOK_VALUE"),
        ("webhooks.yaml:14:12", "WEBHOOK_VALUE"),
        ("webhooks.yaml:15:3", "WEBHOOK_VALUE"),
        ("webhooks.yaml:16:3", "WEBHOOK_VALUE"),
        ("webhooks.yaml:16:3", "WEBHOOK_VALUE"),
        ("webhooks.yaml:18:8", "WEBHOOK_HOST_REFUSED"),
        ("webhooks.yaml:19:11", "WEBHOOK_VALUE"),
    ]
    messages = {issue.path: issue.message for issue in told.issues}
    assert "did you mean 'types'" in messages["webhooks.yaml:6:3"]
    assert "GATEWAY_WEBHOOK_HOSTS" in messages["webhooks.yaml:18:8"]


def test_a_workspace_has_one_endpoint_of_an_id(file: Path, registry: Registry) -> None:
    written = (
        "- {{id: hook, workspace: {}, url: https://h.example.com/{}, types: ['*'],"
        " secret: '${{secret:GOOD}}'}}\n"
    )
    two = written.format("acme", 1) + written.format("globex", 2)
    found = load(file, registry, two)
    assert [one.place for one in found] == [("acme", "hook"), ("globex", "hook")]
    (issue,) = refusal(file, registry, two + written.format("acme", 3)).issues
    assert (issue.path, issue.code) == ("webhooks.yaml:3:8", "WEBHOOK_VALUE")
    assert "'hook' is taken (at webhooks.yaml:1:8)" in issue.message


def test_no_message_holds_a_secret_or_the_credentials_of_a_url(
    file: Path, registry: Registry
) -> None:
    told = str(refusal(file, registry, BAD).to_json())
    for secret in ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "hunter2", "whsec_AAAA", "pass word"):
        assert secret not in told


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- &a {id: x}",
        "- id: a\n  id: b\n",
        "--- 1\n--- 2\n",
        "- \xff",
        "[" * 5000,
        "x" * 300_000,
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_place(
    file: Path, registry: Registry, text: str
) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProblemError) as caught:
        load_endpoints(file, (), registry, SECRETS)
    told = caught.value.problem
    assert told.code == "WEBHOOKS_INVALID"
    assert {issue.code for issue in told.issues} == {"WEBHOOK_SYNTAX"}
    assert all(issue.path.startswith("webhooks.yaml:") for issue in told.issues)


@pytest.mark.parametrize("name", ["Acme", "acme corp", '"acme\\0"', '"acme\\n"', "a" * 64])
def test_a_workspace_that_nobody_can_be_in_is_told(
    file: Path, registry: Registry, name: str
) -> None:
    text = GOOD.replace("workspace: acme", f"workspace: {name}")
    (issue,) = refusal(file, registry, text).issues
    assert (issue.path, issue.code) == ("webhooks.yaml:3:14", "WEBHOOK_VALUE")


@pytest.mark.parametrize("host", ["10.0.0.256", "999.1.1.1:8443", "xn--"])
def test_a_host_that_nothing_can_be_sent_to_is_told(
    file: Path, registry: Registry, host: str
) -> None:
    text = GOOD.replace("hooks.example.com", host)
    (issue,) = refusal(file, registry, text, hosts=(host,)).issues
    assert (issue.path, issue.code) == ("webhooks.yaml:4:8", "WEBHOOK_VALUE")
    assert "(its host is none)" in issue.message


@pytest.mark.parametrize("text", ["{}", "7", "hello", "null", "- - a"])
def test_another_shape_is_told(file: Path, registry: Registry, text: str) -> None:
    (issue,) = refusal(file, registry, text).issues
    assert (issue.code, "list of up to" in issue.message) == ("WEBHOOK_VALUE", True)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(ProblemError) as caught:
        load_endpoints(tmp_path, (), registry, SECRETS)
    assert caught.value.problem.issues[0].code == "WEBHOOK_SYNTAX"


@pytest.mark.parametrize(
    ("url", "hosts", "fits"),
    [
        ("https://hooks.example.com", (), True),
        ("http://hooks.example.com", (), False),
        ("http://hooks.example.com", ("hooks.example.com",), True),
        ("https://other.example.com", ("hooks.example.com",), False),
        ("https://127.0.0.1:8443", (), False),
        ("https://127.0.0.1:8443", ("127.0.0.1:8443",), True),
        ("https://localhost", (), False),
        ("https://[::1]/", (), False),
        ("https://[::ffff:10.0.0.1]/", (), False),
        ("ftp://hooks.example.com", (), False),
        ("https://hooks.example.com/#x", (), False),
        ("https://hooks.example.com/a b", (), False),
        ("https://hooks.example.com/ä", (), False),
        ("https://hooks.example.com/%C3%A4?t=1", (), True),
        ("hooks.example.com", (), False),
    ],
)
def test_urls_lead_to_public_hosts_over_https_or_to_named_ones(
    file: Path, registry: Registry, url: str, hosts: tuple[str, ...], fits: bool
) -> None:
    text = GOOD.replace("https://hooks.example.com/gateway", f'"{url}"')
    if fits:
        assert load(file, registry, text, hosts)[0].url == url
    else:
        refusal(file, registry, text, hosts)


def test_a_type_that_covers_no_event_is_warned_of(
    file: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        load(file, registry, GOOD.replace("placed]", "placd, shop.*]"))
    assert "'shop.order.placd' covers no event; did you mean 'shop.order.placed'" in caplog.text
    assert "shop.*" not in caplog.text
