"""What a query may declare as an entity: everything that its key alone can load, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contracts import Registry, name_clashes
from gateway.contracts.bundle import Bundle
from gateway.model.contract import Entity
from gateway.model.problem import ProblemError
from tests.loaded import load_contracts

ROOT = Path(__file__).parents[3]

GET = """
key: shop.order.get
version: 1.0.0
kind: query
title: Get
description: Gets it.
domain: shop
owners: [shop.team]
input:
  orderId: ID!
  day: Date
  verbose: Boolean
output:
  found: Order
  state: String!
  orders: "[Order!]"
types:
  Order:
    orderId: ID!
    day: Date!
    note: String
    price: Float!
    tags: "[String!]!"
    email: String
entity: {in: found, key: {orderId: orderId}}
policy: {auth: user, pii: [found.email, orders.email]}
"""

Load = Callable[[dict[str, str]], Path]


def refused(write: Load, files: dict[str, str]) -> list[tuple[str, str]]:
    """The codes and messages of what is wrong with these files."""
    with pytest.raises(ProblemError) as error:
        load_contracts([write(files)])
    return [(issue.code, issue.message) for issue in error.value.problem.issues]


def loaded(write: Load, text: str = GET) -> Registry:
    return load_contracts([write({"get.yaml": text})])


def test_an_entity_is_read(write: Load) -> None:
    contract = loaded(write).operations["shop.order.get@1.0.0"]
    assert contract.entity == Entity({"orderId": "orderId"}, within="found")


def test_an_entity_may_be_the_output_itself_and_have_a_key_of_several_fields(write: Load) -> None:
    text = GET.replace("  state: String!", "  orderId: ID!\n  day: Date!")
    text = text.replace(
        "{in: found, key: {orderId: orderId}}", "{key: {orderId: orderId, day: day}}"
    )
    contract = loaded(write, text).operations["shop.order.get@1.0.0"]
    assert contract.entity == Entity({"orderId": "orderId", "day": "day"})


def test_an_entity_is_part_of_the_content(write: Load) -> None:
    with_it = loaded(write).operations["shop.order.get@1.0.0"]
    without = loaded(write, GET.replace("entity: {in: found, key: {orderId: orderId}}\n", ""))
    assert without.operations["shop.order.get@1.0.0"].digest != with_it.digest


@pytest.mark.parametrize(
    ("before", "after", "code", "says"),
    [
        ("in: found", "in: lost", "CONTRACT_REFERENCE_UNKNOWN", "no single object 'lost'"),
        ("in: found", "in: state", "CONTRACT_REFERENCE_UNKNOWN", "no single object 'state'"),
        ("in: found", "in: orders", "CONTRACT_REFERENCE_UNKNOWN", "no single object 'orders'"),
        ("{orderId: orderId}}", "{}}", "CONTRACT_VALUE_INVALID", "name at least one"),
        (", key: {orderId: orderId}", "", "CONTRACT_FIELD_MISSING", "'key' is missing"),
        ("{orderId: orderId}}", "{order: orderId}}", "CONTRACT_REFERENCE_UNKNOWN", "'order'"),
        ("{orderId: orderId}}", "{orderId: id}}", "CONTRACT_REFERENCE_UNKNOWN", "no field 'id'"),
        ("{orderId: orderId}}", "{note: orderId}}", "CONTRACT_VALUE_INVALID", "always there"),
        ("{orderId: orderId}}", "{price: orderId}}", "CONTRACT_VALUE_INVALID", "'price' is Float!"),
        ("{orderId: orderId}}", "{tags: orderId}}", "CONTRACT_VALUE_INVALID", "[String!]!"),
        ("{orderId: orderId}}", "{day: day}}", "CONTRACT_VALUE_INVALID", "'orderId' is required"),
        ("{orderId: orderId}}", "{day: orderId}}", "CONTRACT_VALUE_INVALID", "give both one type"),
        (
            "{orderId: orderId}}",
            "{orderId: orderId, day: orderId}}",
            "CONTRACT_DUPLICATE",
            "takes two fields",
        ),
        (
            "pii: [found",
            "pii: [found.orderId, found",
            "CONTRACT_VALUE_INVALID",
            "keys stand in ids",
        ),
        ("pii: [found", "pii: [orderId, found", "CONTRACT_VALUE_INVALID", "keys stand in ids"),
        ("pii: [found.email", "pii: [found", "CONTRACT_VALUE_INVALID", "keys stand in ids"),
        ("kind: query", "kind: command", "CONTRACT_VALUE_INVALID", "only a query"),
        ("in: found", "of: found", "CONTRACT_FIELD_UNKNOWN", "'of' is not a field here"),
    ],
)
def test_an_entity_that_its_key_cannot_load_is_refused(
    write: Load, before: str, after: str, code: str, says: str
) -> None:
    assert before in GET
    found = refused(write, {"get.yaml": GET.replace(before, after)})
    assert [one for one in found if one[0] == code and says in one[1]], found


SAME = GET.replace("shop.order.get", "shop.order.find")
TYPES = GET[GET.index("types:") : GET.index("entity:")]


def test_a_type_is_loaded_by_one_contract(write: Load) -> None:
    (found,) = refused(write, {"a.yaml": GET, "b.yaml": SAME})
    assert found[0] == "CONTRACT_DUPLICATE"
    assert "loads the type Order already" in found[1]
    newer = GET.replace("version: 1.0.0", "version: 1.1.0")
    assert len(load_contracts([write({"a.yaml": GET, "b.yaml": newer})]).operations) == 2


def test_a_key_is_personal_data_nowhere(write: Load) -> None:
    other = SAME.replace("entity: {in: found, key: {orderId: orderId}}\n", "")
    assert len(load_contracts([write({"a.yaml": GET, "b.yaml": other})]).operations) == 2
    sealed = other.replace("pii: [found", "pii: [orders.orderId, found")
    (found,) = refused(write, {"a.yaml": GET, "b.yaml": sealed})
    assert found[0] == "CONTRACT_VALUE_INVALID"
    assert "the key of what shop.order.get@1.0.0 loads" in found[1]


@pytest.mark.parametrize("path", ["found", "orders", "shelf", "shelf.first", "shelf.rows"])
def test_nor_does_it_stand_inside_of_what_is_personal_data_as_a_whole(
    write: Load, path: str
) -> None:
    other = SAME.replace("entity: {in: found, key: {orderId: orderId}}\n", "")
    other = other.replace("  state: String!", "  shelf: Shelf").replace('"[Order!]"', '"[Order]"')
    other = other.replace("types:\n", 'types:\n  Shelf: {first: Order, rows: "[[Shelf]]"}\n')
    mails = "[found.email, orders.email, shelf.first.email]"
    known = other.replace("[found.email, orders.email]", mails)
    assert len(load_contracts([write({"a.yaml": GET, "b.yaml": known})]).operations) == 2
    sealed = known.replace(mails, f"{mails[:-1]}, {path}]")
    (found,) = refused(write, {"a.yaml": GET, "b.yaml": sealed})
    assert found[0] == "CONTRACT_VALUE_INVALID"
    assert "the key of what shop.order.get@1.0.0 loads" in found[1]


def test_what_a_skill_brings_is_held_to_the_same(write: Load) -> None:
    folder = write({"base/get.yaml": GET, "skill/find.yaml": SAME})
    base, more = (load_contracts([folder / name]) for name in ("base", "skill"))
    bundle = Bundle(more.operations, more.events, more.drafts)
    assert "loads the type Order already" in "".join(
        issue.message for issue in name_clashes(base, [bundle])
    )


def test_the_shipped_queries_that_get_one_thing_load_it_by_its_key() -> None:
    contracts = load_contracts([ROOT / "schema"]).operations.values()
    loads = {one.key for one in contracts if one.entity is not None}
    gets = {one.key for one in contracts if one.key.endswith((".get", ".lookup", ".read"))}
    views = {
        *("controlPlane.trace.get", "policy.changeset.analysis.get", "policy.changeset.shadow.get"),
        *("policy.permissions.get", "controlPlane.health.get"),
    }
    assert gets - loads == views, "reports on something whose key they are asked by"
    assert loads <= gets
