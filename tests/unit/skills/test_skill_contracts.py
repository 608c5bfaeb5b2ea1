"""What a skill may bring, and how it stands beside what is there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.contracts import LiveRegistry, Offer
from gateway.model.problem import Issue
from gateway.skills import TrustPolicy, load_trust
from gateway.skills.contracts import artifact_issues, load_bundle
from gateway.skills.manifest import request_of
from tests.loaded import load_contracts
from tests.unit.skills.skill_kit import (
    NOW,
    archive,
    contract_files,
    ed25519,
    manifest,
    packed,
    write_trust,
)

SCHEMA = Path(__file__).resolve().parents[3] / "schema"
BASE = load_contracts([SCHEMA / "control-plane", SCHEMA / "support"])
REF = "acme.desk@1.0.0"
STOP = "contracts/stop.yaml"


def files(**changes: str) -> dict[str, bytes]:
    """The skill's contract files, with words of the command's file replaced."""
    made = contract_files()
    for old, new in changes.items():
        assert old in made[STOP], old
        made[STOP] = made[STOP].replace(old, new)
    return {path: text.encode() for path, text in made.items()}


def refused(given: dict[str, bytes]) -> list[str]:
    _, issues = load_bundle(REF, given, BASE)
    assert {issue.code for issue in issues} <= {"MANIFEST_INVALID"}
    return [issue.message for issue in issues]


def test_the_contracts_of_a_skill_are_linked_against_what_is_there() -> None:
    bundle, issues = load_bundle(REF, files(), BASE)
    assert issues == ()
    assert list(bundle.operations) == ["desk.plan.stop@1.0.0"]
    assert list(bundle.events) == ["desk.plan.stopped@1.0.0"]
    assert set(bundle.digests) == {"desk.plan.stop@1.0.0", "desk.plan.stopped@1.0.0"}
    again, _ = load_bundle(REF, files(), BASE)
    assert again.digests == bundle.digests


def test_a_skill_does_not_pass_for_a_capability_of_the_gateway() -> None:
    text = contract_files(skill="support.core@9.0.0")
    given = {path: content.encode() for path, content in text.items()}
    bundle, (issue,) = load_bundle("support.core@9.0.0", given, BASE)
    assert not bundle.operations
    assert "a capability of the gateway's own" in issue.message


def test_files_elsewhere_in_the_archive_are_no_contracts() -> None:
    bundle, issues = load_bundle(REF, {"README.md": b"x", "docs/a.yaml": b"a: 1"}, BASE)
    assert (bundle.operations, issues) == ({}, ())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"domain: desk": "domain: control-plane"}, "'control-plane' is the gateway's own"),
        ({"domain: desk": "domain: support"}, "'support' is the gateway's own"),
        ({"key: desk.plan.stop": "key: controlPlane.plan.stop"}, "begin with 'controlPlane'"),
        ({"key: desk.plan.stop": "key: support.refund.issue"}, "begin with 'support'"),
        ({REF: "support.core@1.0.0"}, f"is its own: {REF}"),
        ({f"capability: {REF}\n": ""}, f"is its own: {REF}"),
        ({"desk.plan.stopped@1.0.0": "controlPlane.skill.installed@1.0.0"}, "emits only its own"),
        ({"desk.plan.stopped@1.0.0": "support.refund.issued@1.0.0"}, "emits only its own"),
        ({"timeout: 5s": "timeout: 31s"}, "30 s at most"),
        (
            {"    timeout: 5s": "    headers: {Authorization: '${secret:PAYMENTS_TOKEN}'}"},
            "does not let this publisher use the secret PAYMENTS_TOKEN",
        ),
        ({"risk: medium": "risk: none"}, "CONTRACT_VALUE_INVALID"),
        ({"StopStatus!": "NoStatus!"}, "CONTRACT_TYPE_UNKNOWN"),
    ],
)
def test_what_a_skill_may_not_bring_is_told_with_its_place(
    change: dict[str, str], told: str
) -> None:
    found = refused(files(**change))
    assert any(told in message and f"{STOP}:" in message for message in found), found


def test_a_skill_uses_the_secrets_of_its_publisher_and_of_nobody_else(tmp_path: Path) -> None:
    key = ed25519()
    text = contract_files()
    text[STOP] = text[STOP].replace(
        "    timeout: 5s", "    headers: {Authorization: '${secret:DESK_TOKEN}'}"
    )
    body, content = packed(dict(text), key)
    issues = {}
    for name, secrets in {"own": ("DESK_TOKEN",), "other": ("DESK",), "none": ()}.items():
        write_trust(tmp_path, key, secrets=secrets)
        found = artifact_issues(request_of(body), content, BASE, load_trust(tmp_path))
        issues[name] = [one.message for one in found]
    assert issues["own"] == []
    for name in ("other", "none"):
        (told,) = issues[name]
        assert "use the secret DESK_TOKEN" in told
    stranger = {**body, "publisher": {**body["publisher"], "id": "rival"}}
    write_trust(tmp_path, key, secrets=("DESK_TOKEN",))
    trust = load_trust(tmp_path)
    assert len(artifact_issues(request_of(stranger), content, BASE, trust)) == 1


def test_only_http_performs_a_skills_contract() -> None:
    given = files()
    text = given[STOP].decode()
    given[STOP] = (
        text[: text.index("handler:")] + "handler:\n  python: {target: os:system}"
    ).encode()
    assert any("`handler: {http: ...}` alone" in one for one in refused(given))
    given[STOP] = text[: text.index("handler:")].encode()
    assert any("`handler: {http: ...}` alone" in one for one in refused(given))


def test_a_compensation_is_no_operation_of_the_gateway_itself() -> None:
    undo = (
        "compensation:\n  contract: controlPlane.execution.cancel@1.0.0\n"
        "  input: {executionId: {$from: output.plan}, cancelledBy: me}\n"
    )
    given = files()
    given[STOP] += undo.encode()
    assert any("performed by the gateway itself" in one for one in refused(given))


def test_capability_files_and_broken_files_are_refused_together() -> None:
    given = {
        **files(),
        "contracts/cap.yaml": b"kind: capability\nkey: acme.desk\nversion: 1.0.0\n",
        "contracts/bad.yaml": b"kind: [",
        "contracts/big.yaml": b"#" * 300_000,
        "contracts/list.yaml": b"- 1",
    }
    found = " ".join(refused(given))
    for name in ("cap", "bad", "big", "list"):
        assert f"contracts/{name}.yaml:" in found


def test_an_archive_in_a_file_is_held_to_its_manifest() -> None:
    body, content = packed(dict(contract_files()), ed25519())
    request = request_of(body)
    assert artifact_issues(request, content, BASE, TrustPolicy({})) == ()
    changed = artifact_issues(request, content + b"x", BASE, TrustPolicy({}))
    assert [one.code for one in changed] == ["ARTIFACT_DIGEST_MISMATCH"]
    plain = request_of(manifest())
    other: tuple[Issue, ...] = artifact_issues(plain, archive({}), BASE, TrustPolicy({}))
    assert [one.code for one in other] == ["ARTIFACT_DIGEST_MISMATCH"]


# --- the live registry


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


def bundle_of(version: str = "1.0.0"):  # type: ignore[no-untyped-def]
    given = {
        path: text.encode()
        for path, text in contract_files(version, f"acme.desk@{version}").items()
    }
    bundle, issues = load_bundle(f"acme.desk@{version}", given, BASE)
    assert issues == ()
    return bundle


def test_what_is_offered_is_seen_in_its_workspace_alone() -> None:
    live = LiveRegistry(BASE, Watch().now)
    bundle = bundle_of()
    live.learn(bundle)
    live.offer("acme", [Offer(bundle)])
    here, there = live.of("acme"), live.of("globex")
    assert here.resolve("desk.plan.stop") is bundle.operations["desk.plan.stop@1.0.0"]
    assert "deskPlanStop" in here.fields
    assert "acme.desk@1.0.0" in here.capabilities
    assert here.capabilities["acme.desk@1.0.0"].derived
    assert live.of("acme") is here
    assert there is live.base
    assert live.extended("globex") is None
    assert live.extended("acme") is here
    assert "deskPlanStop" not in live.fields
    assert live.resolve("desk.plan.stop") is None


def test_workspaces_with_the_same_skills_share_one_registry() -> None:
    live = LiveRegistry(BASE, Watch().now)
    first, second = bundle_of("1.0.0"), bundle_of("2.0.0")
    live.offer("acme", [Offer(first), Offer(second)])
    live.offer("globex", [Offer(bundle_of("2.0.0")), Offer(first, NOW + timedelta(days=1))])
    live.offer("initech", [Offer(first)])
    assert live.of("acme") is live.of("globex")
    assert live.of("initech") is not live.of("acme")


def test_what_was_learned_stays_known_when_nobody_is_offered_it() -> None:
    live = LiveRegistry(BASE, Watch().now)
    bundle = bundle_of()
    live.learn(bundle)
    live.offer("acme", [Offer(bundle)])
    live.offer("acme", [])
    assert live.of("acme") is live.base
    assert live.operations["desk.plan.stop@1.0.0"] is bundle.operations["desk.plan.stop@1.0.0"]
    assert "desk.plan.stopped@1.0.0" in live.events
    live.learn(bundle_of())


def test_a_reference_never_changes_its_content() -> None:
    live = LiveRegistry(BASE, Watch().now)
    live.learn(bundle_of())
    other = {
        path: text.replace("Cancel what", "Delete what").encode()
        for path, text in contract_files().items()
    }
    bundle, _ = load_bundle(REF, other, BASE)
    with pytest.raises(ValueError, match=r"desk\.plan\.stop@1\.0\.0 is known"):
        live.learn(bundle)


def test_an_offer_ends_at_its_moment() -> None:
    watch = Watch()
    live = LiveRegistry(BASE, watch.now)
    first, second = bundle_of("1.0.0"), bundle_of("2.0.0")
    ends = NOW + timedelta(hours=1)
    live.offer("acme", [Offer(first), Offer(second, ends)])
    before = live.of("acme")
    resolved = before.resolve("desk.plan.stop")
    assert resolved is not None
    assert resolved.ref == "desk.plan.stop@2.0.0"
    watch.moment = ends
    after = live.of("acme")
    resolved = after.resolve("desk.plan.stop")
    assert resolved is not None
    assert resolved.ref == "desk.plan.stop@1.0.0"
    assert "desk.plan.stop@2.0.0" not in after.operations
    live.offer("acme", [Offer(second, ends)])
    assert live.of("acme") is live.base


def test_an_offer_that_ended_by_a_clock_that_went_back_stands_again() -> None:
    watch = Watch()
    live = LiveRegistry(BASE, watch.now)
    live.offer("acme", [Offer(bundle_of("1.0.0"), NOW + timedelta(hours=1))])
    watch.moment = NOW + timedelta(days=365)
    assert live.of("acme") is live.base
    watch.moment = NOW
    assert live.of("acme").resolve("desk.plan.stop") is not None
    watch.moment = NOW + timedelta(hours=1)
    assert live.of("acme") is live.base


def test_what_is_taken_back_while_another_offer_ends_stays_away() -> None:
    """Readers in other threads put away what has ended; a skill may be disabled meanwhile."""
    ends = NOW + timedelta(hours=1)
    disabling: list[Callable[[], None]] = []

    def now() -> datetime:
        if disabling:
            disabling.pop()()
            return ends
        return NOW

    live = LiveRegistry(BASE, now)
    live.offer("acme", [Offer(bundle_of("1.0.0")), Offer(bundle_of("2.0.0"), ends)])
    disabling.append(lambda: live.offer("acme", []))
    assert live.of("acme") is live.base
    assert live.of("acme") is live.base
