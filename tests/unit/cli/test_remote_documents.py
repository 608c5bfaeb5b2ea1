"""What the commands send is what the published schema takes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import (
    FieldNode,
    GraphQLNonNull,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_nullable_type,
    is_list_type,
    parse,
    validate,
    visit,
)

from gateway.cli import main
from gateway.cli.remote import answers, documents
from tests.processes import ROOT

DOCUMENTS = {
    name: text
    for name, text in vars(documents).items()
    if name.isupper() and not name.startswith("_")
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "gateway.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_fits_the_schema(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(DOCUMENTS[name])) == []


def test_fields_with_a_selection_are_what_answers_are_held_to(schema: GraphQLSchema) -> None:
    single, several, nullable = set(), set(), set()
    info = TypeInfo(schema)

    class Look(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.selection_set is None:
                return
            name = (node.alias or node.name).value
            kind = info.get_type()
            (several if is_list_type(get_nullable_type(kind)) else single).add(name)
            if not isinstance(kind, GraphQLNonNull) and node.alias is None:
                nullable.add(name)  # what has an alias is a root, and looked at for itself

    for text in DOCUMENTS.values():
        visit(parse(text), TypeInfoVisitor(info, Look()))
    assert single == answers.SINGLE
    assert not single & several
    assert nullable == answers.NULLABLE


def test_every_document_is_in_the_manifest_which_a_gateway_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_DOCUMENTS_DIR", str(tmp_path / "documents"))
    printed = CliRunner().invoke(main, ["documents", "manifest"])
    assert sorted(json.loads(printed.stdout).values()) == sorted(DOCUMENTS.values())
    file = tmp_path / "manifest.json"
    file.write_text(printed.stdout)
    added = CliRunner().invoke(main, ["documents", "add", str(file)])
    assert added.exit_code == 0, added.output
    assert f"{len(DOCUMENTS)} documents registered" in added.stdout
