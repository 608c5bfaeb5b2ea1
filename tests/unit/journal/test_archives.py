"""Archived stretches: what goes and what stays, and that nothing is lost unseen on the way."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal import (
    Archived,
    Archiving,
    Finding,
    FindingKind,
    Returning,
    Until,
    Verification,
    read_record,
    rebuild_matches,
    rebuild_record,
    verify_record,
)
from gateway.journal.archives import choosing, segment
from gateway.journal.archives.segment import Row, Segment, check_segment, write_segment
from gateway.journal.sealed_entries import open_sealed
from gateway.model.delivery import Delivery
from gateway.model.entry import EntryType, NewEntry
from gateway.model.problem import ProblemError
from gateway.transparency import Frontier, leaf_hash
from tests.contract.journal_story import WORKSPACE, SteppingClock, Story, call

pytestmark = pytest.mark.anyio


def archive(record, until: Until | None = None, *, keep: bool = False) -> Archived:
    folder = record.folder / "archive"
    clock = SteppingClock()
    archiving = Archiving(record.path, folder, record.signer, clock, keep)
    return archiving.run(until or Until(through=1_000_000))


def put_back(record, *files: Path) -> int:
    chosen = files or sorted((record.folder / "archive").iterdir())
    return Returning(record.path, record.signer, SteppingClock()).run(chosen).entries


def findings(record, *, read: bool = True) -> list[Finding]:
    folder = record.folder / "archive" if read else None
    report = Verification(record.path, [record.signer.public_key_pem], archive=folder).run()
    return list(report.findings)


def kinds(record, *, read: bool = True) -> set[FindingKind]:
    return {finding.kind for finding in findings(record, read=read)}


async def tell(record, *entries: NewEntry) -> None:
    async def fill(journal, _) -> None:
        for entry in entries:
            await journal.write(lambda tx, entry=entry: tx.append(entry))

    await record.session(fill)


def executions(record) -> list[str]:
    return [row[0] for row in record.sql("SELECT id FROM execution ORDER BY id")]


def segment_of(record) -> Path:
    (found,) = (record.folder / "archive").iterdir()
    return found


def tables_of(record) -> dict[str, list]:
    names = record.sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name: sorted(record.sql(f'SELECT * FROM "{name}"'), key=repr) for (name,) in names}  # noqa: S608 # our own names


# --- what goes and what stays


async def test_what_is_over_goes_and_what_goes_on_stays(record) -> None:
    live = Story("live").until_started("x")
    await tell(record, *Story("over").whole("x", "y"), *live, call(None))

    done = archive(record)

    assert (done.executions, done.entries) == (1, 10)
    assert executions(record) == ["exec_live"]
    assert findings(record) == findings(record, read=False) == []
    assert rebuild_matches(record.path) == []
    [(kept,)] = record.sql("SELECT count(*) FROM entry WHERE chain = 'execution/exec_live'")
    assert kept == len(live)


async def test_the_segment_holds_what_stays_as_well(record) -> None:
    await tell(record, *Story("live").until_started("x"))

    done = archive(record)

    assert done.entries == 0
    assert [(one.first, one.last) for one in done.segments] == [(1, 4)]


async def test_what_ends_later_goes_with_a_later_call(record) -> None:
    story = Story("a")
    *begun, last = story.whole("x")
    await tell(record, *begun)
    assert archive(record).executions == 0

    await tell(record, last)
    done = archive(record)

    assert done.executions == 1
    assert executions(record) == []
    assert findings(record) == []
    assert len(list((record.folder / "archive").iterdir())) == 2


async def test_with_keep_nothing_is_removed(record) -> None:
    await record.tell("a")
    before = executions(record)

    done = archive(record, keep=True)

    assert (len(done.segments), done.entries) == (1, 0)
    assert executions(record) == before
    assert findings(record) == []
    assert archive(record).executions == 1  # once the segments are where they are safe


async def test_only_what_a_checkpoint_before_the_moment_covers_is_archived(record) -> None:
    await record.tell("a")
    [(line,)] = record.sql("SELECT line FROM checkpoint")
    moment = line.split('"at":"')[1].split('"')[0]

    assert archive(record, Until(before=moment)) == Archived((), 0, 0)
    assert archive(record, Until(before="2026-03-01T09:31:00.000000Z")).executions == 1


async def test_a_position_between_checkpoints_archives_up_to_the_one_before(record) -> None:
    await record.tell("a", "b")

    done = archive(record, Until(through=15))

    assert [segment.last for segment in done.segments] == [10]


async def test_a_run_and_the_run_that_undoes_it_go_together(record) -> None:
    undone, undoing = Story("undone"), Story("undoing")
    started = undone.entry(EntryType.COMPENSATION_STARTED, compensationId="exec_undoing")
    begun = [undoing.received(compensates="exec_undone"), *undoing.until_started("x")[1:]]
    await tell(record, *undone.whole("x"), started, *begun)

    assert archive(record).executions == 0

    rest = [undoing.dispatched("x"), undoing.completed("x"), undoing.ended()]
    await tell(record, *rest)
    assert archive(record).executions == 2
    assert findings(record) == []


async def test_a_run_stays_with_every_run_that_was_to_undo_it(record) -> None:
    undone, first, second = Story("undone"), Story("first"), Story("second")
    begun = [first.received(compensates="exec_undone"), *first.until_started("x")[1:]]
    started = [
        undone.entry(EntryType.COMPENSATION_STARTED, compensationId=f"exec_{name}")
        for name in ("first", "second")
    ]
    other = [second.received(compensates="exec_undone"), *second.whole("x")[1:]]
    await tell(record, *undone.whole("x"), *started, *begun, *other)

    assert archive(record).executions == 0

    await tell(record, first.dispatched("x"), first.completed("x"), first.ended())
    assert archive(record).executions == 3
    assert findings(record) == []


async def test_a_run_that_used_a_grant_stays(record) -> None:
    grant = NewEntry(
        EntryType.GRANT_ISSUED,
        WORKSPACE,
        {
            "grantId": "grant_1",
            "contract": "support.refund.issue@1.0.0",
            "contractDigest": "d",
            "requester": None,
            "requesterType": None,
            "arguments": {},
            "maxUses": 2,
            "issuer": {"subject": "bob"},
            "reason": "r",
            "expiresAt": "2027-01-01T00:00:00.000000Z",
        },
    )
    story = Story("a")
    used = story.step(EntryType.GRANT_USED, "x", grantId="grant_1", attempt=1)
    *begun, last = story.whole("x")
    await tell(record, grant, *begun, used, last)

    assert archive(record).executions == 0


async def test_a_run_with_a_step_in_doubt_stays(record) -> None:
    story = Story("a")
    doubt = story.step(
        EntryType.STEP_UNRESOLVED, "x", attempt=1, epoch=1, problem={"code": "OUTCOME_UNKNOWN"}
    )
    begun = [*story.until_started("x"), story.dispatched("x"), doubt]
    await tell(record, *begun, story.ended("cancelled"))

    assert archive(record).executions == 0


async def test_the_answer_of_a_key_goes_with_its_call(record) -> None:
    direct = call("of-live", executionId="exec_live")
    await tell(record, call("k1"), direct, *Story("live").until_started("x"))

    archive(record)

    keys = record.sql('SELECT idempotency_key FROM "call"')
    assert keys == [("of-live",)]
    assert findings(record) == []


async def test_policy_stays(record) -> None:
    body = {"revision": "sha256:1"}
    await tell(record, NewEntry(EntryType.POLICY_ACTIVATED, WORKSPACE, body), call(None))

    archive(record)

    assert read_record(record.path, lambda records: records.policy_head()) == "sha256:1"
    [(types,)] = record.sql("SELECT group_concat(type) FROM entry")
    assert types == "policy.activated,record.archived"


async def test_what_a_webhook_was_not_told_stays(record) -> None:
    await record.tell("a")

    async def fill(journal, _) -> None:
        await journal.write(lambda tx: tx.open_webhook(WORKSPACE, "hook", 3))

    await record.session(fill)

    done = archive(record)

    assert done.waits_for == (WORKSPACE, "hook")
    assert executions(record) == ["exec_a"]


async def test_a_run_with_a_delivery_on_its_way_stays(record) -> None:
    await record.tell("a")
    place = ("d", WORKSPACE, "hook", "event", 3, 0, "type", "exec_a")
    sending = Delivery(*place, created_at="2026", updated_at="2026", next_at="2026")

    async def fill(journal, _) -> None:
        await journal.write(lambda tx: tx.queue_deliveries([sending]))

    await record.session(fill)

    assert archive(record).executions == 0


async def test_a_call_with_a_delivery_on_its_way_stays(record) -> None:
    await tell(record, call("k"), call("l"))
    place = ("d", WORKSPACE, "hook", "event", 1, 0, "type", None)
    sending = Delivery(*place, created_at="2026", updated_at="2026", next_at="2026")

    async def fill(journal, _) -> None:
        await journal.write(lambda tx: tx.queue_deliveries([sending]))

    await record.session(fill)

    assert archive(record).entries == 1
    assert record.sql('SELECT idempotency_key FROM "call"') == [("k",)]


async def test_stretches_are_cut_at_checkpoints(record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST_ENTRIES", 20)
    await record.tell("a", "b", "c", "d", "e")

    done = archive(record)

    assert [(one.first, one.last) for one in done.segments] == [(1, 20), (21, 40), (41, 50)]
    assert findings(record) == []
    assert put_back(record) == 50


async def test_the_gateway_goes_on_over_an_archived_record(record) -> None:
    await record.tell("a", "b")
    origin = read_record(record.path, lambda records: records.origin())
    archive(record)
    assert record.sql("SELECT min(position) FROM entry") == [(21,)]

    await record.tell("c")

    assert read_record(record.path, lambda records: records.origin()) == origin
    assert findings(record) == findings(record, read=False) == []
    assert archive(record).executions == 1
    assert rebuild_record(record.path, SteppingClock()) == len(record.sql("SELECT 1 FROM entry"))
    assert findings(record) == []


async def test_proofs_of_archived_entries_are_as_before(record) -> None:
    await record.tell("a", "b")
    before = read_record(record.path, lambda records: records.inclusion_proof(3, 20))

    archive(record)

    assert read_record(record.path, lambda records: records.inclusion_proof(3, 20)) == before


async def test_the_keys_of_archived_data_are_still_found(record) -> None:
    sealed = {"$sealed": [2, "c@1.0.0", "input.name", "key_1", "secret"]}
    story = Story("a")
    await tell(record, *story.whole("x")[:-1], story.ended(), call(None, output={"a": sealed}))
    exported = story.entry(EntryType.EVIDENCE_EXPORTED, runId="run_a", number=1)
    await tell(record, exported)
    archive(record)
    assert executions(record) == []

    with open_sealed(record.path) as entries:
        end = entries.last_position()
        [found] = entries.holding(WORKSPACE, frozenset({"key_1"}), 0, end)
        of_run = list(entries.of_execution("exec_a", 0, end))
        at = list(entries.at([found.position]))

    assert "key_1" in found.body
    assert "secret" not in found.body
    assert [one.type for one in of_run] == ["intent.received", "evidence.exported"]
    assert at == [found]


async def test_nothing_is_archived_of_a_record_in_use(record) -> None:
    await record.tell("a")
    journal = await record.opened()
    try:
        with pytest.raises(ProblemError) as refused:
            archive(record)
    finally:
        await journal.close()

    assert refused.value.problem.code == "DATA_DIR_IN_USE"


async def test_nothing_is_archived_of_a_record_that_is_not_what_was_signed(record) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET body = '{}' WHERE position = 3")

    with pytest.raises(ProblemError) as refused:
        archive(record)

    assert refused.value.problem.code == "JOURNAL_DAMAGED"
    assert executions(record) == ["exec_a"]
    assert list((record.folder / "archive").iterdir()) == []


async def test_an_archiving_that_broke_off_is_done_anew(record) -> None:
    await record.tell("a")
    before, signed = record.path.read_bytes(), record.file.read_bytes()
    archive(record)
    record.path.write_bytes(before)  # as if it had not been committed
    record.file.write_bytes(signed)
    segment_of(record).with_suffix(".gz.part").write_bytes(b"half")

    assert archive(record).executions == 1
    assert findings(record) == []


async def test_two_may_write_the_same_segment_at_once(record, tmp_path: Path) -> None:
    await record.tell("a")
    archive(record, keep=True)
    with Segment(segment_of(record)) as written:
        header, rows = written.header, list(written.rows())
    folder, others = tmp_path / "both", []

    def while_another_does() -> Iterator[Row]:
        yield from rows[:1]
        others.append(write_segment(folder, header, rows))
        yield from rows[1:]

    assert [write_segment(folder, header, while_another_does())] == others
    assert [path.name for path in folder.iterdir()] == [header.name]
    assert check_segment(folder / header.name) == header


async def test_a_segment_counts_once_its_name_is_durable_whoever_wrote_it(
    record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its entries may be gone, and a loss of power takes the segment as well."""
    await record.tell("a")
    archive(record, keep=True)
    with Segment(segment_of(record)) as written:
        header, rows = written.header, list(written.rows())
    synced: list[Path] = []
    monkeypatch.setattr(segment, "sync_folder", synced.append)

    write_segment(segment_of(record).parent, header, rows)

    assert synced == [segment_of(record).parent]


async def test_nothing_is_removed_without_its_segment_at_hand(record) -> None:
    await record.tell("a")
    archive(record, keep=True)
    segment_of(record).unlink()

    with pytest.raises(ProblemError) as refused:
        archive(record)

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"
    assert executions(record) == ["exec_a"]


async def test_another_file_of_the_name_is_never_replaced(record) -> None:
    await record.tell("a")
    held = record.folder / "archive" / "000000000001-000000000010.segment.gz"
    held.parent.mkdir()
    held.write_bytes(b"something else")

    with pytest.raises(ProblemError) as refused:
        archive(record)

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"
    assert held.read_bytes() == b"something else"
    assert executions(record) == ["exec_a"]


# --- what is found


@pytest.fixture
async def archived(record):
    """A record of three runs and calls of which the first two are archived, and one goes on."""
    await tell(record, *Story("a").whole("x"), call("k"), *Story("live").until_started("x"))
    await tell(record, *Story("b").whole("x"), call(None))
    archive(record)
    await tell(record, *Story("c").whole("x"), call(None))
    assert findings(record) == findings(record, read=False) == []
    return record


async def test_a_removal_that_no_entry_covers_is_found(archived) -> None:
    archived.sql("DELETE FROM entry WHERE chain = 'execution/exec_live'")
    archived.sql("DELETE FROM chain_head WHERE chain = 'execution/exec_live'")
    archived.sql("DELETE FROM execution WHERE id = 'exec_live'")

    found = findings(archived, read=False)

    assert {one.kind for one in found} == {FindingKind.REMOVED}
    assert [one.position for one in found] == [9]


async def test_a_removal_behind_the_archive_is_found(archived) -> None:
    [(position,)] = archived.sql("SELECT max(position) FROM entry WHERE chain LIKE '%exec_c'")
    archived.sql("DELETE FROM entry WHERE position = ?", position)

    assert FindingKind.REMOVED in kinds(archived, read=False)


async def test_an_archive_that_nobody_signed_covers_nothing(record) -> None:
    await record.tell("a", "b")
    signed = record.file.read_text()
    archive(record)  # as a forger would, who cannot sign
    record.sql("DELETE FROM checkpoint WHERE number > 2")
    record.file.write_text(signed)

    assert kinds(record, read=False) >= {FindingKind.ARCHIVE, FindingKind.REMOVED}


async def test_more_said_to_be_archived_than_the_entry_says_is_found(archived) -> None:
    archived.sql("UPDATE archive SET absent = (SELECT absent FROM archive) || ''")
    [(absent,)] = archived.sql("SELECT absent FROM archive")
    archived.sql("UPDATE archive SET absent = ?", absent[:-4])

    assert FindingKind.ARCHIVE in kinds(archived, read=False)


async def test_an_altered_leaf_of_an_archived_entry_is_found(archived) -> None:
    [(hashes,)] = archived.sql("SELECT hashes FROM tile WHERE level = 0")
    archived.sql("UPDATE tile SET hashes = ? WHERE level = 0", bytes([hashes[0] ^ 1]) + hashes[1:])

    assert FindingKind.ROOT in kinds(archived, read=False)
    assert FindingKind.TILE in kinds(archived)


async def test_what_follows_on_an_archived_entry_is_held_to_its_leaf(archived) -> None:
    [(chain,)] = archived.sql("SELECT chain FROM entry WHERE type = 'call.completed'")
    archived.sql("UPDATE chain_head SET hash = ? WHERE chain = ?", "0" * 64, chain)

    assert FindingKind.CHANGED in kinds(archived, read=False)


async def test_an_altered_segment_is_found(archived) -> None:
    held = segment_of(archived)
    content = bytearray(held.read_bytes())
    content[len(content) // 2] ^= 1
    held.write_bytes(content)

    [found] = findings(archived)

    assert found.kind is FindingKind.ARCHIVE
    assert held.name in found.message
    assert findings(archived, read=False) == []


async def test_a_missing_segment_is_found(archived) -> None:
    segment_of(archived).unlink()

    assert kinds(archived) == {FindingKind.ARCHIVE}


async def test_altered_keys_of_an_archived_entry_are_found(archived) -> None:
    archived.sql("DELETE FROM archived_entry")

    assert kinds(archived) == {FindingKind.PROJECTION}


# --- putting back


async def test_what_is_put_back_is_what_was(record) -> None:
    await tell(record, *Story("a").whole("x"), call("k"), *Story("live").until_started("x"))
    await tell(record, *Story("b").whole("x"), call(None))
    before = tables_of(record)
    archive(record)

    assert put_back(record) == 16

    after = tables_of(record)
    for name in ("execution", "plan", "step", "approval", "call"):
        assert after[name] == before[name], name
    assert set(before["entry"]) <= set(after["entry"])
    assert set(before["chain_head"]) <= set(after["chain_head"])
    assert after["archived_entry"] == []
    assert findings(record) == findings(record, read=False) == []
    assert rebuild_matches(record.path) == []


async def test_what_was_put_back_can_be_archived_again(archived) -> None:
    put_back(archived)
    assert executions(archived) == ["exec_a", "exec_b", "exec_c", "exec_live"]

    done = archive(archived)

    assert done.executions == 3
    assert executions(archived) == ["exec_live"]
    assert findings(archived) == []


async def test_half_an_execution_does_not_come_back(record) -> None:
    *begun, last = Story("long").whole("x")
    await tell(record, *Story("a").whole("x"), *begun)
    archive(record)
    await tell(record, last, *Story("b").whole("x"))
    archive(record)
    first, second = sorted((record.folder / "archive").iterdir())

    done = Returning(record.path, record.signer, SteppingClock()).run([first])

    assert (done.entries, done.partial) == (7, 1)
    assert executions(record) == ["exec_a"]
    assert findings(record) == findings(record, read=False) == []
    assert put_back(record, second) == 7
    assert executions(record) == ["exec_a", "exec_b"]
    assert put_back(record, first, second) == 7
    assert executions(record) == ["exec_a", "exec_b", "exec_long"]
    assert findings(record) == findings(record, read=False) == []
    assert rebuild_matches(record.path) == []


async def test_a_run_that_comes_back_waits_for_nothing_and_outranks_late_owners(record) -> None:
    await record.tell("a")
    archive(record)

    put_back(record)

    claims = record.sql("SELECT run_id, owner, wake_at, epoch FROM claim")
    assert claims == [("run_a", None, None, 2)]


async def test_the_answer_of_a_key_that_was_used_again_stays_away(record) -> None:
    await tell(record, call("k"), call("other"))
    archive(record)
    await tell(record, call("k"))

    assert put_back(record) == 1

    keys = record.sql('SELECT idempotency_key FROM "call" ORDER BY idempotency_key')
    assert keys == [("k",), ("other",)]
    assert findings(record) == findings(record, read=False) == []
    assert rebuild_matches(record.path) == []


async def test_putting_back_twice_adds_nothing(archived) -> None:
    put_back(archived)

    assert put_back(archived) == 0
    assert findings(archived) == []


async def test_a_segment_of_another_record_is_refused(archived, tmp_path: Path) -> None:
    other = type(archived)(tmp_path / "other")
    other.folder.mkdir()
    await tell(other, *Story("z").whole("x"))
    archive(other)

    with pytest.raises(ProblemError) as refused:
        put_back(archived, segment_of(other))

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"
    assert findings(archived) == []


async def test_a_segment_that_is_exchanged_after_it_was_examined_is_refused(
    archived, tmp_path: Path
) -> None:
    other = type(archived)(tmp_path / "other")
    other.folder.mkdir()
    await tell(other, *Story("a").whole("x"), call("forged"), *Story("live").until_started("x"))
    await tell(other, *Story("b").whole("x"), call(None))
    archive(other)
    held = segment_of(archived)
    assert segment_of(other).name == held.name

    def exchange(what: str, *_: int) -> None:
        if what == "segments put back":
            held.write_bytes(segment_of(other).read_bytes())

    asked = Returning(archived.path, archived.signer, SteppingClock(), progress=exchange)
    with pytest.raises(ProblemError) as refused:
        asked.run([held])

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"
    assert findings(archived, read=False) == []


def later_half(held: Path, folder: Path) -> bytes:
    """A sound segment of the second half of the entries in another, under the same checkpoint."""
    with Segment(held) as whole:
        rows, header = list(whole.rows()), whole.header
    tree, middle = Frontier(), len(rows) // 2
    for row in rows[:middle]:
        tree.append(leaf_hash(bytes.fromhex(row[-1])))
    half = replace(header, first=header.first + middle, before=tuple(tree.nodes))
    write_segment(folder, half, rows[middle:])
    check_segment(folder / half.name)
    return (folder / half.name).read_bytes()


async def test_a_segment_that_is_exchanged_for_a_part_of_it_is_refused(
    archived, tmp_path: Path
) -> None:
    """An execution that came back as a half would go on from where the half ends."""
    held = segment_of(archived)
    half = later_half(held, tmp_path / "half")

    def exchange(what: str, *_: int) -> None:
        if what == "segments put back":
            held.write_bytes(half)

    before = executions(archived)
    asked = Returning(archived.path, archived.signer, SteppingClock(), progress=exchange)
    with pytest.raises(ProblemError, match="holds other entries"):
        asked.run([held])
    assert executions(archived) == before


async def test_a_segment_that_is_exchanged_while_it_is_verified_does_not_count(
    archived, tmp_path: Path
) -> None:
    held = segment_of(archived)
    half = later_half(held, tmp_path / "half")

    def exchange(what: str, *_: int) -> None:
        if what == "entries":
            held.write_bytes(half)

    keys, folder = [archived.signer.public_key_pem], held.parent
    asked = Verification(archived.path, keys, archive=folder, progress=exchange)
    report = asked.run()
    assert ({one.kind for one in report.findings}, report.segments) == ({FindingKind.ARCHIVE}, 0)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
async def test_an_altered_segment_is_refused(archived, place: float) -> None:
    held = segment_of(archived)
    content = bytearray(held.read_bytes())
    content[int(len(content) * place)] ^= 1
    held.write_bytes(content)
    before = executions(archived)

    with pytest.raises(ProblemError) as refused:
        put_back(archived)

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"
    assert executions(archived) == before
    assert findings(archived, read=False) == []


async def test_of_two_files_of_one_name_none_is_passed_over(archived, tmp_path: Path) -> None:
    held = segment_of(archived)
    other = tmp_path / held.name
    other.write_bytes(b"something else")

    with pytest.raises(ProblemError, match="give one of them"):
        put_back(archived, other, held)
    assert put_back(archived, held, held)


async def test_a_missing_file_is_refused(archived) -> None:
    with pytest.raises(ProblemError) as refused:
        put_back(archived, archived.folder / "archive" / "none.segment.gz")

    assert refused.value.problem.code == "ARCHIVE_UNUSABLE"


async def test_an_archived_record_stays_small(record) -> None:
    """The room of what went is used by what comes."""
    await record.tell(*(f"a{number}" for number in range(40)))
    archive(record)
    with closing(sqlite3.connect(record.path)) as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()

    assert free > 0
    assert verify_record(record.path, [record.signer.public_key_pem]).archived == 400
