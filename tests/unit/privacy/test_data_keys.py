"""Data keys: one for each subject, destroyed for good, and never in the way of a run."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import SqliteJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, Owner
from gateway.model.pii import envelopes_in as by_key
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import Keyring, KeyringSealer
from gateway.privacy.data_keys import SUPPLY
from gateway.privacy.sqlite_key_store import SqliteKeyStore
from gateway.privacy.supply import Supply
from gateway.privacy.tombstones import Tombstone
from tests.unit.privacy.conftest import SetClock

ADA = Owner("acme", "person/ada")
BEN = Owner("acme", "person/ben")
RUN = Owner("acme", "execution/exec_1")
REF, FIELD = "a.b@1.0.0", "input.email"


def key_of(envelope: JsonObject) -> str:
    (key_id,) = by_key(envelope)
    return key_id


def seal(keyring: Keyring, owner: Owner, value: str = "ada@example.com") -> JsonObject:
    return KeyringSealer(keyring).seal(owner, REF, FIELD, value)


def test_everybody_has_a_key_of_their_own(keyring: Keyring) -> None:
    elsewhere = Owner("umbrella", ADA.subject)
    owners = [ADA, BEN, RUN, Owner("acme", "execution/exec_2"), elsewhere]
    assert len({key_of(seal(keyring, owner)) for owner in owners}) == len(owners)
    assert [key_of(seal(keyring, owner)) for owner in owners] == [
        key_of(seal(keyring, owner)) for owner in owners
    ]


def test_a_person_keeps_the_key_when_the_store_is_opened_again(
    keyring: Keyring, tmp_path: Path
) -> None:
    sealed = seal(keyring, ADA)
    keyring.data.settle()
    again = Keyring.open(tmp_path / "keys")
    assert key_of(seal(again, ADA)) == key_of(sealed)
    assert KeyringSealer(again).unseal("acme", sealed) == "ada@example.com"


def test_the_store_does_not_tell_who_has_a_key(keyring: Keyring, tmp_path: Path) -> None:
    seal(keyring, Owner("acme", "person/ada.lovelace@example.com"))
    keyring.data.store.forget_log()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())
    assert b"lovelace" not in stored


def test_what_was_sealed_with_a_destroyed_key_is_erased(keyring: Keyring) -> None:
    sealer = KeyringSealer(keyring)
    adas, bens = seal(keyring, ADA), seal(keyring, BEN)
    assert keyring.data.destroy("acme", keyring.data.keys_of(ADA), "asked for") == 1
    with pytest.raises(ErasedError, match="erased"):
        sealer.unseal("acme", adas)
    assert sealer.unseal("acme", bens) == "ada@example.com"
    assert keyring.data.keys_of(ADA) == []


def test_destroying_again_changes_nothing(keyring: Keyring) -> None:
    keys = [key_of(seal(keyring, ADA))]
    assert keyring.data.destroy("acme", keys, "asked for") == 1
    assert keyring.data.destroy("acme", keys, "asked for") == 0


def test_a_person_who_comes_back_gets_another_key(keyring: Keyring) -> None:
    before = seal(keyring, ADA)
    keyring.data.destroy("acme", [key_of(before)], "asked for")
    later = seal(keyring, ADA)
    assert key_of(later) != key_of(before)
    assert KeyringSealer(keyring).unseal("acme", later) == "ada@example.com"


def test_a_destroyed_key_leaves_nothing_in_any_file(keyring: Keyring, tmp_path: Path) -> None:
    keys = [key_of(seal(keyring, owner)) for owner in (ADA, BEN, RUN)]
    keyring.data.settle()
    found = [keyring.data.store.data_key(one) for one in keys]
    wrapped = [row.wrapped for row in found if row and row.wrapped]
    keyring.data.store.forget_log()
    before = (tmp_path / "keys" / "keys.db").read_bytes()
    assert [one in before for one in wrapped] == [True] * 3
    keyring.data.destroy("acme", keys, "asked for")
    files = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    hits = [name for name, content in files.items() for one in wrapped if one in content]
    assert hits == []
    # Neither is a part of a key left: the last half of each wrapped key is its tag and its end.
    assert [name for name, content in files.items() for one in wrapped if one[30:] in content] == []


def test_nothing_is_left_of_any_key_however_the_store_grew(
    keyring: Keyring, tmp_path: Path
) -> None:
    """Rows that move between pages as a table grows would leave copies behind."""
    owners = [Owner("acme", f"person/{number}") for number in range(700)]
    keys = [key_of(seal(keyring, owner)) for owner in owners]
    keyring.data.settle()
    rows = [keyring.data.store.data_key(one) for one in keys]
    wrapped = [row.wrapped for row in rows if row and row.wrapped]
    keyring.data.destroy("acme", keys[::2], "asked for")
    content = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())
    assert [one for one in wrapped[::2] if one in content or one[:24] in content] == []
    assert all(content.count(one) == 1 for one in wrapped[1::2])


def test_a_tombstone_wins_over_a_restored_store(keyring: Keyring, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    sealed = seal(keyring, ADA)
    keyring.data.store.forget_log()
    shutil.copy(keys / "keys.db", tmp_path / "backup.db")
    keyring.data.destroy("acme", [key_of(sealed)], "asked for")
    keyring.data.close()
    shutil.copy(tmp_path / "backup.db", keys / "keys.db")
    with pytest.raises(ErasedError):
        KeyringSealer(Keyring.open(keys)).unseal("acme", sealed)


def test_a_start_asks_of_many_tombstones_at_once(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention leaves one for each run, and a store may be a network away."""
    buried = [Tombstone(f"{number:024x}", "acme", "2026-01-01", "x") for number in range(2_000)]
    keyring.data.tombstones.append(buried)
    keyring.data.bury()
    asked: list[int] = []
    ask = keyring.data.store.not_destroyed

    def counted(key_ids: Sequence[str]) -> list[str]:
        asked.append(len(key_ids))
        return ask(key_ids)

    monkeypatch.setattr(keyring.data.store, "not_destroyed", counted)
    monkeypatch.setattr(keyring.data.store, "data_key", lambda _: pytest.fail("one by one"))
    assert keyring.data.bury() == 0
    assert asked == [2_000]


def test_a_tombstone_that_a_crash_cut_short_is_passed_over(
    keyring: Keyring, tmp_path: Path
) -> None:
    path = tmp_path / "keys" / "tombstones.jsonl"
    first, second = seal(keyring, ADA), seal(keyring, BEN)
    keyring.data.destroy("acme", [key_of(first)], "asked for")
    path.write_bytes(path.read_bytes() + b'{"keyId":"ab')
    keyring.data.destroy("acme", [key_of(second)], "asked for")
    assert len(list(keyring.data.tombstones)) == 2


def test_a_key_that_an_older_store_never_had_is_known_as_destroyed(keyring: Keyring) -> None:
    keyring.data.destroy("acme", ["0" * 24], "told by the record")
    with pytest.raises(ErasedError):
        keyring.data.opening("acme", "0" * 24)


def test_keys_without_an_owner_are_made_before_they_are_needed(keyring: Keyring) -> None:
    """A run waits for the key store once in so many executions, not each time."""
    writes = []
    keep = keyring.data.store.add_data_keys
    keyring.data.store.add_data_keys = lambda rows: (  # type: ignore[method-assign] # counted
        writes.append(1),
        keep(rows),
    )
    for number in range(SUPPLY * 2):
        seal(keyring, Owner("acme", f"execution/{number}"))
    assert len(writes) == 2


def test_keys_made_beforehand_are_bounded_however_many_workspaces_there_are(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.data, "_supply", Supply(most=100))
    rows: list[int] = []
    keep = keyring.data.store.add_data_keys
    monkeypatch.setattr(
        keyring.data.store, "add_data_keys", lambda some: (rows.append(len(some)), keep(some))
    )
    sealed = [
        (f"ws-{number % 300}", seal(keyring, Owner(f"ws-{number % 300}", f"execution/{number}")))
        for number in range(900)
    ]
    assert len(keyring.data._supply) <= 100
    assert len({key_of(envelope) for _, envelope in sealed}) == 900
    assert sum(rows[100:]) <= 2 * 900  # the store does not grow by what nobody uses
    for workspace, envelope in sealed:
        assert KeyringSealer(keyring).unseal(workspace, envelope) == "ada@example.com"


def test_a_key_made_beforehand_that_was_destroyed_seals_nothing(keyring: Keyring) -> None:
    used = key_of(seal(keyring, RUN))
    ids = [
        key_id
        for (key_id,) in keyring.data.store._all("SELECT id FROM data_key WHERE subject IS NULL")
    ]
    assert len(ids) == SUPPLY
    keyring.data.destroy("acme", ids, "asked for")
    assert len(keyring.data._supply) == 0
    assert used in ids
    assert key_of(seal(keyring, Owner("acme", "execution/exec_2"))) not in ids


def _no_disk(_rows: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.anyio
async def test_a_persons_key_is_durable_before_what_it_sealed(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal waits for the key store, and gives up what it cannot keep the key of."""
    journal = await SqliteJournal.open(
        tmp_path / "gateway.db",
        clock=SystemClock(),
        writer="test",
        before_commit=keyring.data.settle,
    )

    def unit(tx: Tx) -> str:
        sealed = seal(keyring, ADA)
        tx.append(NewEntry(EntryType.CALL_DENIED, "acme", {"x": sealed}))
        return key_of(sealed)

    key_id = await journal.write(unit)
    assert Keyring.open(tmp_path / "keys").data.is_there(key_id)
    keyring.data.destroy("acme", [key_id], "asked for")
    monkeypatch.setattr(keyring.data.store, "add_data_keys", _no_disk)
    with pytest.raises(ProblemError) as refused:
        await journal.write(unit)
    monkeypatch.undo()
    await journal.close()
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as stored:
        assert stored.execute("SELECT count(*) FROM entry").fetchone() == (1,)


class _FullDisk:
    """A connection whose transactions cannot be committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, given: Sequence[Any] = ()) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return self._connection.execute(sql, given)
        self._connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_persons_key_that_could_not_be_committed_is_kept_with_what_comes_next(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(keyring, ADA)
    store = keyring.data.store
    assert isinstance(store, SqliteKeyStore)
    with monkeypatch.context() as patched:
        patched.setattr(store, "_connection", _FullDisk(store._connection))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            keyring.data.settle()
    sealed = seal(keyring, ADA)
    keyring.data.settle()
    assert KeyringSealer(Keyring.open(tmp_path / "keys")).unseal("acme", sealed)
    assert keyring.data.keys_of(ADA) == [key_of(sealed)]


def test_keys_of_a_workspace_that_could_not_be_committed_are_not_used(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = keyring.data.store
    assert isinstance(store, SqliteKeyStore)
    with monkeypatch.context() as patched:
        patched.setattr(store, "_connection", _FullDisk(store._connection))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            seal(keyring, RUN)
    sealed, commitment = seal(keyring, RUN), KeyringSealer(keyring).commit("acme", "x")
    again = KeyringSealer(Keyring.open(tmp_path / "keys"))
    assert again.unseal("acme", sealed) == "ada@example.com"
    assert again.commit("acme", "x") == commitment


def test_a_lifetime_ends_no_later_than_it_says(keyring: Keyring, clock: SetClock) -> None:
    sealer = KeyringSealer(keyring, lambda _contract, _field: 1000)
    first = sealer.seal(ADA, REF, FIELD, "x")
    assert keyring.data.expired(10) == []
    clock.advance(seconds=99)
    assert key_of(sealer.seal(ADA, REF, FIELD, "x")) == key_of(first)
    clock.advance(seconds=2)
    later = sealer.seal(ADA, REF, FIELD, "x")
    assert key_of(later) != key_of(first)
    assert sealer.unseal("acme", first) == "x"
    clock.advance(seconds=899)
    assert [row.id for row in keyring.data.expired(10)] == [key_of(first)]
    (row,) = keyring.data.expired(10)
    assert keyring.data.expired(10, (row.expires_at or "", row.id)) == []


@pytest.mark.parametrize("owner", [ADA, RUN])
def test_a_lifetime_ends_no_later_where_the_clock_went_back(
    keyring: Keyring, clock: SetClock, owner: Owner
) -> None:
    sealer = KeyringSealer(keyring, lambda _contract, _field: 1000)
    clock.advance(days=365)
    ahead = sealer.seal(owner, REF, FIELD, "x")
    clock.advance(days=-365)
    sealed = sealer.seal(owner, REF, FIELD, "x")
    assert key_of(sealed) != key_of(ahead)
    clock.advance(seconds=1000)
    assert key_of(sealed) in [row.id for row in keyring.data.expired(100)]


def test_what_is_kept_for_another_time_has_another_key(keyring: Keyring) -> None:
    lifetimes = {"input.email": 1000, "input.iban": 5000}
    sealer = KeyringSealer(keyring, lambda _contract, field: lifetimes.get(field))
    fields = ["input.email", "input.iban", "input.text"]
    assert len({key_of(sealer.seal(ADA, REF, field, "x")) for field in fields}) == 3
    assert len(keyring.data.keys_of(ADA)) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada@Example.com", "ada@example.com"), (" c-1 ", "c-1"), ("caf\u00e9", "cafe\u0301")],
)
def test_one_person_is_not_two_by_spelling(one: str, other: str) -> None:
    nobody = Owner("acme", "call/1")
    assert nobody.person(one) == nobody.person(other)


@pytest.mark.parametrize("name", ["", "  ", None, True, 1.5, {"$from": "a.b"}, ["x"]])
def test_what_is_no_name_names_nobody(name: object) -> None:
    nobody = Owner("acme", "call/1")
    assert nobody.person(name) is nobody


def test_customers_of_one_number_and_text_are_one(keyring: Keyring) -> None:
    nobody = Owner("acme", "call/1")
    assert nobody.person(7) == nobody.person("7")
