"""``gateway policy``: between the files and the live store."""

import asyncio
import errno
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.administration import put_in_force
from gateway.cli import main
from gateway.journal import SqliteJournal, read_record, rebuild_matches
from gateway.loading import contract_folders
from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import Changeset, ChangesetStatus
from gateway.model.principal import Principal, PrincipalType
from gateway.model.system import SystemClock
from gateway.policy import read_content
from gateway.shipped import shipped_schema
from tests.loaded import load_contracts

ROOT = Path(__file__).parents[3]
ROW = "p, clerk, acme, controlPlane.execution.get, call, allow"
WHY = ("--title", "Let clerks read", "--reason", "they asked")
FIONA = Principal(PrincipalType.HUMAN, "fiona", "acme", frozenset({"admin", "policy-approver"}))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", made)
    return made


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the shipped files have seeded."""
    folder = tmp_path_factory.mktemp("seeded")
    registry = load_contracts(contract_folders((shipped_schema(),)))

    async def seed() -> None:
        path = folder / "gateway.db"
        journal = await SqliteJournal.open(path, clock=SystemClock(), writer="embedded")
        try:
            await put_in_force(journal, "store", ROOT / "policies", registry)
        finally:
            await journal.close()

    asyncio.run(seed())
    return folder


@pytest.fixture
def data(tmp_path: Path, seeded: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(seeded, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, files: Path, data: Path):
    """Runs ``gateway policy ...`` on the folders of this test."""

    def run(*arguments: str, **settings: str) -> Result:
        env = {
            "GATEWAY_DATA_DIR": str(data),
            "GATEWAY_POLICY_DIR": str(files),
            "GATEWAY_POLICY_WORKSPACES": "acme",
            **settings,
        }
        return CliRunner().invoke(main, ["policy", *arguments], env=env, catch_exceptions=False)

    return run


def with_row(folder: Path, row: str = ROW) -> str:
    """Adds a rule to the files; returns where it stands."""
    path = folder / "access.csv"
    path.write_text(path.read_text() + f"{row}\n")
    return f"access.csv:{path.read_text().count(chr(10))}"


def read(data: Path, query):
    return read_record(data / "gateway.db", query)


def head(data: Path) -> str:
    return read(data, lambda records: records.policy_head())


def imported(run, files: Path, *more: str) -> str:
    done = run("import", str(files), *WHY, "--author", "ann", *more)
    assert done.exit_code == 0, done.output
    return done.stdout.split()[0]


def changeset(data: Path, changeset_id: str) -> Changeset:
    found = read(data, lambda records: records.changeset(changeset_id))
    assert found is not None
    return found


def approve(data: Path, changeset_id: str, by: Principal = FIONA) -> None:
    """What approvers do over GraphQL."""
    found = changeset(data, changeset_id)

    def unit(tx) -> None:
        told = {"changesetId": changeset_id, "revision": found.revision}
        analyzed = told | {"head": found.base, "report": {}}
        approved = told | {"note": None, "approver": by.to_json()}
        tx.append(NewEntry(EntryType.POLICY_ANALYZED, "acme", analyzed, None, "ann"))
        tx.append(NewEntry(EntryType.POLICY_APPROVED, "acme", approved, None, by.subject))

    async def write() -> None:
        path = data / "gateway.db"
        journal = await SqliteJournal.open(path, clock=SystemClock(), writer="embedded")
        try:
            await journal.write(unit)
        finally:
            await journal.close()

    asyncio.run(write())


# --- test


def test_what_is_in_force_and_any_folder_or_revision_can_be_tested(run, files, data) -> None:
    (files / "cases").joinpath("own.yaml").write_text(
        "- name: nobody but clerks\n  principal: {type: human, roles: [clerk]}\n"
        "  contract: controlPlane.execution.get\n  expect: {access: allow}\n"
    )
    assert run("test").exit_code == 1
    with_row(files)
    assert run("test").exit_code == 0
    assert run("test", "--store").exit_code == 0
    assert head(data) in run("test", "--revision", head(data)[:15]).stdout
    assert read_content(files).revision in run("test", "--revision", str(files)).stdout


# --- diff


def test_the_files_are_compared_with_what_is_in_force(run, files, data) -> None:
    same = run("diff")
    assert (same.exit_code, same.stdout) == (0, f"no difference: both are {head(data)}\n")
    place = with_row(files)
    done = run("diff")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"--- store {head(data)}",
        f"+++ {files} {read_content(files).revision}",
        f"+ {place}  {ROW}",
    ]


def test_any_two_are_compared(run, files, data, tmp_path) -> None:
    place = with_row(files)
    other = tmp_path / "other"
    shutil.copytree(ROOT / "policies", other)
    assert f"- {place}  {ROW}" in run("diff", "files", "store").stdout
    assert run("diff", str(other)).exit_code == 0
    assert f"- {place}  {ROW}" in run("diff", "files", str(other)).stdout
    assert run("diff", head(data).removeprefix("sha256:")[:12], "store").exit_code == 0


def test_differences_are_told_to_machines(run, files, data) -> None:
    with_row(files)
    told = json.loads(run("diff", "--json").stdout)
    assert told["before"] == {"name": "store", "revision": head(data)}
    (file,) = told["files"]
    assert (file["file"], file["change"]) == ("access.csv", "rows")
    assert [row["after"] for row in file["rows"]] == [ROW]


@pytest.mark.parametrize("named", ["nothing", "sha256:", "abc", "f" * 12])
def test_a_name_that_is_none_is_told(run, named: str) -> None:
    done = run("diff", named)
    assert done.exit_code == 1
    assert "NOT_FOUND" in done.stderr
    assert "gateway policy log" in done.stderr


# --- export


def test_an_export_is_the_files_to_the_letter(run, files, tmp_path) -> None:
    done = run("export", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    for path in files.rglob("*"):
        if path.is_file() and path.name not in ("skills.yaml", "retention.yaml"):
            copy = tmp_path / "out" / path.relative_to(files)
            assert copy.read_bytes() == path.read_bytes()
    assert run("diff", str(tmp_path / "out")).exit_code == 0


def test_an_export_replaces_nothing_unless_told(run, files, tmp_path) -> None:
    with_row(files)
    (files / "separation.yaml").write_text("# none\n")
    (files / "skills.yaml").write_text("mine")
    before = (files / "access.csv").read_bytes()
    refused = run("export", str(files))
    assert refused.exit_code == 1
    assert "CONFLICT" in refused.stderr
    assert "--force" in refused.stderr
    assert (files / "access.csv").read_bytes() == before
    assert run("export", str(files), "--force").exit_code == 0
    assert run("diff").exit_code == 0
    assert (files / "skills.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told(run, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cases").write_text("a file")
    done = run("export", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "PRECONDITION_FAILED" in done.stderr
    assert "cannot be written" in done.stderr


def test_a_full_disk_exchanges_no_file(run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of some policies may allow what the whole of them denies."""
    (files / "separation.yaml").write_text("# other\n")
    (files / "cases" / "more.yaml").write_text("[]\n")
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    left = [3]

    def full(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("gateway.model.system.os.fsync", full)
        done = run("export", str(files), "--force")
    assert done.exit_code == 1
    assert f"{files} cannot be written: No space left" in done.stderr
    assert {path: path.read_bytes() for path in files.rglob("*") if path.is_file()} == before


class Killed(BaseException):
    """The process ends here: nothing more of it runs."""


@pytest.mark.parametrize(
    ("step", "after"), [("replace", 0), ("replace", 2), ("unlink", 0), ("unlink", 1)]
)
def test_what_an_export_left_half_exchanged_is_not_read(
    run, files: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    with_row(files)
    for name in ("one", "two"):
        (files / "cases" / f"{name}.yaml").write_text("[]\n")
    left = [after]
    real = getattr(Path, step)

    def until(path: Path, *arguments: object, **named: object) -> object:
        if path.suffix in (".part", ".yaml"):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return real(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, until)
        with pytest.raises(Killed):
            run("export", str(files), "--force")
    for command in (["test"], ["lint"], ["diff"], ["import", str(files), *WHY]):
        refused = run(*command)
        assert refused.exit_code == 2
        assert "POLICY_FILE: an export to this folder is under way or" in refused.stderr
    assert run("export", str(files), "--force").exit_code == 0
    assert run("diff").exit_code == 0
    assert not (files / "export.unfinished").exists()


def test_drafts_of_exports_that_were_killed_are_removed(run, files: Path) -> None:
    kept = [files / f"{name}.part" for name in ("mine", f"mine.{'0' * 16}", "access.csv")]
    left = [files / f"{name}.{'0a' * 8}.part" for name in ("access.csv", "cases/x.yaml")]
    for path in (*kept, *left):
        path.write_text("half")
    assert run("export", str(files), "--force").exit_code == 0
    assert [path.exists() for path in (*kept, *left)] == [True] * 3 + [False] * 2


def test_one_export_writes_to_a_folder_at_a_time(
    run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the one that ends first would say for the other that the files are of one revision."""
    within: list[Result] = []
    real = Path.replace

    def meanwhile(path: Path, to: Path) -> Path:
        if not within:
            within.append(run("export", str(files), "--force"))
        return real(path, to)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", meanwhile)
        assert run("export", str(files), "--force").exit_code == 0
    assert within[0].exit_code == 1
    assert f"Another export to {files} is under way. Try again" in within[0].stderr
    assert run("diff").exit_code == 0


def test_an_export_keeps_who_may_read_and_links(run, files: Path, tmp_path: Path) -> None:
    rules, linked = files / "access.csv", tmp_path / "elsewhere.csv"
    rules.rename(linked)
    linked.chmod(0o640)
    rules.symlink_to(linked)
    assert run("export", str(files), "--force").exit_code == 0
    assert rules.is_symlink()
    assert stat.S_IMODE(linked.stat().st_mode) == 0o640


def test_links_in_a_circle_are_told(run, files: Path) -> None:
    (files / "access.csv").unlink()
    (files / "access.csv").symlink_to("access.csv")
    done = run("export", str(files), "--force")
    assert done.exit_code == 1
    assert f"{files / 'access.csv'} cannot be written: Too many levels" in done.stderr
    assert (files / "access.csv").is_symlink()


# --- import


def test_an_import_proposes_the_files_and_changes_nothing(run, files, data) -> None:
    before = head(data)
    with_row(files)
    done = run("import", str(files), *WHY, "--author", "ann")
    assert done.exit_code == 0, done.output
    found = changeset(data, done.stdout.split()[0])
    assert (found.status, found.workspace) == (ChangesetStatus.CHECKED, "acme")
    assert (found.title, found.reason, found.authors) == ("Let clerks read", "they asked", ("ann",))
    assert (found.base, found.revision) == (before, read_content(files).revision)
    assert [edit.add for edit in found.edits] == [ROW]
    assert found.cases["failed"] == 0 < found.cases["passed"]
    assert head(data) == before
    assert "somebody other than ann" in done.stdout
    assert f"gateway policy activate {found.id}" in done.stdout
    assert run("diff", found.id, "files").exit_code == 0


def test_an_import_that_the_checks_refuse_is_kept_as_a_draft(run, files, data) -> None:
    place = with_row(files, "p, clerk, acme, controlPlane.execution.gte, call, allow")
    done = run("import", str(files), *WHY, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["status"] == "draft"
    assert told["findings"][0]["code"] == "POLICY_CONTRACT_UNKNOWN"
    assert told["findings"][0]["at"].startswith(place)
    assert changeset(data, told["changesetId"]).status is ChangesetStatus.DRAFT
    shown = run("import", str(files), *WHY)
    assert "POLICY_CONTRACT_UNKNOWN" in shown.stdout
    assert "The checks refuse it" in shown.stdout


def test_files_that_are_in_force_are_not_imported(run, files) -> None:
    done = run("import", str(files), *WHY)
    assert done.exit_code == 0
    assert "nothing to import" in done.stdout


def test_a_folder_without_policies_is_not_imported(run, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("import", str(tmp_path / "empty"), *WHY)
    assert done.exit_code == 2
    assert "holds no policy files" in done.stderr


def test_one_revision_is_tested_at_a_time(run) -> None:
    done = run("test", "--store", "--revision", "files")
    assert done.exit_code == 2
    assert "--revision store" in done.stderr


def test_somebody_must_be_able_to_approve_an_import(run, files) -> None:
    with_row(files)
    nobody = run("import", str(files), *WHY, GATEWAY_POLICY_WORKSPACES="")
    assert nobody.exit_code == 1
    assert "--workspace" in nobody.stderr
    own = run("import", str(files), *WHY, "--workspace", "acme", GATEWAY_POLICY_WORKSPACES="")
    assert own.exit_code == 0, own.output
    foreign = run("import", str(files), *WHY, "--workspace", "beta", GATEWAY_POLICY_WORKSPACES="")
    assert foreign.exit_code == 1
    assert "FORBIDDEN" in foreign.stderr


@pytest.mark.parametrize("option", ["--title", "--reason", "--author"])
@pytest.mark.parametrize("text", [" ", "x" * 5_000])
def test_an_import_says_what_and_why(run, files, option: str, text: str) -> None:
    with_row(files)
    done = run("import", str(files), *WHY, option, text)
    assert done.exit_code == 1
    assert option in done.stderr


# --- activate


@pytest.mark.parametrize("name", [" ", "x" * 5_000, "ben\x1b[2J"])
def test_who_acts_is_called_as_a_token_could_call_somebody(run, files, data, name: str) -> None:
    before = head(data)
    with_row(files)
    changeset_id = imported(run, files)
    approve(data, changeset_id)
    done = run("activate", changeset_id, "--by", name)
    assert done.exit_code == 1
    assert "--by" in done.stderr
    assert head(data) == before
    assert run("import", str(files), *WHY, "--author", name).exit_code == 1


def test_an_approved_import_is_activated(run, files, data) -> None:
    before = head(data)
    with_row(files)
    changeset_id = imported(run, files)
    approve(data, changeset_id)
    done = run("activate", changeset_id, "--by", "ben")
    assert done.exit_code == 0, done.output
    assert head(data) == read_content(files).revision
    assert before in done.stdout
    assert changeset(data, changeset_id).status is ChangesetStatus.ACTIVATED
    assert run("diff").exit_code == 0
    (newest, first) = json.loads(run("log", "--json").stdout)
    assert (newest["number"], newest["by"], newest["changesetId"]) == (2, "ben", changeset_id)
    assert (newest["source"], newest["previous"], first["source"]) == ("changeset", before, "files")
    assert rebuild_matches(data / "gateway.db") == []


def test_only_what_is_approved_and_up_to_date_is_activated(run, files, data) -> None:
    with_row(files)
    first = imported(run, files)
    refused = run("activate", first)
    assert refused.exit_code == 1
    assert "activate needs one of APPROVED" in refused.stderr
    second = imported(run, files, "--title", "The same again")
    approve(data, first)
    approve(data, second)
    assert run("activate", first).exit_code == 0
    late = run("activate", second)
    assert late.exit_code == 1
    assert "is in force by now" in late.stderr
    again = run("activate", first)
    assert "is ACTIVATED" in again.stderr
    unknown = run("activate", "chg_1")
    assert "NOT_FOUND" in unknown.stderr


@pytest.mark.parametrize(
    "approver",
    [
        Principal(PrincipalType.HUMAN, "ann", "acme", frozenset({"admin"})),
        Principal(PrincipalType.SERVICE, "bot", "acme", frozenset({"admin"})),
        Principal(PrincipalType.HUMAN, "gus", "acme", frozenset({"user"})),
    ],
)
def test_an_approval_that_does_not_stand_is_refused(run, files, data, approver: Principal) -> None:
    before = head(data)
    with_row(files)
    changeset_id = imported(run, files)
    approve(data, changeset_id, approver)
    done = run("activate", changeset_id)
    assert done.exit_code == 1
    assert "The approval does not stand" in done.stderr
    assert head(data) == before


def test_where_the_files_lead_nothing_is_activated(run, files, data) -> None:
    with_row(files)
    changeset_id = imported(run, files)
    approve(data, changeset_id)
    done = run("activate", changeset_id, GATEWAY_POLICY_SOURCE="files")
    assert done.exit_code == 1
    assert "PRECONDITION_FAILED" in done.stderr


# --- log


def test_the_log_names_who_put_what_in_force_and_when(run, files, data) -> None:
    digits = head(data).removeprefix("sha256:")[:12]
    (line,) = run("log").stdout.splitlines()
    number, _, revision, source, *_ = line.split("\t")
    assert (number, revision, source) == ("1", digits, "files")
    with_row(files)
    changeset_id = imported(run, files)
    approve(data, changeset_id)
    run("activate", changeset_id, "--by", "ben")
    (line,) = run("log", "--limit", "1").stdout.splitlines()
    assert line.endswith(f"changeset\t{changeset_id}\tben")


def test_without_a_record_commands_say_so(run, tmp_path) -> None:
    for command in (["log"], ["diff"], ["export", str(tmp_path / "out")], ["activate", "x"]):
        done = run(*command, GATEWAY_DATA_DIR=str(tmp_path / "none"))
        assert done.exit_code == 1, command
        assert "There is no record" in done.stderr
