"""What the commands send is what the published schema takes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import GraphQLSchema, build_schema, parse, validate

from gateway.cli import main
from gateway.cli.remote import documents
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
