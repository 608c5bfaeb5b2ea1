"""Whatever is done to the record behind the gateway's back is found and named."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from gateway.journal import Checkpointer, Finding, FindingKind, SqliteJournal, verify_record
from gateway.journal.chain import entry_hash
from gateway.journal.checkpoint_lines import line_digest, parsed_note, public_key_of
from gateway.journal.findings import MOST_FINDINGS
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tiles import grown_tiles, store_tiles
from gateway.journal.verify import VerifyReport
from gateway.model.problem import ProblemError
from gateway.transparency import NoteSigner, Verifier, parse_note, sign_note
from tests.contract.journal_story import Story, call

pytestmark = pytest.mark.anyio

CHAIN = "execution/exec_a"


def verified(record) -> VerifyReport:
    return verify_record(record.path, [record.signer.public_key_pem])


def found(record) -> list[Finding]:
    return list(verified(record).findings)


def kinds(record) -> set[FindingKind]:
    return {finding.kind for finding in found(record)}


def rehash(record, chain: str, seq: int) -> str:
    """Give an altered entry the hash that fits it, as a careful forger would."""
    columns = "format, chain, seq, previous, at, type, workspace, execution_id, actor, body"
    select = f"SELECT {columns} FROM entry WHERE chain = ? AND seq = ?"  # noqa: S608 # names from this file
    [row] = record.sql(select, chain, seq)
    fitting = entry_hash(*row)
    record.sql("UPDATE entry SET hash = ? WHERE chain = ? AND seq = ?", fitting, chain, seq)
    return fitting


def copy_entry(record, position: int, to: tuple[int, str, int]) -> None:
    """Put a copy of an entry at another position, chain and seq."""
    record.sql(
        "INSERT INTO entry SELECT ?, ?, ?, format, at, type, workspace, execution_id, actor, body, "
        "previous, hash FROM entry WHERE position = ?",
        *(*to, position),
    )


def retile(record) -> None:
    """Write the tiles anew, over the entries as they are now."""
    with closing(sqlite3.connect(record.path)) as connection, connection:
        connection.execute("DELETE FROM tile")
        session = SqliteSession(connection.cursor())
        store_tiles(session, grown_tiles(session).changed)


def rechain(record, chain: str, first: int) -> None:
    """Rewrite the hashes of a chain from ``first`` to its end, with its head."""
    [(last,)] = record.sql("SELECT max(seq) FROM entry WHERE chain = ?", chain)
    for seq in range(first, last + 1):
        fitting = rehash(record, chain, seq)
        record.sql(
            "UPDATE entry SET previous = ? WHERE chain = ? AND seq = ?", fitting, chain, seq + 1
        )
        record.sql("UPDATE chain_head SET hash = ?, seq = ? WHERE chain = ?", fitting, seq, chain)


async def test_an_untouched_record_is_sound_and_covered(record) -> None:
    await record.tell("a", "b")

    report = verified(record)

    assert report.ok
    assert report.findings == ()
    assert (report.entries, report.chains, report.checkpoints) == (20, 3, 2)
    assert (report.covered, report.uncovered) == (20, 0)


async def test_an_empty_record_is_sound(record) -> None:
    await record.tell()
    journal = await record.opened()
    await journal.close()

    report = verified(record)
    assert (report.ok, report.entries, report.checkpoints) == (True, 0, 0)


async def test_entries_after_the_last_checkpoint_are_counted_as_uncovered(record) -> None:
    await record.tell("a")
    journal = await record.opened()
    await journal.write(lambda tx: tx.append(call(None)))
    await journal.close()

    report = verified(record)
    assert (report.ok, report.covered, report.uncovered) == (True, 10, 1)


async def test_a_changed_entry_is_named(record) -> None:
    await record.tell("a")
    record.sql(
        "UPDATE entry SET body = replace(body, 'alice', 'mallory') WHERE chain = ? AND seq = 4",
        CHAIN,
    )

    [finding] = found(record)

    assert (finding.kind, finding.chain, finding.seq) == (FindingKind.CHANGED, CHAIN, 4)
    assert finding.position == 4
    assert "entry 4 of execution/exec_a (run.started, position 4)" in finding.message


async def test_one_altered_byte_in_a_copy_of_the_file_is_found(record, tmp_path) -> None:
    await record.tell("a")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(record.file, copy)
    content = record.path.read_bytes()
    place = content.index(b'"runId":"run_a"')
    altered = content[: place + 9] + b"R" + content[place + 10 :]
    (copy / "gateway.db").write_bytes(altered)

    report = verify_record(copy / "gateway.db", [record.signer.public_key_pem])

    assert [(f.kind, f.chain, f.seq) for f in report.findings] == [(FindingKind.CHANGED, CHAIN, 4)]


async def test_a_changed_entry_with_a_fitting_hash_is_found_by_its_successor(record) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET actor = 'mallory' WHERE chain = ? AND seq = 4", CHAIN)
    rehash(record, CHAIN, 4)

    named = [(f.kind, f.chain, f.seq) for f in found(record)]

    assert named == [(FindingKind.CHANGED, CHAIN, 4), (FindingKind.REORDERED, CHAIN, 5)]


async def test_a_rewritten_chain_is_found_by_the_checkpoint(record) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET actor = 'mallory' WHERE chain = ? AND seq = 4", CHAIN)
    rechain(record, CHAIN, 4)

    findings = found(record)

    named = [(f.kind, f.chain, f.seq, f.position) for f in findings]
    assert named == [(FindingKind.CHANGED, CHAIN, seq, seq) for seq in range(4, 10)]
    assert all("checkpoint 1 signed" in finding.message for finding in findings)


async def test_a_rewritten_chain_with_its_tiles_is_found_by_the_root(record) -> None:
    """Whoever rewrites the tiles too hides which entries were replaced, and not that some were."""
    await record.tell("a", "b")
    record.sql("UPDATE entry SET actor = 'mallory' WHERE position = 14")
    rechain(record, "execution/exec_b", 4)
    retile(record)

    [finding] = found(record)

    assert (finding.kind, finding.position) == (FindingKind.ROOT, 11)
    assert "they agree up to position 10" in finding.message


async def test_a_tile_that_disagrees_is_named(record) -> None:
    await record.tell("a", "b")
    record.sql("UPDATE tile SET hashes = CAST(zeroblob(640) AS BLOB)")

    [finding] = found(record)
    assert (finding.kind, finding.position) == (FindingKind.TILE, 1)
    assert "tile 0 of level 0" in finding.message
    for command in (
        "DELETE FROM tile",
        "INSERT INTO tile VALUES (1, 0, x'00')",
        "UPDATE tile SET place = 1",
        "UPDATE tile SET hashes = substr(hashes, 1, 639)",
        "UPDATE tile SET hashes = substr(hashes, 1, 608)",
        "UPDATE tile SET hashes = hashes || hashes",
        "UPDATE tile SET hashes = 'text'",
    ):
        retile(record)
        assert found(record) == []
        record.sql(command)
        assert kinds(record) == {FindingKind.TILE}, command


async def test_entries_of_two_chains_that_changed_places_are_found(record) -> None:
    await record.tell("a")
    for old, new in ((9, 9_999), (10, 9), (9_999, 10)):
        record.sql("UPDATE entry SET position = ? WHERE position = ?", new, old)

    findings = found(record)

    assert [(f.kind, f.position) for f in findings] == [
        (FindingKind.REORDERED, 9),
        (FindingKind.REORDERED, 10),
    ]
    assert "that one stood at position 10" in findings[0].message


async def test_a_removed_entry_is_named(record) -> None:
    await record.tell("a")
    record.sql("DELETE FROM entry WHERE chain = ? AND seq IN (4, 5)", CHAIN)

    named = [(f.kind, f.chain, f.seq, f.position) for f in found(record)]

    assert (FindingKind.REMOVED, CHAIN, 4, None) in named
    assert (FindingKind.REMOVED, None, None, 4) in named
    assert any("entry 4 to 5 of execution/exec_a" in f.message for f in found(record))


async def test_swapped_entries_are_found(record) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET position = 900 WHERE position = 5")
    record.sql("UPDATE entry SET position = 5 WHERE position = 6")
    record.sql("UPDATE entry SET position = 6 WHERE position = 900")

    assert (FindingKind.REORDERED, CHAIN, 6) in [(f.kind, f.chain, f.seq) for f in found(record)]


async def test_a_cut_end_is_found_even_when_the_head_is_moved_back(record) -> None:
    await record.tell("a", "b")
    record.sql("DELETE FROM entry WHERE chain = ? AND seq = 9", CHAIN)
    assert (FindingKind.TRUNCATED, 9) in [(f.kind, f.seq) for f in found(record)]

    [(head,)] = record.sql("SELECT hash FROM entry WHERE chain = ? AND seq = 8", CHAIN)
    record.sql("UPDATE chain_head SET seq = 8, hash = ? WHERE chain = ?", head, CHAIN)
    [finding] = found(record)
    assert (finding.kind, finding.position) == (FindingKind.REMOVED, 9)


async def test_entries_cut_off_the_end_of_the_store_are_missed(record) -> None:
    await record.tell("a")
    journal = await record.opened()
    await journal.write(lambda tx: tx.append(Story("late").received()))
    await journal.close()
    record.sql("DELETE FROM entry WHERE position = 11")
    record.sql("DELETE FROM chain_head WHERE chain = 'execution/exec_late'")

    [finding] = found(record)
    assert (finding.kind, finding.position) == (FindingKind.TRUNCATED, 11)


async def test_an_inserted_entry_is_named(record) -> None:
    await record.tell("a")
    copy_entry(record, 9, (11, CHAIN, 10))
    [(own,)] = record.sql("SELECT hash FROM entry WHERE position = 9")
    record.sql("UPDATE entry SET previous = ? WHERE position = 11", own)
    rehash(record, CHAIN, 10)

    [finding] = found(record)
    assert (finding.kind, finding.chain, finding.seq) == (FindingKind.INSERTED, CHAIN, 10)
    assert finding.position == 11


async def test_an_entry_put_into_a_signed_span_is_found(record) -> None:
    """A forger removes the last signed entry of one chain and puts another chain in its place."""
    await record.tell("a")
    record.sql("DELETE FROM entry WHERE position = 10")
    record.sql("DELETE FROM chain_head WHERE chain LIKE 'workspace/%'")
    copy_entry(record, 1, (10, "execution/exec_new", 1))
    head = rehash(record, "execution/exec_new", 1)
    record.sql("INSERT INTO chain_head VALUES ('execution/exec_new', 1, ?)", head)

    [finding] = found(record)
    assert (finding.kind, finding.chain) == (FindingKind.CHANGED, "execution/exec_new")
    assert "is not the one that checkpoint 1 signed" in finding.message


@pytest.mark.parametrize("position", [0, -7])
async def test_entries_put_before_the_first_one_are_found(record, position) -> None:
    await record.tell("a")
    for place, chain in ((position - 1, "workspace/acme/x"), (position, "workspace/acme/y")):
        copy_entry(record, 10, (place, chain, 1))
        forged = rehash(record, chain, 1)
        record.sql("INSERT INTO chain_head VALUES (?, 1, ?)", chain, forged)

    report = verified(record)

    named = [(f.kind, f.chain, f.position) for f in report.findings]
    assert named == [
        (FindingKind.INSERTED, "workspace/acme/x", position - 1),
        (FindingKind.INSERTED, "workspace/acme/y", position),
    ]
    assert (report.covered, report.uncovered) == (10, 2)


@pytest.mark.parametrize("seq", ["x", b"x", 4.5])
async def test_a_number_in_the_chain_that_is_none_is_found(record, seq) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET seq = ? WHERE chain = ? AND seq = 4", seq, CHAIN)
    if not isinstance(seq, bytes):
        rehash(record, CHAIN, seq)

    assert (FindingKind.CHANGED, CHAIN, 4) in [(f.kind, f.chain, f.position) for f in found(record)]


async def test_a_last_position_that_is_no_number_is_damage(record) -> None:
    await record.tell("a")
    record.sql("UPDATE sqlite_sequence SET seq = 'x' WHERE name = 'entry'")

    assert kinds(record) == {FindingKind.DAMAGED}


async def test_a_head_that_disagrees_is_found(record) -> None:
    await record.tell("a")
    record.sql("UPDATE chain_head SET hash = ? WHERE chain = ?", "0" * 64, CHAIN)

    [finding] = found(record)
    assert (finding.kind, finding.chain, finding.seq) == (FindingKind.CHANGED, CHAIN, 9)


async def test_an_altered_checkpoint_is_forged(record) -> None:
    await record.tell("a", "b")
    record.sql(
        "UPDATE checkpoint SET line = replace(line, '\\n20\\n', '\\n19\\n') WHERE number = 2"
    )

    assert kinds(record) == {FindingKind.CHECKPOINT_FORGED, FindingKind.CHECKPOINT_FILE}
    assert verified(record).covered == 10


async def test_a_checkpoint_of_another_key_is_forged(record) -> None:
    await record.tell("a")
    stranger = type(record.signer)()

    report = verify_record(record.path, [stranger.public_key_pem])

    assert [f.kind for f in report.findings] == [FindingKind.CHECKPOINT_FORGED]
    assert (report.covered, report.uncovered) == (0, 10)


async def test_checkpoints_of_an_earlier_key_hold_while_it_is_trusted(record) -> None:
    await record.tell("a")
    earlier = record.signer
    record.signer = type(earlier)("k2")
    await record.tell("b")

    both = [record.signer.public_key_pem, earlier.public_key_pem]
    assert verify_record(record.path, both).ok


async def test_a_removed_checkpoint_is_missed(record) -> None:
    await record.tell("a", "b", "c")
    record.sql("DELETE FROM checkpoint WHERE number = 2")
    lines = record.file.read_text().splitlines(keepends=True)
    record.file.write_text(lines[0] + lines[2])

    [finding] = found(record)
    assert finding.kind is FindingKind.CHECKPOINT_REMOVED
    assert "checkpoint 2 was removed" in finding.message


async def test_a_checkpoint_signed_anew_does_not_fit_its_successor(record) -> None:
    """Whoever has the key but not the copies elsewhere cannot replace one in the middle."""
    await record.tell("a", "b")
    [(line,)] = record.sql("SELECT line FROM checkpoint WHERE number = 1")
    text = parse_note(json.loads(line)["note"]).text.replace("at 2026-", "at 2025-")
    origin, key = text.split("\n")[0], public_key_of(record.signer.public_key_pem)
    signer = NoteSigner(Verifier(origin, key), record.signer.sign)
    forged = str(parsed_note(sign_note(text, signer)))
    assert line_digest(forged) != line_digest(line)
    record.sql("UPDATE checkpoint SET line = ? WHERE number = 1", forged)
    record.file.write_text(record.file.read_text().replace(line, forged))

    assert kinds(record) == {FindingKind.CHECKPOINT_REMOVED}


async def test_the_file_shows_which_entries_went_with_lost_checkpoints(record) -> None:
    await record.tell("a", "b")
    record.sql("DELETE FROM checkpoint WHERE number = 2")
    record.sql("DELETE FROM entry WHERE position > 10")
    record.sql("DELETE FROM chain_head WHERE chain = 'execution/exec_b'")
    record.sql("UPDATE sqlite_sequence SET seq = 10 WHERE name = 'entry'")
    [(own,)] = record.sql("SELECT hash FROM entry WHERE position = 10")
    record.sql("UPDATE chain_head SET seq = 1, hash = ? WHERE chain LIKE 'workspace/%'", own)

    named = [(f.kind, f.position) for f in found(record)]

    assert (FindingKind.TRUNCATED, 11) in named
    assert (FindingKind.CHECKPOINT_FILE, None) in named


async def test_a_file_that_is_one_line_short_is_no_finding_two_are(record) -> None:
    await record.tell("a", "b", "c")
    lines = record.file.read_text().splitlines(keepends=True)

    record.file.write_text("".join(lines[:2]) + lines[2][:40])
    assert found(record) == []
    record.file.write_text("".join(lines[:2]))
    assert found(record) == []
    record.file.write_text(lines[0])
    assert kinds(record) == {FindingKind.CHECKPOINT_FILE}
    record.file.unlink()
    assert kinds(record) == {FindingKind.CHECKPOINT_FILE}


async def test_a_changed_line_of_the_file_is_found(record) -> None:
    await record.tell("a", "b")
    record.file.write_text(record.file.read_text().replace("\\n20\\n", "\\n21\\n"))

    assert kinds(record) == {FindingKind.CHECKPOINT_FILE}


async def test_a_projection_that_disagrees_is_named(record) -> None:
    await record.tell("a")
    record.sql("UPDATE step SET status = 'skipped', output = '{}' WHERE id = 'step_x'")
    record.sql("DELETE FROM plan")
    record.sql("INSERT INTO policy_head VALUES (1, 'sha256:evil')")

    told = sorted(f.message for f in found(record))

    assert kinds(record) == {FindingKind.PROJECTION}
    assert told == [
        "plan plan_a is missing, though the journal has it",
        "policy_head 1 is in no entry of the journal",
        "step plan_a step_x does not say what the journal says in: status, output",
    ]


async def test_an_index_that_disagrees_with_its_table_is_damage(record) -> None:
    await record.tell("a")
    with closing(sqlite3.connect(record.path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'execution_id, requested_at', "
            "'execution_id, expires_at') WHERE name = 'approval_of_execution'"
        )
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'created_at DESC, id DESC', "
            "'updated_at DESC, id DESC') WHERE name = 'execution_newest'"
        )
        connection.commit()

    assert kinds(record) == {FindingKind.DAMAGED}


async def test_verification_works_beside_a_running_server(record) -> None:
    async def fill(journal: SqliteJournal, checkpointer: Checkpointer) -> None:
        for number in range(5):
            story = Story(str(number))
            await journal.write(
                lambda tx, story=story: [tx.append(entry) for entry in story.whole("x")]
            )
            await checkpointer.checkpoint()
            report = verified(record)
            assert report.ok
            assert report.checkpoints == number + 1

    await record.session(fill)


async def test_a_flood_of_findings_is_cut_and_counted(record) -> None:
    async def fill(journal: SqliteJournal, _: Checkpointer) -> None:
        def unit(tx) -> None:
            for _ in range(MOST_FINDINGS + 20):
                tx.append(call(None))

        await journal.write(unit)

    await record.session(fill)
    record.sql("UPDATE entry SET actor = 'mallory'")

    report = verified(record)
    assert (len(report.findings), report.more) == (MOST_FINDINGS, 20)


async def test_text_that_is_no_utf8_is_found_and_told_in_printable_form(record) -> None:
    await record.tell("a")
    record.sql("UPDATE entry SET chain = CAST(x'ff1b5b31' AS TEXT) WHERE position = 3")

    finding = next(f for f in found(record) if f.kind is FindingKind.CHANGED)

    assert finding.position == 3
    assert finding.message.isprintable()


def test_a_missing_file_is_told_as_a_problem(tmp_path) -> None:
    with pytest.raises(ProblemError, match="DATABASE_UNREADABLE"):
        verify_record(tmp_path / "none.db", [])
    assert list(tmp_path.iterdir()) == []


async def test_a_schema_that_is_no_utf8_is_told_as_a_problem(record) -> None:
    await record.tell("a")
    content = record.path.read_bytes()
    place = content.index(b"approval_of_step") + 4
    record.path.write_bytes(content[:place] + b"\xef" + content[place + 1 :])

    with pytest.raises(ProblemError, match="DATABASE_UNREADABLE"):
        verified(record)


def test_a_file_that_is_no_database_is_told_as_a_problem(tmp_path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)

    with pytest.raises(ProblemError, match="DATABASE_UNREADABLE"):
        verify_record(path, [])


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TRIGGER quiet AFTER INSERT ON entry BEGIN SELECT 1; END",
        "CREATE VIEW quiet AS SELECT * FROM entry",
    ],
)
async def test_what_acts_or_shows_beside_the_tables_is_found(record, made: str) -> None:
    """A trigger would act within the gateway's own transactions."""
    await record.tell("a")
    record.sql(made)

    [finding] = found(record)

    assert finding.kind is FindingKind.DAMAGED
    assert "quiet, and no gateway makes one" in finding.message


async def test_a_stretch_that_is_too_long_to_be_one_is_found(record) -> None:
    await record.tell("a")
    record.sql("INSERT INTO archive VALUES (1, 9000000000000000000, 'x', 'aa', '', 'c', 1, 'z')")

    kinds = {finding.kind for finding in found(record)}

    assert FindingKind.ARCHIVE in kinds
