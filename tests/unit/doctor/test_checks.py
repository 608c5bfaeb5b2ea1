"""What ``gateway doctor`` finds, check by check, and that it changes nothing."""

import asyncio
import base64
import http.server
import json
import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.doctor import Finding, State, examine
from gateway.doctor import places as places_of
from gateway.doctor.contents import anchors, contracts, documents, policies, webhooks
from gateway.doctor.examining import CHECKS
from gateway.doctor.keys import revoked, root_key, signing_key, tokens
from gateway.doctor.network import issuers, port, traces
from gateway.doctor.places import data_folder, key_folder, room
from gateway.doctor.record import checkpoint, clock, continuity, database, tables
from gateway.environment import load_settings
from gateway.journal import Checkpointer, SqliteJournal
from gateway.loading import open_keyring
from gateway.migrating import bring_up_to_date
from gateway.model.problem import ProblemError
from gateway.serving import listen
from gateway.settings import Settings
from gateway.shipped import shipped_policies
from tests.contract.journal_story import Story
from tests.ports import free_port

Look = Callable[[Settings], Iterator[Finding]]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


class OwnClock:
    """A clock that stands where it was set."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def record(settings: Settings, moment: datetime | None = None, *, signed: bool = True) -> None:
    """Make the keys and a record with a run in it, recorded at ``moment``."""
    keyring = open_keyring(settings)
    keyring.data.close()

    async def session() -> None:
        clock = OwnClock(moment or datetime.now(UTC))
        journal = await SqliteJournal.open(settings.database_path, clock=clock, writer="w")
        try:
            for new in Story("a").whole("x"):
                await journal.write(lambda tx, new=new: tx.append(new))
            if signed:
                await Checkpointer(journal, keyring.signer).checkpoint()
        finally:
            await journal.close()

    asyncio.run(session())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", port=0)  # others may serve on the usual one


def states(look: Look, settings: Settings) -> list[State]:
    return [finding.state for finding in look(settings)]


def one(look: Look, settings: Settings) -> Finding:
    (found,) = look(settings)
    return found


def code(look: Look, settings: Settings) -> str:
    """The code of the problem that a check ends with."""
    with pytest.raises(ProblemError) as raised:
        list(look(settings))
    return raised.value.problem.code


def content_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file, but for those that SQLite keeps beside its own while it reads."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


# --- as a whole


def test_an_installation_that_served_is_well_and_stays_as_it_is(
    tmp_path: Path, settings: Settings
) -> None:
    record(settings)
    before = content_of(tmp_path)
    found = list(examine(settings))
    assert [one for one in found if one.state is State.FAILED] == []
    assert content_of(tmp_path) == before


def test_every_failure_and_warning_says_how_to_mend_it(tmp_path: Path) -> None:
    settings = broken(tmp_path)
    settings.data_dir.mkdir()
    settings.database_path.write_bytes(b"no database, but as long as the head of one" * 9)
    settings.key_dir.mkdir(mode=0o755)
    found = list(examine(settings))
    bad = [one for one in found if one.state in (State.FAILED, State.WARNING)]
    assert {one.check for one in bad} >= {"tables", "key folder", "contracts", "anchors"}
    assert all(one.told and one.remedy for one in bad)
    skipped = {one.check for one in found if one.state is State.SKIPPED}
    assert {"continuity", "checkpoints", "clock", "policies", "webhooks", "root key"} <= skipped


def test_a_record_that_is_damaged_inside_hides_nothing_of_the_others(settings: Settings) -> None:
    record(settings)
    with closing(sqlite3.connect(settings.database_path)) as connection, connection:
        connection.execute("DROP TABLE entry")
    found = list(examine(settings))
    assert {one.check for one in found} == {check.name for check in CHECKS} | {
        "policy cases",
        "policy lint",
    }
    assert State.FAILED in {one.state for one in found if one.check == "clock"}


def test_a_new_installation_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    settings = broken(tmp_path)
    list(examine(settings))
    assert not settings.data_dir.exists()
    assert not settings.key_dir.exists()


def broken(tmp_path: Path) -> Settings:
    """Settings with contracts that do not load, so that nothing else is read."""
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "a.yaml").write_text("key: [")
    return load_settings(data_dir=tmp_path / "data", schema_dir=str(tmp_path / "schema"))


# --- folders


def test_folders_that_others_may_enter_are_found(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.data_dir.chmod(0o777)
    settings.key_dir.mkdir(mode=0o700)
    assert states(data_folder, settings) == [State.OK, State.WARNING]
    assert states(key_folder, settings) == [State.OK]
    settings.key_dir.chmod(0o750)
    assert states(key_folder, settings) == [State.OK, State.FAILED]
    assert list(key_folder(settings))[1].remedy.endswith(f"chmod 700 {settings.key_dir}")


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    for name in ("file/data", "gone/data"):
        settings = load_settings(data_dir=tmp_path / name, key_dir=tmp_path / name)
        assert states(data_folder, settings) == [State.FAILED]
        assert states(key_folder, settings) == [State.FAILED]


def test_a_folder_in_the_place_of_the_lock_is_told(settings: Settings) -> None:
    (settings.data_dir / "gateway.lock").mkdir(parents=True)
    assert states(data_folder, settings) == [State.OK, State.FAILED]
    assert "gateway.lock is a folder" in list(data_folder(settings))[1].told


def test_keys_among_the_data_are_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "mine").mkdir(parents=True, mode=0o700)
    settings = load_settings(data_dir=data, key_dir=data / "mine")
    assert states(key_folder, settings) == [State.OK, State.WARNING]


def test_keys_of_an_earlier_release_stay_where_they_are(settings: Settings) -> None:
    earlier = settings.data_dir / "keys"
    earlier.mkdir(parents=True)
    assert states(key_folder, settings) == [State.WARNING]
    assert earlier.is_dir()
    settings.key_dir.mkdir()
    assert states(key_folder, settings) == [State.FAILED]


@pytest.mark.parametrize(
    ("free", "state"), [(2**40, State.OK), (2**29, State.WARNING), (2**20, State.FAILED)]
)
def test_room_that_runs_out_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, free: int, state: State
) -> None:
    usage = shutil.disk_usage(settings.data_dir.parent)._replace(free=free)
    monkeypatch.setattr(places_of.shutil, "disk_usage", lambda _: usage)
    assert states(room, settings) == [state]


# --- the record


def test_a_file_that_is_no_database_is_told(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.database_path.write_bytes(b"no database, but as long as the head of one" * 9)
    assert code(tables, settings) == "DATABASE_UNREADABLE"


def test_tables_of_another_release_are_told(settings: Settings) -> None:
    bring_up_to_date(settings)
    assert states(tables, settings) == [State.OK]
    for version, told in ((1, "DATABASE_OUTDATED"), (999, "DATABASE_UNKNOWN_VERSION")):
        with closing(sqlite3.connect(settings.database_path)) as connection, connection:
            connection.execute("UPDATE meta SET schema_version = ?", (version,))
        assert code(tables, settings) == told


def test_a_record_from_a_backup_is_told(settings: Settings) -> None:
    record(settings)
    assert states(continuity, settings) == [State.OK]
    with closing(sqlite3.connect(settings.database_path)) as connection, connection:
        connection.execute("PRAGMA user_version = 1")
    assert code(continuity, settings) == "RECORD_RESTORED"


@pytest.mark.parametrize("garbage", [b"", b"\xff\x00garbage", b'{"position": -1}', b"[]"])
def test_a_mark_that_cannot_be_read_proves_nothing(settings: Settings, garbage: bytes) -> None:
    record(settings)
    (settings.key_dir / "record.mark").write_bytes(garbage)
    (found,) = continuity(settings)
    assert found.state is State.WARNING
    assert "cannot be read" in found.told


def test_a_clock_behind_the_record_is_told(tmp_path: Path, settings: Settings) -> None:
    record(settings)
    assert states(clock, settings) == [State.OK]
    ahead = load_settings(data_dir=tmp_path / "ahead")
    record(ahead, datetime.now(UTC) + timedelta(hours=1))
    assert states(clock, ahead) == [State.FAILED]


def test_a_clock_far_past_the_record_is_told(tmp_path: Path, settings: Settings) -> None:
    record(settings, datetime.now(UTC) - timedelta(days=365))
    assert states(clock, settings) == [State.WARNING]
    assert "365 days past the last entry" in one(clock, settings).told
    used_to_it = load_settings(data_dir=settings.data_dir, privacy_clock_leap=400)
    assert states(clock, used_to_it) == [State.OK]


def test_a_record_that_nobody_signed_is_told(tmp_path: Path, settings: Settings) -> None:
    record(settings)
    assert one(checkpoint, settings).told.endswith("covers 7 of 7 entries")
    unsigned = load_settings(data_dir=tmp_path / "unsigned")
    record(unsigned, signed=False)
    assert states(checkpoint, unsigned) == [State.WARNING]


@pytest.mark.parametrize("garbage", [b"x", b"no checkpoint\n", bytes(449)])
def test_a_second_copy_of_checkpoints_that_holds_something_else_is_told(
    settings: Settings, garbage: bytes
) -> None:
    record(settings)
    copy = settings.data_dir / "checkpoints.jsonl"
    written = copy.read_bytes()
    assert states(checkpoint, settings) == [State.OK]
    for content in (written + garbage, garbage + written, garbage):
        copy.write_bytes(content)
        found = list(checkpoint(settings))
        assert [one.state for one in found] == [State.OK, State.WARNING]
        assert str(copy) in found[1].told
        assert "Move the file away" in found[1].remedy
    for end in (0, 1, len(written) - 1):  # short, as after a crash
        copy.write_bytes(written[:end])
        assert states(checkpoint, settings) == [State.OK]
    copy.unlink()
    assert states(checkpoint, settings) == [State.OK]
    copy.mkdir()
    assert states(checkpoint, settings) == [State.OK, State.WARNING]


def test_a_database_is_asked_for_its_clock_and_tables(tmp_path: Path, database_url: str) -> None:
    settings = load_settings(data_dir=tmp_path / "data", database_url=database_url)
    assert [(one.check, one.state) for one in database(settings)] == [
        ("database", State.OK),
        ("clock", State.OK),
    ]
    assert code(tables, settings) == "DATABASE_OUTDATED"
    bring_up_to_date(settings)
    assert states(tables, settings) == [State.OK]
    assert one(clock, settings).told == "nothing was recorded yet"
    assert states(signing_key, settings) == [State.OK]


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/gateway"
    settings = load_settings(data_dir=tmp_path / "data", database_url=url)
    with pytest.raises(ProblemError) as raised:
        list(database(settings))
    assert raised.value.problem.code == "SERVICE_UNAVAILABLE"
    assert "s3cret" not in str(raised.value.problem)


# --- what is read


def test_contracts_with_faults_or_without_a_handler_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    folder.mkdir()
    settings = load_settings(data_dir=tmp_path / "data", schema_dir=str(folder))
    (folder / "a.yaml").write_text(
        "key: shop.note.read\nversion: 1.0.0\nkind: query\ntitle: Read a note\n"
        "description: Reads.\ngoal: To read.\ncontext: None.\ndomain: shop\nowners: [shop]\n"
        "stability: stable\ncapability: shop.core@1.0.0\ninput: {id: ID!}\noutput: {text: String}\n"
        "policy: {auth: user}\n"
    )
    found = list(contracts(settings))
    assert [one.state for one in found] == [State.FAILED, State.OK]
    assert "shop.note.read@1.0.0 has no handler" in found[0].told
    (folder / "a.yaml").write_text("key: [")
    assert code(contracts, settings) == "CONTRACTS_INVALID"


def test_policies_that_fail_their_cases_are_told(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped_policies(), tmp_path / "policies"))
    settings = load_settings(data_dir=tmp_path / "data", policy_dir=folder)
    rules = (folder / "access.csv").read_text()
    (folder / "access.csv").write_text(rules.replace("p, admin, *, auth:admin", "# p, admin"))
    assert (folder / "access.csv").read_text() != rules
    found = {one.check: one for one in policies(settings)}
    assert found["policy cases"].state is State.FAILED
    (folder / "access.csv").write_text("nonsense\n")
    assert code(policies, settings) == "POLICIES_INVALID"


def test_files_that_cannot_be_honoured_are_told(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("- [")
    given = {"data_dir": tmp_path / "data", "webhooks": file, "anchors": file}
    settings = load_settings(**given, documents_dir=tmp_path / "none", trusted_documents="require")
    assert code(webhooks, settings) == "WEBHOOKS_INVALID"
    assert code(anchors, settings) == "ANCHORS_INVALID"
    assert code(documents, settings) == "DOCUMENTS_INVALID"


def test_tokens_that_are_revoked_are_counted_or_told(tmp_path: Path) -> None:
    file = tmp_path / "revoked"
    file.write_text("token a\ntoken b\nbefore 2026-03-01T09:30:00Z ada\n")
    settings = load_settings(data_dir=tmp_path / "data", revoked_tokens=file)
    (found,) = revoked(settings)
    assert found.told.startswith("2 tokens, and earlier ones of 1 subjects")
    file.write_text("ada\n")
    assert code(revoked, settings) == "REVOCATIONS_INVALID"


# --- keys


def test_a_root_key_that_is_gone_or_another_is_told(settings: Settings) -> None:
    record(settings)
    keyring = open_keyring(settings)
    keyring.workspaces.of("acme")
    keyring.data.close()
    assert states(root_key, settings) == [State.OK]
    path = settings.key_dir / "root.key"
    path.write_bytes(bytes(32))
    assert "restore that one" in one(root_key, settings).remedy
    path.unlink()
    assert "restore root.key" in one(root_key, settings).remedy
    assert not path.exists()


def test_key_files_that_others_may_read_are_told(settings: Settings) -> None:
    record(settings)
    for look, name in ((root_key, "root.key"), (signing_key, "checkpoint-signing.pem")):
        (settings.key_dir / name).chmod(0o644)
        assert code(look, settings) == "KEYS_UNUSABLE"


def test_a_signing_key_that_is_gone_is_told(settings: Settings) -> None:
    record(settings)
    assert states(signing_key, settings) == [State.OK]
    (settings.key_dir / "checkpoint-signing.pem").unlink()
    assert states(signing_key, settings) == [State.FAILED]


def test_a_root_key_in_the_environment_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = load_settings(data_dir=tmp_path / "data", root_key="env:MY_ROOT")
    assert code(root_key, settings) == "KEYS_UNUSABLE"
    monkeypatch.setenv("MY_ROOT", base64.b64encode(bytes(32)).decode())
    assert states(root_key, settings) == [State.OK]


def test_a_key_of_development_tokens_that_cannot_be_used_is_told(settings: Settings) -> None:
    record(settings)
    assert states(tokens, settings) == [State.OK]
    assert not (settings.key_dir / "token-signing.pem").exists()
    (settings.key_dir / "token-signing.pem").write_text("garbage")
    assert code(tokens, settings) == "KEYS_UNUSABLE"
    off = load_settings(data_dir=settings.data_dir, local_tokens="off")
    assert states(tokens, off) == [State.OK]


def test_development_tokens_before_the_world_are_told(tmp_path: Path, settings: Settings) -> None:
    assert states(tokens, settings) == [State.OK]
    assert states(tokens, load_settings(host="0.0.0.0")) == [State.WARNING]  # noqa: S104 not served
    assert states(tokens, load_settings(host="0.0.0.0", local_tokens="off")) == [  # noqa: S104 as above
        State.OK
    ]


# --- the network


def test_a_port_that_something_else_has_is_told(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        own = load_settings(data_dir=settings.data_dir, port=taken.getsockname()[1])
        threading.Thread(target=lambda: taken.accept()[0].close(), daemon=True).start()
        assert states(port, own) == [State.FAILED]
    assert states(port, own) == [State.OK]
    assert states(port, load_settings(host="192.0.2.1")) == [State.FAILED]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("::1%nowhere", "Name or service not known"),
        (f"\u00fc{'a' * 70}", "encoding of hostname failed"),
    ],
)
def test_a_host_without_an_address_is_told_as_a_start_tells_it(host: str, said: str) -> None:
    own = load_settings(host=host)
    [told] = port(own)
    assert said in told.told
    with pytest.raises(ProblemError) as refused:
        listen(own)
    assert refused.value.problem.code == "SETTINGS_INVALID"
    assert said in refused.value.problem.detail


class Provider(http.server.BaseHTTPRequestHandler):
    """An identity provider that publishes no key."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"keys": []}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_identity_providers_are_asked_for_their_keys(settings: Settings) -> None:
    assert states(issuers, settings) == [State.WARNING]
    with http.server.HTTPServer(("127.0.0.1", 0), Provider) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        told = json.dumps([{"issuer": url, "audience": "gateway", "jwks_url": f"{url}/keys"}])
        own = load_settings(data_dir=settings.data_dir, oidc_issuers=told)
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert states(issuers, own) == [State.OK]
    assert states(issuers, own) == [State.FAILED]


def test_a_variable_that_opentelemetry_refuses_is_a_failure_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert states(traces, load_settings()) == [State.OK]
    settings = load_settings(traces="otlp")
    assert states(traces, settings) == [State.OK]
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "-1")
    [told] = [one for one in examine(settings) if one.check == "traces"]
    assert (told.state, told.code) == (State.FAILED, "SETTING_INVALID")
    assert "OTEL_BSP_SCHEDULE_DELAY" in told.told
