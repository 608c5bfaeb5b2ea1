"""The registry of skills: what is checked, what clashes, what a restart takes up again."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.blobs import FolderBlobs
from gateway.contracts import LiveRegistry
from gateway.model.json import digest
from gateway.model.problem import Issue, ProblemError
from gateway.model.skill import Installation, SkillStatus
from gateway.skills import Checked, Report, Request, SkillRegistry, digest_of, open_skills, registry
from gateway.skills.manifest import request_of
from tests.loaded import load_contracts
from tests.unit.skills.skill_kit import (
    NOW,
    JsonObject,
    contract_files,
    ed25519,
    manifest,
    packed,
    write_trust,
)

SCHEMA = Path(__file__).resolve().parents[3] / "schema"
BASE = load_contracts([SCHEMA / "control-plane"])
KEY = ed25519()


class Shelf:
    """A gateway's skills in a folder, which another process can open again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moment = NOW
        self.issues: list[Issue] = []
        if not (folder / "skills.yaml").exists():
            write_trust(folder, KEY)
        self.live = LiveRegistry(BASE, self.now)
        self.skills: SkillRegistry = open_skills(
            self.live,
            blobs=FolderBlobs(folder / "skills"),
            policy_dir=folder,
            clock=self,
            inspect=lambda _: self.issues,
        )

    def now(self) -> datetime:
        return self.moment

    def check(self, body: JsonObject, content: bytes | None = None) -> Checked:
        if content is not None:
            self.skills.store.put(digest_of(content), content)
        return self.skills.check(request_of(body))

    def install(self, checked: Checked, workspace: str = "acme") -> Installation:
        assert checked.report.issues == ()
        self.skills.learn(checked)
        made = installed(checked, workspace)
        self.skills.publish(workspace, [made])
        return made


def skill(key: str = "acme.desk", version: str = "1.0.0", **more: Any) -> tuple[JsonObject, bytes]:
    files = contract_files(more.pop("contract", version), f"{key}@{version}")
    for old, new in more.pop("changes", {}).items():
        files = {path: text.replace(old, new) for path, text in files.items()}
    return packed(dict(files), KEY, manifest(key, version), **more)


def installed(checked: Checked, workspace: str = "acme") -> Installation:
    request = checked.request
    return Installation(
        id="skill_1",
        workspace=workspace,
        key=request.key,
        version=request.version,
        status=SkillStatus.INSTALLED,
        publisher="acme",
        provenance="",
        manifest_digest=checked.manifest_digest,
        artifact_digest=request.artifact_digest,
        manifest=request.manifest,
        contracts=checked.bundle.digests,
        trust_digest="",
        installed_at="2026-06-01T12:00:00.000000Z",
        installed_by="olga",
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def codes(issues: tuple[Issue, ...]) -> list[str]:
    return [issue.code for issue in issues]


def test_an_archive_is_opened_only_for_a_trusted_manifest(shelf: Shelf) -> None:
    body, content = skill()
    body["publisher"]["id"] = "somebody"
    checked = shelf.check(body, content)
    assert codes(checked.report.issues) == ["PUBLISHER_UNTRUSTED"]
    assert not checked.bundle.operations
    assert not checked.is_missing
    body, _ = skill(changes={"Cancel": "End"})
    assert shelf.check(body).is_missing


def test_what_keeps_handlers_from_being_performed_is_an_issue(shelf: Shelf) -> None:
    shelf.issues = [Issue("contracts/stop.yaml", "ACTION_HOST_REFUSED", "no such host here")]
    (issue,) = shelf.check(*skill()).report.issues
    assert issue.code == "MANIFEST_INVALID"
    assert "ACTION_HOST_REFUSED: no such host here" in issue.message


def test_a_reference_or_key_of_another_skill_is_refused(shelf: Shelf) -> None:
    first = shelf.install(shelf.check(*skill()))
    same_ref = shelf.check(*skill("acme.other", "1.0.0"))
    for workspace in ("acme", "globex"):
        told = [one.message for one in shelf.skills.clashes(same_ref, workspace, [first])]
        assert sorted(told) == [
            "The key of desk.plan.stopped@1.0.0 belongs to another skill; choose another key.",
            "desk.plan.stop@1.0.0 was brought with another content; raise the contract's version.",
        ]
    same_key = shelf.check(*skill("acme.other", "1.0.0", contract="9.0.0"))
    disabled = replace(first, status=SkillStatus.DISABLED)
    assert (
        "belongs to another skill" in shelf.skills.clashes(same_key, "acme", [disabled])[0].message
    )
    again = shelf.check(*skill())
    assert shelf.skills.clashes(again, "globex", [first]) == ()
    newer = shelf.check(*skill("acme.desk", "2.0.0"))
    assert shelf.skills.clashes(newer, "acme", [first]) == ()


def test_a_skills_key_stays_its_first_publishers(shelf: Shelf) -> None:
    first = replace(shelf.install(shelf.check(*skill())), publisher="somebody")
    newer = shelf.check(*skill("acme.desk", "2.0.0"))
    (issue,) = shelf.skills.clashes(newer, "globex", [first])
    assert issue.message == "The skill acme.desk is another publisher's; choose another key."


RIVALS = {"desk.plan": "desk.order", "StopStatus": "EndStatus"}
"""Contracts of the keys' first word and domain of the first skill's, and else of their own."""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (RIVALS, ["Contracts of the domain 'desk'", "Keys that begin with 'desk'"]),
        (RIVALS | {"domain: desk": "domain: till"}, ["Keys that begin with 'desk'"]),
        ({**RIVALS, "desk.plan": "till.order"}, ["Contracts of the domain 'desk'"]),
    ],
    ids=["both", "key", "domain"],
)
def test_what_rules_say_of_one_publishers_contracts_holds_for_no_others(
    shelf: Shelf, changes: dict[str, str], told: list[str]
) -> None:
    first = shelf.install(shelf.check(*skill()))
    rival = shelf.check(*skill("acme.rival", "1.0.0", changes=changes))
    assert shelf.skills.clashes(rival, "acme", [first]) == ()  # a publisher's own skills may share
    for others in (first, replace(first, status=SkillStatus.DISABLED)):
        foreign = replace(others, publisher="somebody")
        for workspace in ("acme", "globex"):
            found = shelf.skills.clashes(rival, workspace, [foreign])
            assert [one.message for one in found] == [
                f"{name} belong to the skills of another publisher; choose others." for name in told
            ]
    shelf.skills.expect(rival)
    late = replace(installed(rival), publisher="somebody")
    newer = shelf.check(*skill("acme.desk", "2.0.0"))
    assert shelf.skills.clashes(newer, "acme", [first, late]) == ()


def test_names_of_another_publisher_are_waited_for_and_of_lost_ones_the_keys_count(
    shelf: Shelf,
) -> None:
    first = replace(shelf.install(shelf.check(*skill())), publisher="somebody")
    there = Shelf(shelf.folder)
    rival = there.check(*skill("acme.rival", "1.0.0", changes=RIVALS))
    with pytest.raises(ProblemError) as refused:
        there.skills.clashes(rival, "globex", [first])
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    there.skills.store.get = lambda _: None  # type: ignore[method-assign] # its archive is lost
    there.skills.restore([first])
    (issue,) = there.skills.clashes(rival, "globex", [first])
    assert "Keys that begin with 'desk'" in issue.message


def test_names_that_would_mean_two_things_in_one_schema_are_refused(shelf: Shelf) -> None:
    first = shelf.install(shelf.check(*skill()))
    changes = {"desk.plan": "desk.order", "[ACTIVE, CANCELLED]": "[ACTIVE, GONE]"}
    other = shelf.check(*skill("acme.more", "1.0.0", changes=changes))
    assert codes(shelf.skills.clashes(other, "acme", [first])) == ["MANIFEST_INVALID"]
    assert "DeskStopStatus" in shelf.skills.clashes(other, "acme", [first])[0].message
    assert shelf.skills.clashes(other, "globex", [first]) == ()
    disabled = replace(first, status=SkillStatus.DISABLED)
    assert shelf.skills.clashes(other, "acme", [disabled]) == ()


def test_another_process_takes_up_what_is_stored(shelf: Shelf) -> None:
    enabled = shelf.install(shelf.check(*skill()))
    checked = shelf.check(*skill("acme.desk", "2.0.0"))
    disabled = replace(installed(checked), status=SkillStatus.DISABLED)
    later = Shelf(shelf.folder)
    later.skills.restore([enabled, disabled])
    assert "desk.plan.stop@1.0.0" in later.live.of("acme").operations
    assert "desk.plan.stop@2.0.0" not in later.live.of("acme").operations
    assert "desk.plan.stop@2.0.0" in later.live.operations
    for ref, contract in checked.bundle.operations.items():
        assert later.live.operations[ref].digest == contract.digest
        content = later.skills.content_of(contract.digest)
        assert content is not None
        assert digest(content) == contract.digest
    assert later.skills.content_of("0" * 64) is None


def test_a_lost_or_other_artifact_is_told_and_not_offered(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    body, content = skill()
    made = shelf.install(shelf.check(body, content))
    later = Shelf(shelf.folder)
    later.skills.restore([replace(made, contracts={"desk.plan.stop@1.0.0": "0" * 64})])
    assert "not those that it brought" in caplog.text
    (file,) = (shelf.folder / "skills").iterdir()
    file.write_bytes(b"damaged")
    later.skills.restore([made])
    assert "is gone" in caplog.text
    assert later.live.of("acme") is later.live.base
    assert "desk.plan.stop@1.0.0" not in later.live.operations


def test_what_cannot_be_performed_any_more_stays_known_for_runs(shelf: Shelf) -> None:
    made = shelf.install(shelf.check(*skill()))
    later = Shelf(shelf.folder)
    later.issues = [Issue("x", "SECRET_MISSING", "SKILL_TOKEN is not set")]
    later.skills.restore([made])
    assert later.live.of("acme") is later.live.base
    assert "desk.plan.stop@1.0.0" in later.live.operations


def test_a_skill_is_offered_while_its_signature_and_publisher_hold(shelf: Shelf) -> None:
    body, content = skill(expires_at=NOW + timedelta(hours=1))
    made = shelf.install(shelf.check(body, content))
    assert shelf.skills.holds(made)
    assert shelf.live.extended("acme")
    shelf.moment = NOW + timedelta(hours=1)
    assert not shelf.skills.holds(made)
    assert shelf.live.extended("acme") is None
    write_trust(shelf.folder, KEY, expired=True)
    lenient = Shelf(shelf.folder)
    lenient.moment = shelf.moment
    lenient.skills.restore([made])
    assert lenient.live.extended("acme")
    write_trust(shelf.folder, ed25519())
    strict = Shelf(shelf.folder)
    strict.skills.restore([made])
    assert strict.live.extended("acme") is None
    assert "desk.plan.stop@1.0.0" in strict.live.operations


def test_signatures_are_checked_once_however_often_skills_come_and_go(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    original = registry.verify_manifest

    def counted(request: Request, *given: Any) -> Report:
        checked.append(request.ref)
        return original(request, *given)

    made = shelf.install(shelf.check(*skill(expires_at=NOW + timedelta(hours=1))))
    other = shelf.install(shelf.check(*skill("acme.desk", "2.0.0")))
    monkeypatch.setattr(registry, "verify_manifest", counted)
    for _ in range(3):
        shelf.skills.publish_all([made, other])
    assert checked == []
    forged = {**made.manifest, "publisher": {**made.manifest["publisher"], "id": "somebody"}}
    assert not shelf.skills.holds(replace(made, manifest=forged))
    assert checked == ["acme.desk@1.0.0"]
    shelf.moment = NOW + timedelta(hours=1)
    assert (shelf.skills.holds(made), shelf.skills.holds(other)) == (False, True)
    shelf.moment = NOW
    assert shelf.skills.holds(made)
    later = Shelf(shelf.folder)
    later.skills.restore([made, other])
    assert len(checked) == 3


def test_a_skill_is_awaited_until_it_was_looked_at_even_in_vain(shelf: Shelf) -> None:
    body, content = skill()
    made = shelf.install(shelf.check(body, content))
    assert shelf.live.has_taken_up(made.id)
    later = Shelf(shelf.folder)
    later.skills.publish_all([made])
    assert not later.live.has_taken_up(made.id)
    (file,) = (shelf.folder / "skills").iterdir()
    file.unlink()
    later.skills.restore([made])
    assert later.live.has_taken_up(made.id)
    assert BASE.has_taken_up("any")


GONE = {"desk.plan": "desk.order", "[ACTIVE, CANCELLED]": "[ACTIVE, GONE]"}
"""Another skill's contracts, whose enum has the name of the first one's."""


def test_nothing_is_installed_beside_what_is_not_known_here_yet(shelf: Shelf) -> None:
    first = shelf.install(shelf.check(*skill()))
    there = Shelf(shelf.folder)
    other = there.check(*skill("acme.more", "1.0.0", changes=GONE))
    with pytest.raises(ProblemError) as refused:
        there.skills.clashes(other, "acme", [first])
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    assert there.skills.clashes(other, "globex", [first]) == ()
    there.skills.load([first])
    assert codes(there.skills.clashes(other, "acme", [first])) == ["MANIFEST_INVALID"]


def test_what_is_not_offered_keeps_its_names_all_the_same(shelf: Shelf) -> None:
    first = shelf.install(shelf.check(*skill()))
    there = Shelf(shelf.folder)
    there.issues = [Issue("x", "SECRET_MISSING", "SKILL_TOKEN is not set")]
    there.skills.restore([first])
    there.skills.restore([first])
    assert there.live.extended("acme") is None
    there.issues = []
    other = there.check(*skill("acme.more", "1.0.0", changes=GONE))
    assert codes(there.skills.clashes(other, "acme", [first])) == ["MANIFEST_INVALID"]
    there.install(there.check(*skill()))
    assert there.live.extended("acme")


def test_nothing_is_installed_beside_what_is_lost(shelf: Shelf) -> None:
    first = shelf.install(shelf.check(*skill()))
    there = Shelf(shelf.folder)
    (file,) = (shelf.folder / "skills").iterdir()
    file.unlink()
    there.skills.restore([first])
    other = there.check(*skill("acme.more", "1.0.0", changes=GONE))
    with pytest.raises(ProblemError) as refused:
        there.skills.clashes(other, "acme", [first])
    assert refused.value.problem.code == "PRECONDITION_FAILED"
    disabled = replace(first, status=SkillStatus.DISABLED)
    assert there.skills.clashes(other, "acme", [disabled]) == ()
