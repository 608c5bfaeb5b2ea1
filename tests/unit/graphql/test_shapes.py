"""What logs tell of a document."""

import hashlib
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.surfaces.graphql import build_schema, shapes
from gateway.surfaces.graphql.shapes import (
    DEEPEST,
    LONGEST,
    LazyShape,
    Vocabulary,
    normalised,
    unparsed,
)
from tests.unit.graphql.support import Catalogue

VOCABULARY = Vocabulary.of(build_schema(Catalogue()))


def shape(source: str) -> str:
    return normalised(parse(source), VOCABULARY)


def lazy(source: str) -> LazyShape:
    return LazyShape(parse(source), lambda: VOCABULARY)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{ shopPing { done } }", "query{shopPing{done}}"),
        ("query Alice { alice: shopPing { alice: done } }", "query{shopPing{done}}"),
        (
            'mutation { shopOrderPlace(input: {items: [], email: "a@b.c"}) { orderId } }',
            "mutation{shopOrderPlace(input: ?){orderId}}",
        ),
        (
            ("query($alice: ShopOrderGetInput! = {orderId: 7}) { shopOrderGet(input: $alice) "
            "{ items @skip(if: true) { sku } } }"),
            ("query($1: ShopOrderGetInput! = ?){shopOrderGet(input: $1)"
            "{items @skip(if: ?){sku}}}"),
        ),
        ("{ aliceSmith(alice: 3) { bob } }", "query{_(_: ?){_}}"),
        (
            "query($a: [[Alice!]]!) { __typename @alice(b: $a) }",
            "query($1: [[_!]]!){__typename @_(_: $1)}",
        ),
        (
            ("{ ...alice ... on Query @include(if: false) { ... { __typename } } } "
            "fragment alice on Alice { done }"),
            "query{...F1 ... on Query @include(if: ?){...{__typename}}} fragment F1 on _{done}",
        ),
        ("type Alice { b: Int }", "_"),
        (
            '"about Alice" query { shopPing(input: null) { done } } # Alice',
            "query{shopPing(input: ?){done}}",
        ),
    ],
)  # fmt: skip
def test_only_names_of_the_schema_and_the_structure_stay(source: str, expected: str) -> None:
    assert shape(source) == expected


def test_the_digest_is_of_the_normalised_form_and_stable() -> None:
    told = lazy('{ a: shopPing { done } __type(name: "Alice") { name } }').shape
    assert told.document == "query{shopPing{done} __type(name: ?){name}}"
    digest = hashlib.sha256(told.document.encode()).hexdigest()
    assert told.digest == f"sha256:{digest}"


def test_long_and_deep_documents_are_cut_and_keep_their_own_digests() -> None:
    many = lazy("{" + "shopPing { done } " * 400 + "}").shape
    more = lazy("{" + "shopPing { done } " * 401 + "}").shape
    assert many.document is not None
    assert len(many.document) == LONGEST + len("...")
    assert many.document == more.document
    assert many.digest != more.digest
    deep = shape("{ items " * 100 + "{ alice }" + "}" * 100)
    assert deep.count("items") == DEEPEST
    assert deep.endswith("{...}" + "}" * DEEPEST)


def test_deep_types_of_variables_need_no_stack() -> None:
    deep = shape(f"query($a: {'[' * 150}Int{']' * 150}) {{ done }}")
    assert deep == f"query($1: {'[' * 150}Int{']' * 150}){{done}}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ShopPing", True),
        ("getOrderItems", True),
        ("ORDER_ITEMS", True),
        ("IntrospectionQuery", True),
        ("ListOrders2", False),
        ("ListOrder2", True),
        ("ListOrder22", False),
        ("Order1Get", False),
        ("AliceSmith", False),
        ("OrderOfAlice", False),
        ("A_l_i_c_e", False),
        ("n4915112345678", False),
        ("_", False),
        ("Shop" * 30, False),
    ],
)
def test_the_name_of_an_operation_is_told_if_its_words_are_those_of_the_schema(
    name: str, shown: bool
) -> None:
    told = lazy(f"query {name} {{ shopPing {{ done }} }}")
    (operation,) = told._tree.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert told.name_of(operation) == (name if shown else None)


def test_a_text_that_does_not_parse_has_a_mark_that_nobody_can_guess_back() -> None:
    text = "{ order(phone: +4915112345678"
    told = unparsed(text)
    assert (told.document, told.digest, told.unparsed_bytes) == (None, None, len(text))
    assert told == unparsed(text) != unparsed(text[:-1])
    plain: list[Any] = [hashlib.sha256, hashlib.blake2b, hashlib.sha1, hashlib.md5]
    assert told.unparsed_mark not in {one(text.encode()).hexdigest()[:16] for one in plain}


def test_the_shape_is_made_once_and_only_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    def counted(*given: Any) -> str:
        made.append(given)
        return "query{_}"

    monkeypatch.setattr(shapes, "normalised", counted)
    told = lazy("{ shopPing { done } }")
    assert made == []
    assert told.shape is told.shape
    assert len(made) == 1
