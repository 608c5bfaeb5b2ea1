"""Which contracts are lists: by shape, and of those that are shipped, every one."""

from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import ContinuedList, CountedList, Listing, listing_of
from gateway.model.contract import Kind, ObjectType, OperationContract
from tests.loaded import load_contracts
from tests.unit.graphql.support import fields, operation

SCHEMA = Path(__file__).parents[3] / "schema"

COUNTED = {
    *("audit.checkpoint.list", "controlPlane.approval.list", "controlPlane.execution.lane.list"),
    *("controlPlane.contract.list", "controlPlane.skill.list"),
    *("controlPlane.execution.list", "controlPlane.execution.mine", "controlPlane.grant.list"),
    *("controlPlane.webhook.delivery.list", "policy.access.search"),
    *("policy.assignment.list", "policy.changeset.list", "policy.permissions.get"),
    *("policy.revision.list", "policy.role.list", "policy.rule.list"),
    *("privacy.consent.list", "privacy.erasure.list", "privacy.hold.list"),
}
CONTINUED = {
    "audit.record.search": ContinuedList("items", "next", is_each_marked=True),
    "controlPlane.event.list": ContinuedList("items", "cursor", is_each_marked=True),
    "policy.decision.search": ContinuedList("results", "next", is_each_marked=False),
}
NO_LISTS = {
    "audit.contract.review": "four lists in parts, each with a next of its own",
    "controlPlane.contract.execution.list": "the newest of a bounded look, without a next page",
    "controlPlane.health.get": "one report: its lists are an hour by minutes and kinds of alert",
    "controlPlane.plan.get": "one plan, whole",
    "controlPlane.skill.verify": "the findings on one bundle",
    "controlPlane.trace.get": "one execution's trace, whole",
    "controlPlane.trace.replay": "the differences of one replay",
    "policy.access.review": "a text in parts, in pages of subjects",
    "policy.decision.evaluate": "one result for each question",
    "policy.decision.explain": "one explanation",
    "policy.revision.diff": "one difference, by file",
    "privacy.retention.list": "the rules of the settings, whole: nothing chooses a page",
}
"""Queries that answer lists of objects or choose a page and are no lists, with the reason."""


def shipped() -> dict[str, OperationContract]:
    return {one.key: one for one in load_contracts([SCHEMA]).operations.values()}


def test_every_shipped_query_with_a_list_has_a_connection_or_a_reason_for_none() -> None:
    found = {key: listing_of(one) for key, one in shipped().items()}
    counted = {key for key, one in found.items() if one == CountedList("items")}
    assert counted == COUNTED
    assert {key: one for key, one in found.items() if one and key not in counted} == CONTINUED
    seem = {key for key, one in shipped().items() if not one.is_command and seems_a_list(one)}
    assert seem - COUNTED - CONTINUED.keys() == NO_LISTS.keys()


def seems_a_list(contract: OperationContract) -> bool:
    pages = {"limit", "offset", "after", "first", "before", "cursor", "page", "pageSize"}
    has_objects = any(
        ref.items and isinstance(contract.types.get(ref.named), ObjectType)
        for ref in contract.output.values()
    )
    return has_objects or bool(pages & contract.input.keys())


PART = ObjectType("Part", fields(sku="ID!"))
MARKED = ObjectType("Marked", fields(sku="ID!", cursor="String!"))
PAGED = {"limit": "Int", "offset": "Int", "name": "String!"}
GOING_ON = {"limit": "Int", "after": "String"}


def shaped(given: dict[str, str], answer: dict[str, str], kind: Kind = Kind.QUERY) -> Any:
    return listing_of(
        operation("a.b", kind, given=fields(**given), answer=fields(**answer), types=(PART, MARKED))
    )


@pytest.mark.parametrize(
    ("given", "answer", "listing"),
    [
        (PAGED, {"items": "[Part!]!", "total": "Int!"}, CountedList("items")),
        (PAGED, {"parts": "[Part]", "total": "Int!", "names": "[ID!]"}, CountedList("parts")),
        (PAGED, {"items": "[Part!]!", "more": "[Part!]!", "total": "Int!"}, CountedList("items")),
        (GOING_ON, {"items": "[Part!]!", "next": "String"}, ContinuedList("items", "next", False)),
        (
            GOING_ON,
            {"items": "[Marked!]!", "cursor": "String"},
            ContinuedList("items", "cursor", True),
        ),
    ],
)
def test_a_list_is_known_by_its_shape(
    given: dict[str, str], answer: dict[str, str], listing: Listing
) -> None:
    assert shaped(given, answer) == listing
    assert shaped(given, answer, Kind.COMMAND) is None


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (PAGED, {"items": "[Part!]!"}),
        (PAGED, {"items": "[Part!]!", "total": "Int"}),
        (PAGED, {"items": "[ID!]!", "total": "Int!"}),
        (PAGED, {"items": "[[Part!]!]!", "total": "Int!"}),
        (PAGED, {"some": "[Part!]!", "more": "[Part!]!", "total": "Int!"}),
        ({**PAGED, "limit": "Int!"}, {"items": "[Part!]!", "total": "Int!"}),
        ({"offset": "Int"}, {"items": "[Part!]!", "total": "Int!"}),
        ({}, {"items": "[Part!]!", "total": "Int!"}),
        (GOING_ON, {"items": "[Part!]!"}),
        (GOING_ON, {"items": "[Part!]!", "next": "Int"}),
        ({"after": "String"}, {"items": "[Part!]!", "next": "String"}),
    ],
)
def test_anything_else_is_no_list(given: dict[str, str], answer: dict[str, str]) -> None:
    assert shaped(given, answer) is None


PARTS = """\
key: shop.part.list
version: 1.0.0
kind: query
title: List parts
description: Lists the parts.
domain: shop
owners: [shop.stock]
risk: low
input: {limit: Int, offset: Int}
output: {items: "[Part!]!", total: Int!}
types:
  Part: {sku: ID!}
policy: {auth: user}
handler: {http: {method: GET, url: "https://stock.internal/parts", timeout: 5s}}
"""


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("total: Int!", "total: Int!, edges: ID", "10:42", "has a field edges of its own"),
        ("Part", "PartListEdge", "12:3", "ShopPartListEdge"),
        ("Part", "PartListConnection", "12:3", "ShopPartListConnection"),
    ],
)
def test_a_name_that_its_connection_takes_is_refused(
    issues_of: Any, old: str, new: str, at: str, said: str
) -> None:
    (found,) = issues_of({"parts.yaml": PARTS.replace(old, new)})
    assert (found.path, found.code) == (f"parts.yaml:{at}", "CONTRACT_NAME_CLASH")
    assert said in found.message


def test_another_contract_must_not_have_the_name_of_a_connection(issues_of: Any) -> None:
    other = PARTS.replace("shop.part.list", "shop.part.listConnection")
    found = issues_of({"parts.yaml": PARTS, "z.yaml": other})
    assert {(issue.path, issue.code) for issue in found} == {("z.yaml:1:6", "CONTRACT_NAME_CLASH")}
    assert "would be the GraphQL field shopPartListConnection, as the conn" in found[0].message
