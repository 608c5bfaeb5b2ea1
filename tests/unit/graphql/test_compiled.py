"""Compiled operations: what is compiled, what is called how often, and what is kept."""

import asyncio
import copy
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import graphql
import msgspec
import pytest
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_object_type,
    parse,
)

from gateway.loading import contract_folders
from gateway.model.principal import ANONYMOUS
from gateway.model.problem import refuse
from gateway.surfaces.graphql import Engine
from gateway.surfaces.graphql import build_schema as build_gateway_schema
from gateway.surfaces.graphql.compiled import CompiledOperations, Request
from gateway.surfaces.graphql.compiled.coercing import InputCoercers, VariableCoercer
from gateway.surfaces.graphql.compiled.compiler import compile_operation
from gateway.surfaces.graphql.operations.execution import run
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.resolvers import FieldReader
from tests.loaded import load_contracts
from tests.unit.graphql.support import Catalogue, FakeDoor

SDL = """
type Thing { name: String! size: Int things: [Thing!] }
type Query { a: Thing b: Thing sure: Thing! either: Either }
type Mutation { a: Thing b: Thing! c: Thing }
type Subscription { told: Thing }
type Other { name: String }
union Either = Thing | Other
"""
THING = {"name": "one", "size": 1, "things": [{"name": "two", "size": None, "things": None}]}
FAULTY = {"name": None, "size": 1}


@dataclass
class House:
    """A schema whose root fields answer as told, and note that they were called."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    most_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        self.schema = build_schema(SDL)
        for declared in ("Thing", "Other"):
            for name, inner in self.type(declared).fields.items():
                inner.resolve = FieldReader(name)
        for declared in ("Query", "Mutation"):
            for inner in self.type(declared).fields.values():
                inner.resolve = self.resolve
        self.type("Subscription").fields["told"].resolve = lambda event, _info: event
        self.compiled = CompiledOperations(self.schema, self.most_bytes)

    def type(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    async def resolve(self, _source: None, info: GraphQLResolveInfo[Any]) -> Any:
        self.calls.append(str(info.path.key))
        answer = self.answers.get(str(info.path.key), THING)
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, source: str, root_value: object = None, **variables: Any) -> ExecutionResult:
        document = Document(source)
        request = Request(variables, None, root_value)
        return asyncio.run(execute(self.compiled, document, request))


class Document:
    """A document named by its own text."""

    def __init__(self, source: str) -> None:
        self.digest = source.encode()
        self.tree: DocumentNode = parse(source)
        self.size = 700 * self.tree.token_count


async def execute(
    compiled: CompiledOperations, document: Document, request: Request
) -> ExecutionResult:
    (operation, *_) = document.tree.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return await compiled.execute(document, operation, request)


async def awaited(result: Any) -> ExecutionResult:
    return await result if isawaitable(result) else result


def after(steps: int, answer: Any) -> Callable[[], Any]:
    async def later() -> Any:
        for _ in range(steps):
            await asyncio.sleep(0)
        return answer

    return later


@pytest.mark.parametrize(
    "source",
    [
        "{ a { name size things { name } } }",
        "{ __typename x: a { __typename y: name } b { name } }",
        "{ ...F a { size } } fragment F on Query { a { ... on Thing { name } } }",
        "mutation { a { name } b { name } c { name } }",
        "query ($yes: Boolean!) { a { name @include(if: $yes) size @skip(if: $yes) } }",
    ],
)
def test_the_usual_is_compiled(source: str) -> None:
    house = House()
    for yes in (True, False):
        assert house.ask(source, yes=yes).errors is None
    assert house.compiled.interpreted == 0


@pytest.mark.parametrize(
    "source",
    [
        "{ either { __typename } }",
        "{ __schema { description } }",
        '{ __type(name: "Query") { name } }',
        "{ a { name } sure { name } }",
        "query ($yes: Boolean = true) { a { name @include(if: $yes) } }",
    ],
)
def test_what_is_not_compiled_is_answered_by_core_each_time(source: str) -> None:
    house = House(answers={"either": {"__typename": "Thing"}})
    given = {"yes": None} if "$yes" in source else {}
    results = [house.ask(source, None, **given) for _ in range(2)]
    assert results[0] == results[1]
    assert results[0].data is not None or given
    assert house.compiled.interpreted == 2


@pytest.mark.parametrize(
    ("source", "answers", "calls", "paths"),
    [
        ("{ a { name } }", {"a": ValueError()}, "a", [["a"]]),
        ("{ a { name } }", {"a": FAULTY}, "a", [["a", "name"]]),
        ("{ a { name } b { name } }", {"a": FAULTY}, "ab", [["a", "name"]]),
        ("{ a { name } b { name } }", {"a": after(3, FAULTY), "b": FAULTY}, "ab",
         [["b", "name"], ["a", "name"]]),
        ("{ a { name } sure { name } }", {"sure": FAULTY}, ["a", "sure"], [["sure", "name"]]),
        ("mutation { a { name } b { name } c { name } }", {"a": ValueError()}, "abc", [["a"]]),
        ("mutation { a { name } b { name } c { name } }", {"b": ValueError()}, "ab", [["b"]]),
        ("mutation { a { name } b { name } c { name } }", {"c": FAULTY}, "abc", [["c", "name"]]),
        ("mutation { a { size } c { name } }", {"a": {"size": 2.0}}, "ac", []),
        ("mutation { a { size } c { name } }", {"a": iter(())}, "ac", [["a", "size"]]),
    ],
)  # fmt: skip
def test_every_root_field_is_called_once_whatever_happens(
    source: str, answers: dict[str, Any], calls: str | list[str], paths: list[Any]
) -> None:
    house = House(answers=answers)
    result = house.ask(source)
    assert house.calls == list(calls)
    assert [error.path for error in result.errors or []] == paths


@pytest.mark.parametrize("source", ["{ b { name } }", "mutation { x: a { name } }"])
def test_the_refusal_of_the_only_field_is_told_without_graphql_core(source: str) -> None:
    refused = refuse("SERVICE_UNAVAILABLE", "Come again.")
    house = House(answers={"b": refused, "x": refused})
    result = house.ask(source)
    assert house.compiled.interpreted == 0
    document = parse(source)
    by_core = asyncio.run(awaited(graphql.execute(house.schema, document)))
    assert result.formatted == by_core.formatted
    assert result.errors is not None
    assert result.errors[0].original_error is refused


def test_a_field_that_the_answer_cannot_do_without_is_left_to_graphql_core() -> None:
    house = House(answers={"sure": ValueError("no")})
    result = house.ask("{ sure { name } }")
    assert (result.data, house.compiled.interpreted, house.calls) == (None, 1, ["sure"])


def test_variables_within_a_literal_of_a_scalar_are_seen() -> None:
    joined = GraphQLScalarType("Joined", coerce_input_value=lambda value: "+".join(map(str, value)))
    asked_for = GraphQLField(
        GraphQLString, {"given": GraphQLArgument(joined)}, lambda _root, _info, given: given
    )
    compiled = CompiledOperations(GraphQLSchema(GraphQLObjectType("Query", {"a": asked_for})), 9999)
    document = Document('query ($v: String!) { a(given: ["x", $v]) }')
    for value in "yz":
        result = asyncio.run(execute(compiled, document, Request({"v": value})))
        assert result == ExecutionResult({"a": f"x+{value}"}, None)


def test_an_error_is_told_without_what_led_to_graphql_core() -> None:
    for source in ("{ a { name } }", "{ a { name } b { name } }", "mutation { a { name } }"):
        (error, *_) = House(answers={"a": FAULTY}).ask(source).errors or []
        assert error.path == ["a", "name"]
        assert error.original_error is not None
        assert error.original_error.__context__ is None


def test_arguments_below_the_root_are_judged_by_core() -> None:
    house = House()
    house.type("Thing").fields["size"].args["least"] = GraphQLArgument(
        GraphQLNonNull(GraphQLInt), default_value=1
    )
    house.type("Thing").fields["size"].resolve = None
    source = "query ($v: Int = 1) { a { name size(least: $v) } }"
    assert house.ask(source, v=2).data == {"a": {"name": "one", "size": 1}}
    (error,) = house.ask(source, v=None).errors or []
    assert error.path == ["a", "size"]


INPUTS = """
input One @oneOf { a: Int b: Int }
input Deep { inner: Deep n: Int }
input Flat { n: Int! words: [String!] = ["by default"] }
type Query {
  one(given: One!): String deep(given: Deep!): String flat(given: Flat!): String
  number(given: Int!): String words(given: [String!] = ["by default"]): String
}
"""


def asked_twice(source: str, **variables: Any) -> tuple[ExecutionResult, list[Any]]:
    """The second answer, and what the resolver was given each time; it changes that."""
    schema, seen = build_schema(INPUTS), []

    def resolve(_source: None, _info: object, **arguments: Any) -> str:
        seen.append(copy.deepcopy(arguments))
        given = arguments.get("given")
        words = given.get("words") if isinstance(given, dict) else given
        if isinstance(words, list):
            words.append("changed")
        return "done"

    assert schema.query_type is not None
    for declared in schema.query_type.fields.values():
        declared.resolve = resolve
    compiled = CompiledOperations(schema, 1 << 20)
    document = Document(source)
    for _ in range(2):
        result = asyncio.run(execute(compiled, document, Request(variables)))
    return result, seen


@pytest.mark.parametrize(
    ("source", "given", "fits"),
    [
        ("query ($v: One!) { one(given: $v) }", {"a": 1}, True),
        ("query ($v: One!) { one(given: $v) }", {"a": 1, "b": 2}, False),
        ("query ($v: One!) { one(given: $v) }", {"a": None}, False),
        ("query ($v: Int) { one(given: {a: $v}) }", None, False),
        ("query ($v: Deep!) { deep(given: $v) }", {"inner": {"inner": {"n": 1}}}, True),
        ("query ($v: Deep!) { deep(given: $v) }", {"inner": {"m": 1}}, False),
        ("query ($v: Flat!) { flat(given: $v) }", {"n": 1, "more": 1}, False),
        ("query ($v: Int!) { flat(given: {n: $v}) }", 1, True),
        ("query ($v: Int = 1) { number(given: $v) }", 2, True),
        ("query ($v: Int = 1) { number(given: $v) }", None, False),
        ("query ($v: Int!) { number(given: $v) }", 2**31, False),
        ("query ($v: Int!) { number(given: $v) }", 2.0, True),
    ],
)
def test_inputs_are_judged_as_core_judges_them(source: str, given: Any, fits: bool) -> None:
    result, seen = asked_twice(source, v=given)
    assert (result.errors is None) is fits
    assert len(seen) == (2 if fits else 0)


@pytest.mark.parametrize(
    "source",
    [
        "{ words }",
        '{ words(given: ["by default"]) }',
        'query ($v: [String!] = ["by default"]) { words(given: $v) }',
        "{ flat(given: {n: 1}) }",
        'query ($v: Flat = {n: 1, words: ["by default"]}) { flat(given: $v) }',
    ],
)
def test_what_a_resolver_changes_no_other_request_sees_unless_core_shows_it(source: str) -> None:
    _, seen = asked_twice(source)
    shared = "$v" not in source and "[" not in source  # a default of the schema, which core keeps
    told = [str(arguments) for arguments in seen]
    assert ("changed" in told[1]) is shared
    assert "changed" not in told[0]


def test_events_of_a_subscription_are_compiled() -> None:
    house = House()
    source = "subscription { told { name } }"
    assert house.ask(source, {"name": "x"}).data == {"told": {"name": "x"}}
    assert house.compiled.interpreted == 0
    assert house.ask(source, FAULTY).data == {"told": None}


def test_each_form_is_compiled_once() -> None:
    house = House()
    source = "query ($a: Boolean!, $b: Boolean!) { a { name @skip(if: $a) size @skip(if: $b) } }"
    for _ in range(3):
        for a in (True, False):
            expected = {} if a else {"name": "one"}
            assert house.ask(source, a=a, b=True).data == {"a": expected}
    assert (len(house.compiled.plans), len(house.compiled.forms)) == (1, 2)


def test_forms_keep_within_their_bytes_however_many_there_could_be() -> None:
    house = House(most_bytes=400_000)
    names = [f"v{number}" for number in range(10)]
    defined = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in names)
    for number in range(200):
        given = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        result = house.ask(f"query ({defined}) {{ a {{ {fields} }} }}", None, **given)
        assert result.data == {"a": {name: "one" for name in names if given[name]}}
        assert house.compiled.forms.bytes <= 200_000
    assert 1 <= len(house.compiled.forms) < 20


def test_plans_keep_within_their_bytes_and_the_recent_ones_stay() -> None:
    house = House(most_bytes=200_000)
    for number in range(100):
        house.ask(f"{{ x{number}: a {{ name }} }}")
        house.ask("{ a { name } }")
        assert house.compiled.plans.bytes <= 100_000
    assert house.compiled.plans.get((b"{ a { name } }", None))
    assert 2 <= len(house.compiled.plans) < 20


@pytest.mark.parametrize(
    "source",
    [
        "{ a { name size } }",
        "{ " + " ".join(f"x{number}: a {{ name size }}" for number in range(20)) + " }",
        "mutation { a " + "{ name size things " * 10 + "{ name }" + "}" * 10 + " }",
    ],
)
def test_the_estimated_size_is_not_below_the_real_one(source: str) -> None:
    real, estimated = sizes(House().compiled, source, "{ a { name } }")
    assert real <= estimated <= 4 * real + 4000


@pytest.mark.parametrize(
    "source",
    [
        "{ words(given: [" + '"a" ' * 900 + "]) }",
        "query (" + "".join(f"$v{n}: [[[[[Int!]!]!]]] " for n in range(50)) + ") { words }",
        "query (" + "".join(f"$v{n}: Flat = {{n: {n}}} " for n in range(50)) + ") { words }",
        "query (" + "".join(f"$v{n}: Int! = 1" for n in range(50)) + ") {"
        "" + "".join(f" x{n}: number(given: $v{n})" for n in range(50)) + " }",
    ],
)  # fmt: skip
def test_variables_and_literals_are_part_of_the_estimated_size(source: str) -> None:
    real, estimated = sizes(CompiledOperations(build_schema(INPUTS), 1 << 24), source, "{ words }")
    assert real <= estimated


@pytest.mark.parametrize(
    "chosen", ["name", "__typename", "name size", "name " + "things { name " * 2 + "}" * 2]
)
def test_what_writes_long_lists_is_part_of_the_estimated_size(chosen: str) -> None:
    long: dict[str, Any] = {"name": "one", "size": 1, "things": []}
    for _ in range(3):
        long = {"name": "one", "size": 1, "things": [long] * 9}
    names = [f"x{number}" for number in range(20)]
    house = House(answers=dict.fromkeys(["a", *names], long), most_bytes=1 << 24)
    source = "{ " + " ".join(f"{name}: a {{ things {{ {chosen} }} }}" for name in names) + " }"
    real, estimated = sizes(house.compiled, source, "{ a { things { size name } } }")
    assert real <= estimated


def sizes(compiled: CompiledOperations, source: str, before: str) -> tuple[int, int]:
    """What an operation takes beside its document, and what is thought that it takes; ``before``
    is run first, for what is made once for all operations."""
    asyncio.run(execute(compiled, Document(before), Request({})))
    kept = compiled.plans.bytes
    document = Document(source)
    gc.collect()
    tracemalloc.start()
    asyncio.run(execute(compiled, document, Request({})))
    gc.collect()
    real = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return real, compiled.plans.bytes - kept - document.size


# --- The gateway's own schema -----------------------------------------------------------------


def every_root_field(schema: GraphQLSchema) -> Iterator[str]:
    """An operation for each root field of a contract, with all its arguments and all below it."""
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        assert root is not None
        for name, declared in root.fields.items():
            if not is_object_type(get_named_type(declared.type)):
                continue  # Relay's interface
            arguments = declared.args.items()
            defined = ", ".join(f"${key}: {argument.type}" for key, argument in arguments)
            given = ", ".join(f"{key}: ${key}" for key, _ in arguments)
            heads = (f" ({defined})", f"({given})") if given else ("", "")
            yield f"{kind}{heads[0]} {{ {name}{heads[1]} {below(declared.type)} }}"


def below(declared: Any, depth: int = 0) -> str:
    named = get_named_type(declared)
    if not is_object_type(named):
        return ""
    told = [
        f"{name} {below(inner.type, depth + 1)}"
        for name, inner in named.fields.items()
        if depth < 5 or is_leaf_type(get_named_type(inner.type))
    ]
    return f"{{ __typename {' '.join(told)} }}"


def test_every_operation_of_the_shipped_contracts_is_compiled() -> None:
    engine = Engine(build_gateway_schema(load_contracts(contract_folders(()))), FakeDoor())
    ping = engine.prepare(Parameters("{ __typename }"), ANONYMOUS, None)
    sources = list(every_root_field(ping.schema))
    assert len(sources) > 50
    coercers = InputCoercers()
    for source in sources:
        tree = parse(source)
        (operation,) = tree.definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert compile_operation(ping.schema, tree, operation, {}).fields > 1
        VariableCoercer(ping.schema, operation.variable_definitions or (), coercers)


def test_many_objects_of_which_nothing_is_selected_are_as_many() -> None:
    items = [{"sku": str(at), "count": at} for at in range(9)]
    engine = Engine(
        build_gateway_schema(Catalogue()), FakeDoor({"shop.order.get": {"items": items}})
    )
    chosen = '{ shopOrderGet(input: {orderId: "o-1"}) { items { sku @include(if: $all) } } }'
    asked = Parameters(f"query ($all: Boolean!) {chosen}", {"all": False})
    operation = engine.prepare(asked, ANONYMOUS, None)
    assert asyncio.run(run(operation)) == {"data": {"shopOrderGet": {"items": [{}] * 9}}}
    assert operation.document.compiled.interpreted == 0


def test_an_answer_of_the_door_is_compiled_and_a_problem_is_told_by_core() -> None:
    door = FakeDoor()
    engine = Engine(build_gateway_schema(Catalogue()), door)
    asked = Parameters("mutation { shopReset { done } again: shopReset { done } }")
    operation = engine.prepare(asked, ANONYMOUS, None)
    body = asyncio.run(run(operation))
    assert body == {"data": {"shopReset": {"done": True}, "again": {"done": True}}}
    assert operation.document.compiled.interpreted == 0
    door.calls.clear()
    door.answers["shop.reset"] = refuse("CONFLICT", "It was reset before.")
    body = asyncio.run(run(engine.prepare(asked, ANONYMOUS, None)))
    assert [entry["extensions"]["code"] for entry in body["errors"]] == ["CONFLICT", "CONFLICT"]
    assert [entry["path"] for entry in body["errors"]] == [["shopReset"], ["again"]]
    assert len(door.calls) == 2
    assert operation.document.compiled.interpreted == 1


def test_what_writes_long_lists_goes_with_its_operation() -> None:
    def made() -> int:
        gc.collect()
        return sum(1 for one in msgspec.Struct.__subclasses__() if one.__name__ == "Made")

    before = made()
    answers = {"a": {"things": [{"things": [THING] * 9}] * 9}}
    house = House(answers=answers, most_bytes=1 << 24)
    for number in range(30):
        house.ask(f"{{ a {{ things {{ things {{ x{number}: __typename name }} }} }} }}")
    assert house.compiled.interpreted == 0
    assert made() - before == 60
    del house
    assert made() == before
