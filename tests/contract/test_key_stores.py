"""What any key store must do, in a SQLite file and in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.privacy.key_rows import DataKeyRow, WorkspaceKeyRow
from gateway.privacy.key_store import KeyStore
from gateway.privacy.postgres_key_store import PostgresKeyStore
from gateway.privacy.sqlite_key_store import SqliteKeyStore

NOW, LATER, LATEST = (f"2026-03-0{day}T00:00:00.000000Z" for day in (1, 2, 3))

Open = Callable[[], KeyStore]


@pytest.fixture(params=["sqlite", "postgres"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store, once more each time."""
    opened: list[KeyStore] = []
    url = request.getfixturevalue("database_url") if request.param == "postgres" else ""

    def open_it() -> KeyStore:
        opened.append(PostgresKeyStore(url) if url else SqliteKeyStore(tmp_path / "keys.db"))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Open) -> KeyStore:
    return reopen()


def row(key_id: str, workspace: str = "acme", **more: object) -> DataKeyRow:
    made = DataKeyRow(key_id, workspace, "ada", None, key_id.encode() * 3, "wk", NOW)
    return replace(made, **more)  # type: ignore[arg-type] # fields of the row


def add(store: KeyStore, *rows: DataKeyRow) -> None:
    with store.transaction():
        store.add_data_keys(rows)


def destroy(store: KeyStore, *keys: str, workspace: str = "acme") -> int:
    with store.transaction():
        return store.destroy([(one, workspace) for one in keys], LATER, "asked for")


def test_what_is_stored_is_there_for_whoever_opens_it_next(store: KeyStore, reopen: Open) -> None:
    made = row("one", lifetime=60, seals_until=LATER, expires_at=LATEST)
    add(store, made, row("two"))
    again = reopen()
    assert again.data_key("one") == made
    assert again.data_key("three") is None
    assert [one.id for one in again.keys_of("acme", "ada")] == ["one", "two"]
    assert again.keys_of("umbrella", "ada") == []


def test_which_of_many_keys_are_not_destroyed_is_told_at_once(store: KeyStore) -> None:
    add(store, row("one"), row("two"))
    destroy(store, "two", "never had")
    standing = store.not_destroyed(["one", "two", "never had", "unknown"])
    assert sorted(standing) == ["one", "unknown"]
    assert store.not_destroyed([]) == []


def test_notes_are_replaced(store: KeyStore) -> None:
    assert store.note("name") is None
    store.keep_note("name", b"\x00one")
    store.keep_note("name", b"two")
    assert store.note("name") == b"two"


def _given_up(store: KeyStore) -> None:
    with store.transaction():
        store.add_data_keys([row("one")])
        store.keep_note("name", b"value")
        raise KeyError


def test_a_transaction_that_fails_leaves_nothing(store: KeyStore) -> None:
    with pytest.raises(KeyError):
        _given_up(store)
    assert store.data_key("one") is None
    assert store.note("name") is None
    add(store, row("one"))
    assert store.data_key("one") is not None


def test_keys_of_workspaces_are_retired_and_then_destroyed(store: KeyStore) -> None:
    first = WorkspaceKeyRow("wk1", "acme", b"wrapped", "root", NOW)
    store.keep_workspace_key(first)
    store.keep_commitment_key("acme", b"commitment", "root")
    assert store.workspaces() == ["acme"]
    assert store.workspace_key("acme") == first
    assert store.root_key() == "root"
    anew = replace(first, wrapped=b"wrapped anew", root_key="root2")
    store.keep_workspace_key(anew)
    store.keep_commitment_key("acme", b"anew", "root2")
    assert store.workspace_keys() == [anew]
    assert store.commitment_key("acme") == (b"anew", "root2")
    store.destroy_workspace_key("wk1")  # it is not retired, so nothing is destroyed
    assert store.workspace_keys() == [anew]
    store.retire_workspace_key("wk1", LATER)
    second = WorkspaceKeyRow("wk2", "acme", b"two", "root2", LATER)
    store.keep_workspace_key(second)
    assert store.workspace_key("acme") == second
    add(store, row("one", workspace_key="wk1"))
    store.destroy_workspace_key("wk1")  # something is wrapped under it
    assert store.workspace_keys() == [anew, second]
    destroy(store, "one")
    store.destroy_workspace_key("wk1")
    assert store.workspace_keys() == [second]


def test_of_two_current_keys_of_a_workspace_one_is_refused(store: KeyStore) -> None:
    store.keep_workspace_key(WorkspaceKeyRow("wk1", "acme", b"one", "root", NOW))
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.keep_workspace_key(WorkspaceKeyRow("wk2", "acme", b"two", "root", NOW))
    assert [one.id for one in store.workspace_keys()] == ["wk1"]


def test_a_destroyed_key_stays_as_a_row_without_a_secret(store: KeyStore) -> None:
    add(store, row("one"), row("two"))
    assert destroy(store, "one") == 1
    assert destroy(store, "one") == 0
    gone = store.data_key("one")
    assert gone is not None
    assert (gone.wrapped, gone.workspace_key, gone.destroyed_at) == (None, None, LATER)
    assert [one.id for one in store.keys_of("acme", "ada")] == ["two"]


def test_a_key_that_was_never_here_is_told_from_one_that_was_destroyed(store: KeyStore) -> None:
    add(store, row("one"), row("two"))
    destroy(store, "one")
    asked = ["one", "two", "three"]
    assert (store.unknown(asked), store.not_destroyed(asked)) == (["three"], ["two", "three"])


def test_what_is_destroyed_stays_so_whatever_is_kept_again(store: KeyStore) -> None:
    add(store, row("one"), row("two"))
    destroy(store, "one")
    with store.transaction():
        store.keep_data_keys(
            [
                row("one", wrapped=b"back"),
                row("two", wrapped=b"two anew!", workspace_key="wk2", seals_until=LATER),
                row("three"),
            ]
        )
    found = {one: store.data_key(one) for one in ("one", "two", "three")}
    assert found["one"] is not None
    assert found["one"].wrapped is None
    assert found["two"] == row("two", wrapped=b"two anew!", workspace_key="wk2", seals_until=LATER)
    assert found["three"] == row("three")


def test_a_key_that_was_never_here_is_known_as_destroyed(store: KeyStore) -> None:
    assert destroy(store, "x1", "x2", workspace="umbrella") == 0
    gone = store.data_key("x2")
    assert gone is not None
    assert (gone.workspace, gone.destroyed_at, gone.wrapped) == ("umbrella", LATER, None)


def test_expired_keys_come_in_pages_the_longest_overdue_first(store: KeyStore) -> None:
    moments = {"d": NOW, "c": NOW, "b": LATER, "a": LATEST, "never": None}
    add(store, *(row(one, expires_at=moment) for one, moment in moments.items()))
    assert [one.id for one in store.expired(LATER, 10, ("", ""))] == ["c", "d", "b"]
    assert [one.id for one in store.expired(LATEST, 2, (NOW, "c"))] == ["d", "b"]
    destroy(store, "c")
    assert [one.id for one in store.expired(NOW, 10, ("", ""))] == ["d"]


def test_keys_under_a_key_of_a_workspace(store: KeyStore) -> None:
    add(store, *(row(f"k{number}", workspace_key="wk") for number in range(5)))
    add(store, row("other", workspace_key="wk2"))
    destroy(store, "k0")
    assert len(store.keys_under("wk", 3)) == 3
    assert {one.id for one in store.keys_under("wk", 10)} == {"k1", "k2", "k3", "k4"}


def test_sealing_ends_for_what_seals_longer(store: KeyStore) -> None:
    ends = {"never": None, "late": LATEST, "early": NOW}
    add(store, *(row(one, seals_until=moment) for one, moment in ends.items()))
    add(store, row("elsewhere", workspace="umbrella"))
    assert store.end_sealing("acme", LATER) == 2
    found = {one: store.data_key(one) for one in (*ends, "elsewhere")}
    told = {name: one.seals_until for name, one in found.items() if one is not None}
    assert told == {"never": LATER, "late": LATER, "early": NOW, "elsewhere": None}


def test_changes_of_several_openers_come_one_after_the_other(store: KeyStore, reopen: Open) -> None:
    """Whoever reads within a transaction decides on what nobody else changes meanwhile."""
    stores = [store, reopen(), reopen()]

    def count_on(one: KeyStore) -> None:
        for _ in range(20):
            with one.transaction():
                noted = one.note("count")
                assert noted is None or isinstance(noted, bytes)
                one.keep_note("count", str(int(noted or b"0") + 1).encode())

    threads = [threading.Thread(target=count_on, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.note("count") == b"60"


def test_nothing_is_left_after_it_is_forgotten_and_rewritten(store: KeyStore, reopen: Open) -> None:
    add(store, *(row(f"k{number}") for number in range(50)))
    destroy(store, *(f"k{number}" for number in range(0, 50, 2)))
    store.forget_log()
    assert destroy(store, *(f"k{number}" for number in range(50))) == 25
    store.forget_log()
    store.rewrite()
    gone = reopen().data_key("k1")
    assert gone is not None
    assert gone.wrapped is None


def test_where_it_is_tells_no_password(store: KeyStore) -> None:
    assert store.place
    assert "@" not in store.place
