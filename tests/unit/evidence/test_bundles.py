"""Bundles: what they hold, whose names they keep, and that what is exported verifies."""

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.evidence import archive, build, exporter, verify_bundle
from gateway.evidence.text import signed
from gateway.journal.checkpoint_lines import parsed_line
from gateway.model.decision import Treatment
from gateway.model.entry import EntryType
from gateway.model.pii import Owner
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, rotate_key
from gateway.transparency import leaf_hash, verify_inclusion
from tests.contract.journal_story import PROBLEM
from tests.unit.evidence.bundle_world import (
    EMAIL,
    REFUND,
    TEXT,
    BundleWorld,
    dropped,
    exported_bundles,
    files_of,
    lines_of,
    masked,
    raw,
    registry,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BundleWorld]:
    made = await BundleWorld.open(tmp_path)
    yield made
    await made.journal.close()


async def refused(world: BundleWorld, run_id: str, workspace: str = "acme") -> Problem:
    with pytest.raises(ProblemError) as error:
        await world.exporter.export(workspace, run_id, "olga", masked)
    return error.value.problem


async def test_a_bundle_verifies_with_the_key_given_and_says_whose_key_it_is(
    world: BundleWorld,
) -> None:
    await world.play()
    content = (await world.export()).bundle.content
    signer = world.keyring.signer
    report = verify_bundle(content, [signer.public_key_pem])
    assert (report.findings, report.notes, report.entries) == ((), (), 9)
    assert (report.key_id, report.key_given) == (signer.key_id, True)
    assert not verify_bundle(content).key_given


async def test_entries_stand_as_they_are_stored(world: BundleWorld) -> None:
    await world.play()
    lines = lines_of((await world.export(raw)).bundle.content)
    with closing(sqlite3.connect(world.folder / "gateway.db")) as database:
        sql = "SELECT seq, body, hash FROM entry WHERE chain = 'execution/exec_one' ORDER BY seq"
        stored = database.execute(sql).fetchall()
    assert [(line["seq"], line["body"], line["hash"]) for line in lines] == stored


@pytest.mark.parametrize(
    ("treat", "shown", "is_masked"),
    [(raw, EMAIL, False), (masked, "c•••@•••", True), (dropped, None, True)],
)
async def test_views_show_personal_data_as_the_exporter_may_see_it(
    world: BundleWorld, treat: object, shown: str | None, is_masked: bool
) -> None:
    await world.play()
    made = await world.export(treat)  # type: ignore[arg-type] # parametrized
    files = files_of(made.bundle.content)
    (asked,) = json.loads(files["approvals.json"])["approvals"]
    assert asked["request"]["body"]["arguments"]["customerEmail"] == shown
    assert asked["status"] == "used"
    manifest = json.loads(files["manifest.json"])
    assert manifest["masked"] is made.bundle.masked is is_masked
    listed = {(one["contract"], one["field"]) for one in manifest["personalData"]}
    assert listed == {
        (REFUND, "input.customerEmail"),
        ("controlPlane.intent.submit@1.0.0", "input.text"),
    }


async def test_one_field_may_be_shown_and_another_masked(world: BundleWorld) -> None:
    await world.play()

    def treat(_: str, field: str) -> Treatment:
        return Treatment.RAW if field == "input.customerEmail" else Treatment.MASK

    content = (await world.export(treat)).bundle.content
    assert verify_bundle(content).ok
    told = b"".join(files_of(content).values())
    assert EMAIL.encode() in told
    assert TEXT.encode() not in told


def test_a_masked_bundle_holds_nothing_raw_and_no_other_tenant() -> None:
    content, shown, _ = exported_bundles()
    told = b"".join(files_of(content).values())
    assert EMAIL.encode() not in told
    assert TEXT.encode() not in told
    assert EMAIL.encode() in b"".join(files_of(shown).values())
    assert b"foreign" not in told
    assert b"rival" not in told


async def test_what_was_sealed_and_cannot_be_opened_any_more_reads_as_null(
    world: BundleWorld,
) -> None:
    await world.play()

    class Shredded:
        """The keys are gone."""

        def unseal(self, workspace: str, envelope: object) -> object:
            raise ValueError("its key is gone")

        def seal(self, *given: str) -> dict[str, object]:
            return world.exporter.sealer.seal(*given)  # type: ignore[arg-type] # passed on

    gone = replace(world.exporter, sealer=Shredded())  # type: ignore[arg-type] # in-test fake
    made = await gone.export("acme", "run_one", "olga", raw)
    assert verify_bundle(made.bundle.content).ok
    assert EMAIL.encode() not in b"".join(files_of(made.bundle.content).values())


async def test_the_same_snapshot_gives_the_same_archive() -> None:
    content, _, _ = exported_bundles()
    assert archive.write_archive(files_of(content)) == content


async def test_a_run_that_is_not_over_says_so(world: BundleWorld) -> None:
    await world.play(whole=False)
    content = (await world.export()).bundle.content
    manifest = json.loads(files_of(content)["manifest.json"])
    assert (manifest["status"], manifest["ended"], manifest["throughSeq"]) == ("running", False, 5)
    assert verify_bundle(content).ok


async def test_the_head_is_vouched_for_by_a_checkpoint_taken_then(world: BundleWorld) -> None:
    await world.play()
    files = files_of((await world.export()).bundle.content)
    statement = json.loads(files["checkpoint.json"])
    with closing(sqlite3.connect(world.folder / "gateway.db")) as database:
        number, line = database.execute("SELECT number, line FROM checkpoint").fetchone()
    told = json.loads(line)
    size, leaf = told["position"], leaf_hash(bytes.fromhex(statement["hash"]))
    signed_root = parsed_line(line).checkpoint.root
    path = await world.journal.read(
        lambda records: records.inclusion_proof(statement["position"], size)
    )
    assert verify_inclusion(leaf, statement["position"] - 1, size, path, signed_root)
    assert files["checkpoint.note"].decode() == told["note"]
    assert statement["checkpoint"] == {
        "number": number,
        "position": told["position"],
        "digest": hashlib.sha256(line.encode()).hexdigest(),
    }


async def test_a_bundle_still_verifies_after_its_key_was_rotated(world: BundleWorld) -> None:
    await world.play()
    content = (await world.export()).bundle.content
    await world.journal.close()
    keys = CheckpointKeys(world.folder)
    rotate_key(world.folder / "gateway.db", keys, SystemClock())

    new, old = (path.read_text() for path in keys.public_files())

    assert verify_bundle(content, [old]).ok
    assert verify_bundle(content, [new, old]).ok
    assert not verify_bundle(content, [new]).ok


async def test_contracts_stand_with_the_content_that_the_plan_binds(world: BundleWorld) -> None:
    await world.play()
    files = files_of((await world.export()).bundle.content)
    held = json.loads(files[f"contracts/{REFUND}.json"])
    (bound,) = held["bound"]
    assert bound["digest"] == registry().operations[REFUND].digest
    assert bound["content"]["contract"]["handler"]["http"]["method"] == "POST"
    assert hashlib.sha256(signed(bound["content"])).hexdigest() == bound["digest"]


async def test_a_contract_that_changed_since_is_told_as_a_note(world: BundleWorld) -> None:
    await world.play()
    without = replace(world.exporter, content_of=lambda _: None)
    made = await without.export("acme", "run_one", "olga", masked)
    report = verify_bundle(made.bundle.content)
    assert report.ok
    (note,) = report.notes
    assert REFUND in note


async def test_what_was_attached_is_told_with_its_personal_data_masked(world: BundleWorld) -> None:
    await world.play()
    ref = "controlPlane.evidence.attach@1.0.0"
    content = world.exporter.sealer.seal(
        Owner("acme", "call/1"), ref, "input.content", {"note": EMAIL}
    )
    item = {"evidenceId": "evid_1", "runId": "run_one", "kind": "artifact", "key": "plan_pack"}
    kind = EntryType.EVIDENCE_ATTACHED
    await world.append(world.story.entry(kind, **item, content=content))
    made = (await world.export()).bundle.content
    (attached,) = json.loads(files_of(made)["attachments.json"])["attachments"]
    assert attached["body"] == {**item, "content": {"note": "c•••@•••"}}
    assert verify_bundle(made).ok


async def test_a_step_that_is_tried_anew_has_attempts_of_its_own(world: BundleWorld) -> None:
    await world.play(whole=False)
    story = world.story
    failed = story.step(EntryType.STEP_FAILED, "a", attempt=1, epoch=1, problem=PROBLEM)
    await world.append(story.dispatched("a"), failed, story.dispatched("a"), story.completed("a"))
    made = (await world.export()).bundle.content
    found = json.loads(files_of(made)["attempts.json"])["attempts"]
    told = [(one["attempt"], one["status"]) for one in found if one["attempt"]]
    assert told == [(1, "failed"), (1, "completed")]


async def test_an_unknown_run_and_one_of_another_workspace_are_told_alike(
    world: BundleWorld,
) -> None:
    await world.play()
    assert (await refused(world, "run_none")).code == "NOT_FOUND"
    assert (await refused(world, "run_one", "rival")).code == "NOT_FOUND"
    assert (await refused(world, "run_foreign")).code == "NOT_FOUND"
    assert not (world.folder / "evidence").exists()


async def test_a_bundle_that_would_be_too_large_is_refused_and_leaves_nothing(
    world: BundleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.play()
    for limit in (1_000, 10_000):  # too many entries; too much with the views
        monkeypatch.setattr(build, "MAX_BYTES", limit)
        assert (await refused(world, "run_one")).code == "PAYLOAD_TOO_LARGE"
    assert not (world.folder / "evidence").exists()


async def test_no_evidence_is_made_of_a_record_that_was_altered(world: BundleWorld) -> None:
    await world.play()
    with closing(sqlite3.connect(world.folder / "gateway.db")) as database, database:
        change = "UPDATE entry SET body = replace(body, 'autonomous', 'assist')"
        assert database.execute(f"{change} WHERE type = 'run.started'").rowcount > 0
    told = await refused(world, "run_one")
    assert told.code == "PRECONDITION_FAILED"
    assert "entry 4" in told.detail
    assert "audit verify" in told.detail


async def test_long_chains_are_read_in_pages(
    world: BundleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "_PAGE", 3)
    await world.play()
    made = await world.export()
    assert verify_bundle(made.bundle.content).entries == 9


@pytest.mark.parametrize(
    "body", ["replace(body, '\"$sealed\":[2,', '\"$sealed\":[9,')", "'no JSON'"]
)
async def test_no_evidence_is_made_of_a_record_whose_entries_cannot_be_read(
    world: BundleWorld, body: str
) -> None:
    await world.play()
    with closing(sqlite3.connect(world.folder / "gateway.db")) as database, database:
        change = f"UPDATE entry SET body = {body} WHERE body LIKE '%$sealed%'"  # noqa: S608
        assert database.execute(change).rowcount > 0
    assert (await refused(world, "run_one")).code == "PRECONDITION_FAILED"
