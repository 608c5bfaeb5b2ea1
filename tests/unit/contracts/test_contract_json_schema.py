import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.contracts import contract_json_schema

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "schema").rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator():
    schema = contract_json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_file_is_valid(path, validator):
    assert [
        error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))
    ] == []


def test_the_shipped_samples_of_the_tests_are_valid(shop_files, validator):
    for name, text in shop_files.items():
        errors = [error.message for error in validator.iter_errors(yaml.safe_load(text))]
        assert errors == [], name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: command", "kind: order"),
        ("title: Issue refund\n", ""),
        ("risk: high\n", ""),
        ("risk: high", "risk: huge"),
        ("risk: high", "risk: high\nsurprise: 1"),
        ("version: 1.0.0", "version: '1.0'"),
        ("auth: user", "auth: user\n  roles: [a]"),
        ("orderId: ID!", "orderId: not a type"),
        ("[PENDING, PAID]", "['true']"),
        ("timeout: 5s", "timeout: 5 minutes"),
        ("http: 404", "http: 200"),
        ("  http:\n", "  python: {target: 'a:b'}\n  http:\n"),
        ("rpm: 60", "rpm: 0"),
    ],
)
def test_broken_files_are_not_valid(old, new, shop_files, validator):
    text = shop_files["issue.yaml"]
    assert old in text
    assert not validator.is_valid(yaml.safe_load(text.replace(old, new, 1)))


def test_the_published_schema_is_the_one_of_the_code():
    published = json.loads((ROOT / "schema/contract.schema.json").read_text())
    assert published == contract_json_schema()
