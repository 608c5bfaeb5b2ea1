"""Bodies: CloudEvents 1.0, and what becomes of PII."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model.decision import Treatment
from gateway.model.event import Announcement
from gateway.model.pii import Owner
from gateway.privacy import Keyring, KeyringSealer
from gateway.webhooks import ALWAYS_NOTIFIED, Endpoint
from gateway.webhooks.cloud_event import compose

ENDPOINT = Endpoint("hook", "acme", "https://example.com", ("${secret:S}",), ("*",))
EVENT = Announcement(
    id="evt_1",
    position=7,
    index=0,
    type="support.refund.issued",
    version="1.2.0",
    at="2026-03-01T09:30:00.000000Z",
    workspace="acme",
    execution_id="exec_1",
    run_id="run_1",
    payload={"amount": 5, "customer": None},
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def sealer(tmp_path: Path) -> KeyringSealer:
    return KeyringSealer(Keyring.open(tmp_path))


def body(
    sealer: KeyringSealer,
    endpoint: Endpoint = ENDPOINT,
    event: Announcement = EVENT,
    trace: str | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compose(sealer, endpoint, event, trace))
    return found


def test_a_body_is_a_cloud_event(sealer: KeyringSealer) -> None:
    assert body(sealer, trace=TRACE) == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/workspaces/acme",
        "type": "support.refund.issued",
        "subject": "exec_1",
        "time": "2026-03-01T09:30:00.000000Z",
        "dataschema": "urn:contract-gateway:event:support.refund.issued:1.2.0",
        "datacontenttype": "application/json",
        "runid": "run_1",
        "traceparent": body(sealer, trace=TRACE)["traceparent"],
        "data": {"amount": 5, "customer": None},
    }


def test_attributes_have_names_and_values_that_the_format_allows(sealer: KeyringSealer) -> None:
    for name, value in body(sealer, trace=TRACE).items():
        assert re.fullmatch(r"[a-z0-9]{1,20}", name)
        assert name == "data" or (isinstance(value, str) and value)


def test_what_is_not_known_is_left_out(sealer: KeyringSealer) -> None:
    found = body(sealer, event=replace(EVENT, execution_id=None, run_id=None))
    assert not {"subject", "runid", "traceparent"} & set(found)


@pytest.mark.parametrize("trace", ["", "0" * 32, "XYZ", TRACE.upper(), TRACE + "0"])
def test_only_a_valid_trace_id_is_passed_on(sealer: KeyringSealer, trace: str) -> None:
    assert "traceparent" not in body(sealer, trace=trace)


def test_the_parent_of_a_trace_is_the_same_at_every_attempt(sealer: KeyringSealer) -> None:
    first, again = (body(sealer, trace=TRACE)["traceparent"] for _ in range(2))
    assert first == again
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", first)
    other = body(sealer, event=replace(EVENT, id="evt_2"), trace=TRACE)["traceparent"]
    assert other != first


def test_the_source_is_the_configured_one_or_the_path_of_the_workspace(
    sealer: KeyringSealer,
) -> None:
    named = replace(ENDPOINT, source="https://gateway.example.com/acme")
    assert body(sealer, named)["source"] == "https://gateway.example.com/acme"
    odd = replace(ENDPOINT, workspace="a b/c")
    assert body(sealer, odd)["source"] == "/workspaces/a%20b%2Fc"


@pytest.mark.parametrize(
    ("treatment", "seen"),
    [
        (Treatment.DROP, None),
        (Treatment.MASK, "•••@•••"),
        (Treatment.FULL, "[hidden]"),
        (Treatment.PARTIAL, "••••meio"),
    ],
)
def test_pii_is_shown_as_the_endpoint_says_and_never_raw(
    sealer: KeyringSealer, treatment: Treatment, seen: str | None
) -> None:
    sealed = sealer.seal(
        Owner("acme", "call/1"), "support.refund.issued@1.2.0", "payload.email", "ada@acme.io"
    )
    event = replace(EVENT, payload={"amount": 5, "list": [{"email": sealed}]})
    raw = compose(sealer, replace(ENDPOINT, pii=treatment), event, None)
    assert json.loads(raw)["data"] == {"amount": 5, "list": [{"email": seen}]}
    assert b"ada@" not in raw
    assert b"$sealed" not in raw


def test_equal_values_have_one_hash_in_a_workspace_and_another_elsewhere(
    sealer: KeyringSealer,
) -> None:
    def hashed(workspace: str, value: str) -> str:
        sealed = sealer.seal(Owner(workspace, "call/1"), "c@1.0.0", "payload.email", value)
        event = replace(EVENT, workspace=workspace, payload={"email": sealed})
        data = body(sealer, replace(ENDPOINT, pii=Treatment.HASH), event)["data"]
        return str(data["email"])

    shown = hashed("acme", "ada@acme.io")
    assert re.fullmatch(r"hash:[0-9a-f]{24}", shown)
    assert hashed("acme", "ada@acme.io") == shown
    assert len({shown, hashed("acme", "bob@acme.io"), hashed("globex", "ada@acme.io")}) == 3


def test_an_envelope_of_another_workspace_reads_as_absent(sealer: KeyringSealer) -> None:
    sealed = sealer.seal(Owner("globex", "call/1"), "c@1.0.0", "payload.email", "ada@acme.io")
    masking = replace(ENDPOINT, pii=Treatment.MASK)
    assert body(sealer, masking, replace(EVENT, payload={"email": sealed}))["data"] == {
        "email": None
    }


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        (("support.refund.issued",), True),
        (("support.*",), True),
        (("support.refund.*", "other"), True),
        (("*",), True),
        (("support.refund",), False),
        (("support.refund.issued.*",), False),
        (("suppor.*",), False),
        (("support.ref*",), False),
        (("support.refund.issuedd",), False),
    ],
)
def test_an_endpoint_wants_what_its_types_cover(types: tuple[str, ...], wanted: bool) -> None:
    assert replace(ENDPOINT, types=types).wants(EVENT) is wanted


def test_break_glass_is_told_to_every_endpoint_of_its_workspace_and_no_other() -> None:
    narrow = replace(ENDPOINT, types=("support.refund.issued",))
    for key in ALWAYS_NOTIFIED:
        loud = replace(EVENT, type=key)
        assert narrow.wants(loud)
        assert not narrow.wants(replace(loud, workspace="globex"))
    assert "controlPlane.execution.override.used" in ALWAYS_NOTIFIED


def test_events_of_another_workspace_are_never_wanted() -> None:
    assert not ENDPOINT.wants(replace(EVENT, workspace="globex"))
