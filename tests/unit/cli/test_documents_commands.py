"""gateway documents add, list and check."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.model.system import locked_folder
from gateway.surfaces.graphql.trusted import store
from tests.unit.graphql.manifests import apollo, digest, mapped, write

GET = (
    "query Get($input: ControlPlaneExecutionGetInput!) "
    "{ controlPlaneExecutionGet(input: $input) { execution { status } } }"
)
LIST = "query List { controlPlaneExecutionList(input: {}) { total } }"
NAME = "query Name { __typename }"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


class Desk:
    """Somebody with manifests and a folder of documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents = folder / "documents"

    def run(self, *arguments: str) -> Result:
        given = ["documents", *arguments, "--documents-dir", str(self.documents)]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    def file(self, name: str, manifest: object) -> str:
        return str(write(self.folder / name, manifest))

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.documents.glob("*"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_was_added_is_listed_and_holds(desk: Desk) -> None:
    web, app = desk.file("web.json", apollo(GET)), desk.file("app.json", mapped(LIST, home=NAME))
    done = desk.run("add", web, app)
    assert done.exit_code == 0, done.output
    assert "3 documents registered; " in done.stdout
    assert desk.kept() == sorted(f"{digest(Path(file).read_text())}.json" for file in (web, app))
    listed = desk.run("list")
    assert listed.exit_code == 0
    assert f"sha256:{digest(GET)}\tGet\t{digest(GET)}" in listed.stdout.splitlines()
    assert f"sha256:{digest(NAME)}\tName\thome" in listed.stdout.splitlines()
    assert listed.stdout.count("\n") == 3
    checked = desk.run("check")
    assert (checked.exit_code, checked.stdout) == (0, "3 documents, 0 broken\n")


def test_what_is_told_is_told_as_json_too(desk: Desk) -> None:
    added = json.loads(desk.run("add", desk.file("web.json", apollo(GET)), "--json").stdout)
    assert added["documents"] == 1
    assert Path(added["added"][0]["manifest"]).parent == desk.documents
    assert desk.run("list").stdout.count("\n") == 1
    (document,) = json.loads(desk.run("list", "--json").stdout)
    assert (document["digest"], document["operations"]) == (f"sha256:{digest(GET)}", ["Get"])
    assert json.loads(desk.run("check", "--json").stdout) == {"documents": 1, "broken": []}
    refused = desk.run("add", desk.file("bad.json", {"a": "{ nope }"}), "--json")
    (issue,) = json.loads(refused.stdout)["issues"]
    assert (refused.exit_code, issue["code"]) == (1, "GRAPHQL_VALIDATION_FAILED")


def test_a_schema_that_would_break_documents_is_told_before_it_ships(desk: Desk) -> None:
    desk.run("add", desk.file("web.json", apollo(GET, LIST)))
    shipped = (ROOT / "schema" / "gateway.graphql").read_text()
    new = desk.folder / "new.graphql"
    new.write_text(shipped)
    assert desk.run("check", "--schema", str(new)).exit_code == 0
    new.write_text(shipped.replace("  total: Int!", "  count: Int!"))
    broken = desk.run("check", "--schema", str(new))
    assert broken.exit_code == 1
    assert f"BROKEN sha256:{digest(LIST)}  List" in broken.stdout
    assert "Cannot query field 'total'" in broken.stdout
    assert digest(GET) not in broken.stdout
    assert broken.stdout.endswith("2 documents, 1 broken\n")
    (told,) = json.loads(desk.run("check", "--schema", str(new), "--json").stdout)["broken"]
    assert told["ids"] == [digest(LIST)]
    assert told["issues"][0]["path"].endswith("#/operations/1:1:53")


def test_documents_may_be_registered_for_another_schema(desk: Desk) -> None:
    sdl = desk.folder / "skills.graphql"
    sdl.write_text("type Query { deskOrderPeek: Int }")
    manifest = desk.file("desk.json", mapped("query Peek { deskOrderPeek }"))
    assert desk.run("add", manifest).exit_code == 1
    assert desk.run("add", manifest, "--schema", str(sdl)).exit_code == 0


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"a": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"a": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"a": NAME + " #" * 20_000}, "LIMIT_EXCEEDED"),
        ({digest("x"): NAME}, "DOCUMENT_DIGEST_MISMATCH"),
        ({"home": "query Other { __typename }"}, "DOCUMENT_ID_TAKEN"),
        ([NAME], "WRONG_TYPE"),
    ],
)
def test_one_bad_document_keeps_all_manifests_out(desk: Desk, manifest: object, told: str) -> None:
    assert desk.run("add", desk.file("home.json", {"home": NAME})).exit_code == 0
    before = desk.kept()
    done = desk.run("add", desk.file("good.json", apollo(GET)), desk.file("bad.json", manifest))
    assert done.exit_code == 1
    assert "bad.json" in done.stdout
    assert told in done.stdout
    assert "NOTHING WAS ADDED" in done.stdout
    assert desk.kept() == before


def test_files_that_are_not_there_are_told_with_what_is_wrong_in_others(desk: Desk) -> None:
    gone, bad = desk.folder / "gone.json", desk.file("bad.json", [])
    done = desk.run("add", str(gone), str(desk.folder), bad)
    assert done.exit_code == 1
    for told in (f"{gone}: NOT_FOUND", f"{desk.folder}: NOT_FOUND", f"{bad}#: WRONG_TYPE"):
        assert told in done.stdout


@pytest.mark.parametrize("command", ["add", "check"])
@pytest.mark.parametrize(
    "sdl", ["", "{ a }", "type Query implements N { a: Int } interface N { b: Int }"]
)
def test_a_schema_that_is_none_is_told(desk: Desk, command: str, sdl: str) -> None:
    manifest = desk.file("web.json", apollo(GET))
    desk.run("add", manifest)
    file = desk.folder / "s.graphql"
    file.write_text(sdl)
    given = [manifest] if command == "add" else []
    done = desk.run(command, *given, "--schema", str(file), "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "SDL_INVALID" in done.stderr
    assert f"  {file}" in done.stderr


def test_a_document_that_always_costs_too_much_is_told(desk: Desk) -> None:
    manifest = desk.file("web.json", {"list": LIST})
    assert desk.run("add", manifest).exit_code == 0
    for given in (("add", manifest), ("check",)):
        done = desk.run(*given, "--max-cost", "5")
        assert done.exit_code == 1
        assert "#/list:1:1: COST_LIMIT_EXCEEDED: " in done.stdout


def test_one_adds_to_a_folder_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two could give an id two texts, and the one who fails take what the other added."""
    tried: list[BaseException] = []

    def meanwhile(drafts: Mapping[Path, Path]) -> None:
        with pytest.raises(BlockingIOError) as refused, locked_folder(desk.documents):
            pass
        tried.append(refused.value)
        publish(drafts)

    publish = store._publish
    monkeypatch.setattr(store, "_publish", meanwhile)
    assert desk.run("add", desk.file("web.json", apollo(GET))).exit_code == 0
    assert len(tried) == 1
    kept, left = (desk.documents / name for name in (".mine", f".{'0' * 64}.json.{'0a' * 8}"))
    for path in (kept, left):
        path.write_text("half")
    assert desk.run("add", desk.file("app.json", mapped(LIST))).exit_code == 0
    assert (kept.exists(), left.exists()) == (True, False)


def test_a_folder_that_would_hold_too_many_manifests_is_left_as_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_FILES", 1)
    desk.run("add", desk.file("web.json", apollo(GET)))
    before = desk.kept()
    done = desk.run("add", desk.file("app.json", mapped(LIST)))
    assert done.exit_code == 1
    assert f"{desk.documents}: TOO_MANY: 2 manifests are more than 1" in done.stdout
    assert desk.kept() == before


def test_a_folder_that_cannot_be_used_is_wrong_configuration(desk: Desk) -> None:
    for command in ("list", "check"):
        done = desk.run(command)
        assert done.exit_code == 2
        assert "docs/errors/DOCUMENTS_INVALID.md" in done.stderr
    done = CliRunner().invoke(main, ["documents", "list"])
    assert done.exit_code == 2
    assert "GATEWAY_DOCUMENTS_DIR" in done.stderr
