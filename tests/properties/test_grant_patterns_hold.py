"""Patterns of grants: one that spells a call out stands for that call, and for no other."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.contracts import load_contracts
from gateway.model.contract import OperationContract
from gateway.model.json import canonical
from gateway.model.problem import ProblemError
from gateway.runtime.patterns import check_pattern, matches
from tests.properties.amounts import examples

CONTRACT = """\
key: shop.order.place
version: 1.0.0
kind: command
title: Place an order
description: Some text.
domain: shop
owners: [shop.desk]
risk: low
input:
  id: ID!
  count: Int!
  price: Float
  urgent: Boolean
  tags: '[String!]'
  free: JSON
  box: JSONObject
  to: Address
  stops: '[Address!]'
types:
  Address: {street: String!, number: Int, inner: Inner}
  Inner: {code: String, extra: JSON}
output: {id: ID!}
policy: {auth: user, pii: [to.street, stops.street]}
handler:
  http: {method: POST, url: "http://shop.internal/orders"}
"""

texts = st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=4)
numbers = st.integers(-9, 9) | st.floats(-9, 9).map(lambda number: number + 0.0)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
inners = st.fixed_dictionaries({"code": st.none() | texts, "extra": plain})
addresses = st.fixed_dictionaries(
    {"street": texts, "number": st.none() | st.integers(-9, 9), "inner": st.none() | inners}
)
calls = st.fixed_dictionaries(
    {
        "id": texts.filter(bool),
        "count": st.integers(-9, 9),
        "price": st.none() | numbers,
        "urgent": st.none() | st.booleans(),
        "tags": st.none() | st.lists(texts, max_size=2),
        "free": plain,
        "box": st.none() | st.dictionaries(texts, plain, max_size=2),
        "to": st.none() | addresses,
        "stops": st.none() | st.lists(addresses, max_size=2),
    }
)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> OperationContract:
    folder: Path = tmp_path_factory.mktemp("patterns")
    (folder / "place.yaml").write_text(CONTRACT)
    return load_contracts([folder]).operations["shop.order.place@1.0.0"]


def without_nulls(value: Any) -> Any:
    """A call as it may come: what is null may as well be left out."""
    return {name: item for name, item in value.items() if item is not None}


@settings(max_examples=examples(50), deadline=None)
@given(calls, calls)
def test_a_call_spelled_out_stands_for_itself_alone(
    contract: OperationContract, one: dict[str, Any], other: dict[str, Any]
) -> None:
    pattern = check_pattern(contract, copy.deepcopy(one), "")
    assert matches(contract, pattern, one)
    assert matches(contract, pattern, without_nulls(one))
    assert matches(contract, pattern, other) is (canonical(one) == canonical(other))


@settings(max_examples=examples(50), deadline=None)
@given(calls, st.data())
def test_one_changed_field_is_enough(
    contract: OperationContract, one: dict[str, Any], data: st.DataObject
) -> None:
    pattern = check_pattern(contract, copy.deepcopy(one), "")
    name = data.draw(st.sampled_from(sorted(one)))
    changed = {**one, name: data.draw(calls)[name]}
    assume(canonical(changed) != canonical(one))
    assert not matches(contract, pattern, changed)
    assert matches(contract, {**pattern, name: {"$any": True}}, changed)


OPERATORS = st.sampled_from(
    [{"$any": True}, {"$max": 5}, {"$or": []}, {"$from": "a"}, {"$any": True, "x": 1}, {"$": 1}]
)


@settings(max_examples=examples(40), deadline=None)
@given(calls, OPERATORS, st.sampled_from(["tags", "free", "box", "stops", "extra"]))
def test_no_operator_hides_inside_a_plain_value(
    contract: OperationContract, one: dict[str, Any], operator: Any, where: str
) -> None:
    inner = {"code": None, "extra": [operator]}
    hidden = {
        "tags": [operator],
        "free": {"deep": [operator]},
        "box": {"deep": operator},
        "stops": [{"street": operator, "number": None, "inner": None}],
        "extra": {"street": "x", "number": None, "inner": inner},
    }
    name = "to" if where == "extra" else where
    with pytest.raises(ProblemError):
        check_pattern(contract, {**one, name: hidden[where]}, "")
