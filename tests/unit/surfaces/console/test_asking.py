"""The documents of the console, held to the published schema."""

from graphql import build_schema, parse, validate

from gateway.surfaces.console.asking import DOCUMENTS, documents
from tests.processes import ROOT


def test_every_document_is_valid_against_the_published_schema() -> None:
    schema = build_schema((ROOT / "schema" / "gateway.graphql").read_text(), no_location=True)
    files = sorted(DOCUMENTS.glob("*.graphql"))
    assert files
    wrong = [
        f"{path.name}: {error.message}"
        for path in files
        for error in validate(schema, parse(path.read_text()))
        if "is never used" not in error.message
    ]
    assert wrong == []


def test_the_name_of_an_operation_is_its_own() -> None:
    names = [
        definition.name.value
        for path in DOCUMENTS.glob("*.graphql")
        for definition in parse(path.read_text()).definitions
        if definition.kind == "operation_definition" and definition.name  # type: ignore[attr-defined]
    ]
    assert sorted(names) == sorted(documents())
