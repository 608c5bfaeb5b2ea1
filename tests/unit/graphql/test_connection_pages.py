"""Pages of connections: what they ask of their contracts, what they answer and what they refuse."""

import asyncio
from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from gateway.model.problem import refuse
from gateway.surfaces.graphql import Engine, build_schema, print_sdl
from gateway.surfaces.graphql.operations.execution import run
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.cursors import LONGEST, Cursors
from tests.unit.graphql.listed import BY_DEFAULT, LISTS, MOST, PARTS, Counted, Scanned
from tests.unit.graphql.support import ADMIN, Catalogue, FakeDoor, application, post

SCHEMA = build_schema(LISTS)
PAGE = (
    "edges { cursor node { sku } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
)


def door() -> FakeDoor:
    there = [2, 3, 5, 8, 9]
    return FakeDoor(
        {
            "shop.part.list": Counted(9),
            "shop.stock.list": Counted(9),
            "shop.part.find": Scanned(there, 10, 20, ends_in_cursor=False),
            "shop.event.list": Scanned(there, 10, 20, ends_in_cursor=True),
        }
    )


def ask(calls: FakeDoor, field: str, given: str = "", page: str = PAGE) -> dict[str, Any]:
    """The answer's body."""
    app = application(calls, catalogue=LISTS)
    body: dict[str, Any] = post(app, f"{{ {field}{given} {{ {page} }} }}").json()
    return body


def found(calls: FakeDoor, field: str, given: str = "", page: str = PAGE) -> dict[str, Any]:
    body = ask(calls, field, given, page)
    assert "errors" not in body, body
    connection: dict[str, Any] = body["data"][field]
    return connection


def problem(calls: FakeDoor, field: str, given: str) -> dict[str, Any]:
    """What a refused connection is told."""
    body = ask(calls, field, given)
    (error,) = body["errors"]
    assert (error["path"], body["data"]) == ([field], {field: None})
    told: dict[str, Any] = error["extensions"]["problem"]
    return told


@pytest.mark.parametrize(
    ("given", "asked", "skus"),
    [
        ("", {"offset": 0}, "0123"),
        ("(first: null, after: null, input: null)", {"offset": 0}, "0123"),
        ("(first: 2)", {"offset": 0, "limit": 2}, "01"),
        ("(first: 0)", {"offset": 0, "limit": 1}, ""),
        ('(input: {name: "n"}, first: 2)', {"name": "n", "offset": 0, "limit": 2}, "01"),
        ('(first: 3, after: "$4")', {"offset": 5, "limit": 3}, "567"),
        ('(first: 3, after: "$7")', {"offset": 8, "limit": 3}, "8"),
        ('(first: 3, before: "$2")', {"offset": 0, "limit": 2}, "01"),
        ('(after: "$1", before: "$4")', {"offset": 2}, "23"),
        ('(last: 2, before: "$5")', {"offset": 3, "limit": 2}, "34"),
        ('(last: 10, before: "$2")', {"offset": 0, "limit": 2}, "01"),
        ('(last: 2, before: "$5", after: "$3")', {"offset": 4, "limit": 1}, "4"),
        ('(last: 2, before: "$3", after: "$5")', {"offset": 6, "limit": 1}, ""),
        ('(last: 0, before: "$3")', {"offset": 3, "limit": 1}, ""),
    ],
)
def test_a_page_is_one_call_of_the_contract(given: str, asked: dict[str, Any], skus: str) -> None:
    cursors, calls = Cursors("shop.part.list"), door()
    for index in range(9):
        given = given.replace(f"${index}", cursors.write(str(index)))
    page = found(calls, "shopPartListConnection", given, f"{PAGE} totalCount targets {{ name }}")
    assert [(call["ref"], call["input"]) for call in calls.calls] == [
        ("shop.part.list@1.0.0", asked)
    ]
    assert "".join(edge["node"]["sku"] for edge in page["edges"]) == skus
    assert (page["totalCount"], page["targets"]) == (9, [{"name": "here"}])
    assert [cursors.read(edge["cursor"], "after") for edge in page["edges"]] == [*skus]


def test_a_list_before_which_nothing_is_left_says_where_it_ends() -> None:
    """It is shorter than it was when it gave the cursor."""
    cursors = Cursors("shop.part.list")
    given = f'(last: 3, before: "{cursors.write("30")}")'
    page = found(door(), "shopPartListConnection", given)["pageInfo"]
    assert page["hasPreviousPage"] is True
    assert page["startCursor"] == cursors.write("9")


def test_a_list_with_cursors_of_its_own_goes_on_behind_them() -> None:
    calls = door()
    first = found(calls, "shopEventListConnection", "(first: 2)", f"{PAGE} cursor")
    assert first["cursor"] == "3"
    cursor = first["edges"][0]["cursor"]
    found(calls, "shopEventListConnection", f'(first: 2, after: "{cursor}")')
    empty = found(calls, "shopEventListConnection", "(first: 0)")
    assert [call["input"] for call in calls.calls] == [
        {"limit": 2},
        {"after": "2", "limit": 2},
        {"limit": 1},
    ]
    assert (empty["edges"], empty["pageInfo"]["hasNextPage"]) == ([], True)
    assert empty["pageInfo"]["endCursor"] is None


def test_such_a_list_ends_where_it_says_so() -> None:
    calls = door()
    page = found(calls, "shopPartFindConnection", "(first: 10)")["pageInfo"]
    assert (page["hasNextPage"], page["hasPreviousPage"]) == (False, False)
    given = f'(first: 10, after: "{page["endCursor"]}")'
    after = found(calls, "shopPartFindConnection", given)
    assert (after["edges"], after["pageInfo"]["hasNextPage"]) == ([], False)
    assert after["pageInfo"]["endCursor"] == page["endCursor"]
    calls.answers["shop.part.find"] = Scanned([1], 1, 20, ends_in_cursor=False)
    left = found(calls, "shopPartFindConnection", "(first: 0)")
    assert (left["edges"], left["pageInfo"]["hasNextPage"]) == ([], True)
    events = found(calls, "shopEventListConnection", "(first: 10)")["pageInfo"]
    assert events["hasNextPage"] is True  # the list says so by the same cursor only
    given = f'(first: 10, after: "{events["endCursor"]}")'
    assert found(calls, "shopEventListConnection", given)["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("given", "path", "code"),
    [
        ("(first: -1)", "/first", "OUT_OF_RANGE"),
        ('(last: -1, before: "x")', "/last", "OUT_OF_RANGE"),
        ('(first: 1, last: 1, before: "x")', "/last", "NOT_ALLOWED"),
        ("(last: 1)", "/before", "REQUIRED"),
        ('(first: 1, after: "")', "/after", "INVALID_FORMAT"),
        ('(first: 1, before: "0")', "/before", "INVALID_FORMAT"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_before_any_call(
    given: str, path: str, code: str
) -> None:
    calls = door()
    told = problem(calls, "shopPartListConnection", given)
    assert (told["code"], told["status"]) == ("VALIDATION_FAILED", 422)
    assert [(issue["path"], issue["code"]) for issue in told["issues"]] == [(path, code)]
    assert calls.calls == []


def raw(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


PART_LIST, PART_FIND = Cursors("shop.part.list"), Cursors("shop.part.find")
NO_CURSOR = "must be a cursor that this field gave; leave it out to begin at the front"


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "===", "5", "é", "AQ", " ", "\\n", PART_LIST.write("1") + "="),
        *(PART_LIST.write("1") + "\\n", PART_LIST.write("1") + "A", Cursors("shop.x").write("1")),
        *map(PART_LIST.write, ("", "-1", "01", "+1", " 1", "1.0", "1e3", "a", "1,2", "\u0661")),
        *map(PART_LIST.write, ("2147483647", "99999999999", "9" * 3000)),
        "A" * (LONGEST + 1),
    ],
)
def test_what_is_no_cursor_of_a_counted_list_is_refused(cursor: str) -> None:
    calls = door()
    for argument, given in (
        ("after", f'(first: 1, after: "{cursor}")'),
        ("before", f'(last: 1, before: "{cursor}")'),
    ):
        told = problem(calls, "shopPartListConnection", given)
        assert [issue["path"] for issue in told["issues"]] == [f"/{argument}"]
        assert told["detail"] == f"/{argument}: {NO_CURSOR}"
    assert calls.calls == []


@pytest.mark.parametrize(
    "place", ["", "0", "x", "1;2", "-1,2", "01,2", ",2", "99999999999,2", "2147483648"]
)
def test_what_is_no_cursor_of_another_list_is_refused(place: str) -> None:
    calls = door()
    given = f'(after: "{PART_FIND.write(place)}")'
    assert problem(calls, "shopPartFindConnection", given)["code"] == "VALIDATION_FAILED"
    assert calls.calls == []
    found(calls, "shopPartFindConnection", f'(after: "{PART_FIND.write("0,2")}")')


def test_a_cursor_has_a_version_and_a_mark_in_front_of_its_place() -> None:
    mark = sha256(b"shop.part.list").digest()[:3]
    assert raw(b"\x01" + mark + b"1") == PART_LIST.write("1")
    for other in (b"\x02" + mark + b"1", b"\x01abc1", b"\x01" + mark + b"\xff", b"\x01" + mark[:2]):
        told = problem(door(), "shopPartListConnection", f'(first: 1, after: "{raw(other)}")')
        assert told["issues"][0]["code"] == "INVALID_FORMAT"


@pytest.mark.parametrize(
    ("field", "given", "path"),
    [
        ("shopPartListConnection", f"(first: {MOST + 1})", "/first"),
        ("shopPartListConnection", f'(last: {MOST + 1}, before: "{PART_LIST.write("40")}")',
         "/last"),
        ("shopPartFindConnection", f"(first: {MOST + 1})", "/first"),
    ],
)  # fmt: skip
def test_what_the_contract_refuses_is_told_of_the_argument(
    field: str, given: str, path: str
) -> None:
    told = problem(door(), field, given)
    assert told["issues"] == [
        {"path": path, "code": "OUT_OF_RANGE", "message": "Ask for 1 to 10 items at a time."}
    ]
    assert told["detail"] == f"{path}: Ask for 1 to 10 items at a time."


def test_any_other_refusal_comes_as_it_is() -> None:
    calls = FakeDoor({"shop.part.list": refuse("FORBIDDEN", "No. Ask for a role.")})
    assert problem(calls, "shopPartListConnection", "")["detail"] == "No. Ask for a role."
    assert len(calls.calls) == 1


def test_connections_run_compiled_and_are_called_once_where_graphql_core_must_judge() -> None:
    calls = door()
    engine = Engine(SCHEMA, calls)
    source = f"{{ a: shopPartListConnection(first: 3) {{ {PAGE} totalCount __typename }} }}"

    def answer() -> tuple[Any, int]:
        prepared = engine.prepare(Parameters(source, {}, None), ADMIN, None)
        body = asyncio.run(run(prepared))
        return body, prepared.document.compiled.interpreted

    body, interpreted = answer()
    assert "errors" not in body
    assert interpreted == 0
    calls.answers["shop.part.list"] = {"items": [{"sku": "1"}, {}], "total": 2, "targets": []}
    body, interpreted = answer()
    assert body["errors"][0]["path"] == ["a", "edges", 1, "node", "sku"]
    assert interpreted == 1
    assert len(calls.calls) == 2


@pytest.mark.parametrize("masked", [None, "***"])
def test_items_that_policy_masks_as_a_whole_are_no_items(masked: str | None) -> None:
    hidden = replace(PARTS, policy=replace(PARTS.policy, pii=("items",)))
    calls = FakeDoor({"shop.part.list": {"items": masked, "total": 3, "targets": []}})
    app = application(calls, catalogue=Catalogue({"shopPartList": hidden}))
    answer = post(app, f"{{ shopPartListConnection {{ {PAGE} totalCount }} }}").json()
    assert answer["data"]["shopPartListConnection"]["edges"] == []
    assert "[ShopPartListEdge!]\n" in print_sdl(build_schema(Catalogue({"shopPartList": hidden})))


def test_a_page_that_is_too_long_is_refused_by_the_code_of_lists() -> None:
    for given in ("(first: 1001)", '(last: 1001, before: "x")'):
        body = ask(door(), "shopPartListConnection", given)
        assert body["errors"][0]["extensions"]["code"] == "LIST_LIMIT_EXCEEDED"


def test_the_default_of_a_list_is_its_own() -> None:
    assert len(found(door(), "shopStockListConnection", '(input: {place: "x"})')["edges"]) == (
        BY_DEFAULT
    )
