"""PII rules that speak of classes: each class of a field is asked for, the strictest counts."""

from dataclasses import replace

import pytest

from gateway.model.contract import AuthLevel, ContractPolicy, ObjectType
from gateway.model.pii import PiiClass
from gateway.model.types import parse_type
from gateway.policy.explaining.explain import explain
from gateway.policy.explaining.request import Request
from tests.unit.policy.conftest import IssuesOf, LoadWith, MakeContract, MakePrincipal

CLASSES = {
    "customer.email": frozenset({PiiClass.CONTACT}),
    "iban": frozenset({PiiClass.FINANCIAL}),
    "payer": frozenset({PiiClass.CONTACT, PiiClass.FINANCIAL}),
}


@pytest.mark.parametrize(
    ("rows", "field", "seen"),
    [
        ("p, 1, *, *, *, *, class:contact, raw", "customer.email", "raw"),
        ("p, 1, *, *, *, *, class:contact, raw", "iban", "drop"),
        ("p, 1, *, *, *, *, class:contact, raw", "payer", "drop"),
        ("p, 1, *, *, *, *, class:contact, raw\np, 2, *, *, *, *, *, mask", "payer", "mask"),
        ("p, 1, *, *, *, *, *, mask\np, 2, *, *, *, *, class:contact, raw", "payer", "mask"),
        ("p, 1, *, *, *, *, class:financial, hash\np, 2, *, *, *, *, *, raw", "payer", "hash"),
        ("p, 1, *, *, *, *, class:financial, hash\np, 2, *, *, *, *, *, raw", "iban", "hash"),
        ("p, 1, *, *, *, *, class:financial, hash\np, 2, *, *, *, *, *, raw", "gone", "hash"),
        ("p, 1, *, *, *, *, class:health, full\np, 2, *, *, *, *, *, raw", "customer", "raw"),
        ("p, 1, *, *, *, *, output.payer, partial", "payer", "partial"),
    ],
)
def test_a_field_is_shown_as_the_strictest_of_its_classes_has_it(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    rows: str,
    field: str,
    seen: str,
) -> None:
    answered = {"customer": "Customer", "iban": "String", "payer": "String"}
    ship = replace(
        contract(types={"Customer": ObjectType("Customer", {"email": parse_type("String")})}),
        output={name: parse_type(text) for name, text in answered.items()},
        policy=ContractPolicy(AuthLevel.USER, tuple(CLASSES), pii_classes=CLASSES),
    )
    revision = load_with(ship, pii_csv=rows).current
    for decides in (revision, revision.reference()):
        shown = decides.treatment(principal("user"), ship.ref, f"output.{field}")
        assert shown.value == seen
    if field in CLASSES:
        found = explain(Request(revision, principal("user"), ship), lambda _: True)
        assert found.treatments[f"output.{field}"].value == seen
        deciding = [one for one in found.matched if one.field == f"output.{field}" and one.decides]
        assert {one.effect for one in deciding} == ({seen} if seen != "drop" else set())


@pytest.mark.parametrize("field", ["class:secret", "class:", "class:contact.x", "class:*"])
def test_a_rule_speaks_of_a_class_that_there_is(issues_of: IssuesOf, field: str) -> None:
    (issue,) = issues_of(pii_csv=f"p, 1, *, *, *, *, {field}, raw")
    assert issue.code == "POLICY_VALUE"
    assert "contact, financial, health, credential, free_text" in issue.message
