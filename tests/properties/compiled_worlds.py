"""Schemas, documents, variables and outcomes made from a seed, for the test of compiled operations.

A seed and not hypothesis draws every choice: that makes thousands of operations in seconds. A
failure names its seed, from which the same world comes again.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_union_type,
    parse,
    validate,
)

from gateway.surfaces.graphql.schema.resolvers import FieldReader
from gateway.surfaces.graphql.schema.scalars import as_it_is

MAXIMUM = 2**31


def _picky(value: Any) -> Any:
    """Of texts and lists only, and no text that begins with a dot; ``none`` becomes null."""
    if not isinstance(value, str | list) or str(value).startswith("."):
        raise GraphQLError(f"not picked: {value!r}")
    return None if value == "none" else value


ANY = GraphQLScalarType("Any", as_it_is)
PICKY = GraphQLScalarType("Picky", coerce_output_value=_picky, coerce_input_value=_picky)
COLOUR = GraphQLEnumType("Colour", {name: GraphQLEnumValue(name) for name in ("RED", "BLUE")})
LEVEL = GraphQLEnumType("Level", {"LOW": GraphQLEnumValue(1), "HIGH": GraphQLEnumValue("top")})
BUILT_IN = [GraphQLString, GraphQLInt, GraphQLFloat, GraphQLBoolean, GraphQLID]
LEAVES = [*BUILT_IN, ANY, PICKY, COLOUR, LEVEL]

FITTING: dict[str, list[Any]] = {
    "String": ["", "text", "é"],
    "Int": [0, -1, MAXIMUM - 1],
    "Float": [0.5, 1.0, 1e300],
    "Boolean": [True, False],
    "ID": ["a", "1"],
    "Any": [{"a": [1, None]}, [1], "x", 1, True],
    "Picky": ["x", ["y"]],
    "Colour": ["RED", "BLUE"],
}
ODD: list[Any] = [None, 0, 1.5, MAXIMUM, 10**40, "x", "RED", True, [], ["a"], [None], {}, {"a": 1}]
"""Values that fit some types and not others."""
INFINITE = float("inf")
MISSES: dict[str, list[Any]] = {
    "String": [1, 1.5, True, ["a"]],
    "Int": [MAXIMUM, -MAXIMUM, -MAXIMUM - 1, 1.0, 1.5, True, "1", INFINITE],
    "Float": [1, True, "1.5", INFINITE, 10**40, 2**53 + 1],
    "Boolean": [0, 1, "true", 1.0],
    "ID": [1, 1.0, 1.5, True],
    "Any": [None, (1, 2)],
    "Picky": ["none", ".x", 1],
    "Colour": ["red", "GREEN", 1, ["RED"]],
    "Level": ["LOW", 2, True, 1.0, ["top"]],
}
"""For each leaf type, values that it hardly takes, or hardly does not."""


@dataclass
class World:
    """A schema whose resolvers do as ``outcomes`` says and note their calls."""

    random: Random
    schema: GraphQLSchema
    outcomes: dict[str, Callable[[], Any]] = field(default_factory=dict)
    delays: dict[str, int | None] = field(default_factory=dict)
    calls: list[Any] = field(default_factory=list)

    def decide(self, flaws: float) -> None:
        """Decide anew what each root field does; ``flaws`` is how likely each value is odd.

        Where there may be flaws, every second time there is one alone: an error anywhere else
        would hide it.
        """
        roots = [
            (name, declared.type)
            for root in (self.schema.query_type, self.schema.mutation_type)
            if root is not None
            for name, declared in root.fields.items()
        ]
        is_single = flaws > 0 and self.random.random() < 0.5
        for name, declared in roots:
            seed, single = self.random.random(), self.random.randrange(10) if is_single else None
            self.outcomes[name] = partial(_made, seed, 0 if is_single else flaws, single, declared)
            self.delays[name] = self.random.choice([None, 0, 0, 1, 2, 3])

    def resolve(self, _source: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """The one resolver of root fields."""
        said = (str(info.path.key), info.field_name, arguments, dict(info.variable_values.coerced))
        self.calls.append(said)
        delay = self.delays[info.field_name]
        if delay is None:
            return _outcome(self.outcomes[info.field_name])
        return self._later(info.field_name, delay)

    async def _later(self, name: str, delay: int) -> Any:
        for _ in range(delay):
            await asyncio.sleep(0)
        self.calls.append(f"end of {name}")
        return _outcome(self.outcomes[name])


def _made(seed: float, flaws: float, single: int | None, declared: Any) -> Any:
    return Values(Random(seed), flaws, single).of(declared)  # noqa: S311 - no secrets here


def _outcome(make: Callable[[], Any]) -> Any:
    value = make()
    if isinstance(value, Exception):
        raise value
    return value


@dataclass
class Values:
    """Makes results of resolvers; each value is odd with the likelihood ``flaws``, and that of the
    number ``single`` is in any case."""

    random: Random
    flaws: float
    single: int | None = None
    made: int = 0

    def of(self, declared: Any) -> Any:
        """A value for an output type, complete: with every field of every object."""
        self.made += 1
        if self.random.random() < self.flaws or self.made - 1 == self.single:
            return self._odd(get_named_type(declared).name)
        if is_non_null_type(declared):
            return self._value(declared.of_type)
        return None if self.random.random() < 0.1 else self._value(declared)

    def _odd(self, name: str) -> Any:
        kind = self.random.randrange(12)
        if kind == 0:
            return ValueError("an exception as a value")
        if kind == 1:
            return ("a", "tuple")
        if kind == 2:
            return Unawaited(self.random.choice(ODD))
        if kind < 5:
            return None
        return self.random.choice(MISSES[name] if kind > 5 and name in MISSES else ODD)

    def _value(self, declared: Any) -> Any:
        if is_list_type(declared):
            # Lists of more than a few are completed by their columns.
            return [self.of(declared.of_type) for _ in range(self.random.choice((0, 1, 2, 3, 6)))]
        is_union = is_union_type(declared)
        if is_union:
            declared = self.random.choice(declared.types)
        if is_object_type(declared):
            made = {name: self.of(inner.type) for name, inner in declared.fields.items()}
            is_named = is_union or self.random.random() < 0.3
            return {**made, "__typename": declared.name} if is_named else made
        if declared is LEVEL:
            return self.random.choice([1, "top"])
        return self.random.choice(FITTING[declared.name])


class Unawaited:
    """Something that nobody should await."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"unawaited({self.value!r})"


def make_world(random: Random, *, flaws: float = 0.0) -> World:
    """A world with a schema of its own."""
    made = _Schemas(random)
    world = World(random, made.schema())
    for root in (world.schema.query_type, world.schema.mutation_type):
        assert root is not None
        for declared in root.fields.values():
            declared.resolve = world.resolve
    world.decide(flaws)
    return world


class _Schemas:
    """Makes a schema."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.inputs: list[Any] = []
        self.objects: list[Any] = []
        self.unions: list[Any] = []

    def schema(self) -> GraphQLSchema:
        for number in range(self.random.randrange(1, 3)):
            self.inputs.append(self._input(f"In{number}"))
        for number in range(self.random.randrange(1, 4)):
            self.objects.append(self._object(f"Out{number}"))
        if self.random.random() < 0.15:
            self.unions.append(GraphQLUnionType("Either", self.objects))
        return GraphQLSchema(self._root("Query"), self._root("Mutation"))

    def _wrapped(self, named: Any, depth: int = 0) -> Any:
        kind = self.random.randrange(7)
        if kind < 2:
            return GraphQLNonNull(named)
        if kind == 2 and depth < 2:
            return GraphQLList(self._wrapped(named, depth + 1))
        if kind == 3 and depth < 2:
            return GraphQLNonNull(GraphQLList(self._wrapped(named, depth + 1)))
        return named

    def _input(self, name: str) -> Any:
        fields = {
            f"i{number}": self._input_value(GraphQLInputField, [*LEAVES, *self.inputs])
            for number in range(self.random.randrange(1, 5))
        }
        if self.random.random() < 0.1:
            made: Any = GraphQLInputObjectType(
                name, lambda: {**fields, "self": GraphQLInputField(made)}
            )
            return made
        is_one_of = self.random.random() < 0.1
        if is_one_of:
            fields = {key: GraphQLInputField(GraphQLString) for key in fields}
        return GraphQLInputObjectType(name, fields, is_one_of=is_one_of)

    def _input_value(self, kind: Any, types: list[Any]) -> Any:
        declared = self._wrapped(self.random.choice(types))
        more: dict[str, Any] = {}
        if self.random.random() < 0.2:
            more["default_value"] = {
                "Int": 7,
                "String": "by default",
                "Colour": "RED",
            }.get(str(declared).rstrip("!"), [] if is_list_type(declared) else None)
            if more["default_value"] is None and is_non_null_type(declared):
                more = {}
        if self.random.random() < 0.2:
            more["out_name"] = f"out_{self.random.randrange(1000)}"
        return kind(declared, **more)

    def _object(self, name: str) -> Any:
        fields = {}
        for number in range(self.random.randrange(1, 6)):
            key = f"f{number}"
            declared = self._wrapped(self.random.choice([*LEAVES, *self.objects]))
            reader = self._reader(key)
            given = {} if reader else {"a0": self._input_value(GraphQLArgument, LEAVES)}
            fields[key] = GraphQLField(declared, given, resolve=reader)
        return GraphQLObjectType(name, fields)

    def _reader(self, key: str) -> Any:
        kind = self.random.randrange(25)
        if kind == 0:
            return lambda source, _info: source.get(key)
        return None if kind == 1 else FieldReader(key)

    def _root(self, name: str) -> Any:
        fields = {}
        for number in range(self.random.randrange(2, 5)):
            is_leaf = self.random.random() < 0.3
            named = self.random.choice(LEAVES if is_leaf else [*self.objects, *self.unions])
            declared = self._wrapped(named) if self.random.random() < 0.5 else named
            arguments = {
                f"a{index}": self._input_value(GraphQLArgument, [*LEAVES, *self.inputs])
                for index in range(self.random.randrange(3))
            }
            fields[f"{name[0].lower()}{number}"] = GraphQLField(declared, arguments)
        return GraphQLObjectType(name, fields)


@dataclass
class Author:
    """Writes one document for a schema; ``variables`` are those that it defines.

    Some have a second operation, written by another author, whose conditions have the names that
    other variables of the first have.
    """

    random: Random
    schema: GraphQLSchema
    is_second: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)

    def document(self) -> DocumentNode | None:
        """A document, or None where what came out is not valid."""
        is_pair = self.random.random() < 0.25
        parts = self._operation("Named" if is_pair else self.random.choice(["", "Named"]))
        if is_pair:
            parts += Author(self.random, self.schema, is_second=True)._operation("Second")
            self.random.shuffle(parts)
        tree = parse("\n".join(parts))
        return None if validate(self.schema, tree) else tree

    def _operation(self, name: str) -> list[str]:
        """An operation and its fragments."""
        kind = self.random.choice(["query", "mutation"])
        root = self.schema.query_type if kind == "query" else self.schema.mutation_type
        body = self._selections(root, 0)
        defined = [
            f"${name}: {declared}" + (f" = {self.defaults[name]}" if name in self.defaults else "")
            for name, declared in self.variables.items()
        ]
        given = f"({', '.join(defined)})" if defined else ""
        return [f"{kind} {name}{given} {body}", *self.fragments.values()]

    def _selections(self, parent: Any, depth: int) -> str:
        if is_object_type(parent) and 0 < depth < 4 and self.random.random() < 0.2:
            return "{" + " ".join(self._whole(parent, depth)) + "}"
        count = self.random.randrange(1, 4 if depth else 5)
        return "{" + " ".join(self._selection(parent, depth) for _ in range(count)) + "}"

    def _whole(self, parent: Any, depth: int) -> Iterator[str]:
        """All fields that an object has, in its own order: what answers as it is."""
        for name, declared in parent.fields.items():
            inner = get_named_type(declared.type)
            below = ""
            if is_object_type(inner) or is_union_type(inner):
                below = " " + self._selections(inner, depth + 1)
            yield f"{name}{self._given(parent, name, declared)}{below}"

    def _selection(self, parent: Any, depth: int) -> str:
        kind = self.random.randrange(10)
        if kind == 0 and depth < 5:
            on = f" on {parent}" if self.random.random() < 0.6 else ""
            return f"...{on}{self._conditions()} {self._selections(parent, depth + 1)}"
        if kind == 1 and depth < 5:
            return f"...{self._fragment(parent, depth)}{self._conditions()}"
        if is_union_type(parent):
            inner = self.random.choice(parent.types)
            return f"__typename ... on {inner} {self._selections(inner, depth + 1)}"
        if kind == 2:
            return f"{self.random.choice(['', 't: '])}__typename{self._conditions()}"
        name = self.random.choice(list(parent.fields))
        declared = parent.fields[name]
        alias = self.random.choice(["", "", f"x_{name}: "])
        inner = get_named_type(declared.type)
        below = ""
        if is_object_type(inner) or is_union_type(inner):
            if depth > 4:
                return "__typename"
            below = " " + self._selections(inner, depth + 1)
        return f"{alias}{name}{self._given(parent, name, declared)}{self._conditions()}{below}"

    def _fragment(self, parent: Any, depth: int) -> str:
        same = [name for name, text in self.fragments.items() if f" on {parent} " in text]
        if same and self.random.random() < 0.5:
            return self.random.choice(same)
        owner = "S" if self.is_second else "F"
        name = f"{owner}{depth}{self.random.randrange(100)}_{len(self.fragments)}"
        text = f"fragment {name} on {parent} {self._selections(parent, depth + 1)}"
        self.fragments[name] = text
        return name

    def _conditions(self) -> str:
        if self.random.random() < 0.85:
            return ""
        said = self.random.choice(["true", "false", "true", "$", "$", "$"])
        if said == "$":
            said = "$" + self._variable("v" if self.is_second else "c", "Boolean!", limit=3)
        both = f" @include(if: {said})" if self.random.random() < 0.2 else ""
        return f" @{self.random.choice(['skip', 'include'])}(if: {said}){both}".replace(
            f" @include(if: {said}) @include", " @include", 1
        )

    def _given(self, parent: Any, name: str, declared: Any) -> str:
        """The arguments of a field, always the same ones, so that fields can be merged."""
        key = f"{parent}.{name}"
        if key not in self.arguments:
            told = [
                f"{key}: {self._value(argument.type)}"
                for key, argument in declared.args.items()
                if is_non_null_type(argument.type) or self.random.random() < 0.7
            ]
            self.arguments[key] = f"({', '.join(told)})" if told else ""
        return self.arguments[key]

    def _variable(self, prefix: str, declared: str, limit: int = 50) -> str:
        name = f"{prefix}{self.random.randrange(limit)}"
        if name in self.variables and str(self.variables[name]) != declared:
            return self._variable(prefix, declared, limit + 10)
        self.variables[name] = declared
        if declared == "Boolean!" and name not in self.defaults and self.random.random() < 0.3:
            self.defaults[name] = self.random.choice(["true", "false"])
        return name

    def _value(self, declared: Any, depth: int = 0) -> str:
        kind = self.random.random()
        if kind < 0.1 and is_non_null_type(declared):  # null is found out when it gets there
            name = self._variable("d", str(declared.of_type), 10)
            self.defaults.setdefault(name, self._literal(declared, depth, fixed=True))
            return f"${name}"
        if kind < 0.5:
            name = self._variable("v", str(declared), 10)
            if self.random.random() < 0.2:
                self.defaults.setdefault(name, self._literal(declared, depth, fixed=True))
            return f"${name}"
        return self._literal(declared, depth)

    def _literal(self, declared: Any, depth: int, *, fixed: bool = False) -> str:
        if is_non_null_type(declared):
            declared = declared.of_type
        elif self.random.random() < 0.1:
            return "null"
        write = self._literal if fixed else self._value
        more = {"fixed": True} if fixed else {}
        if is_list_type(declared):
            if self.random.random() < 0.1:
                return write(declared.of_type, depth + 1, **more)
            items = [write(declared.of_type, depth + 1, **more) for _ in range(2)]
            return f"[{', '.join(items)}]"
        if is_input_object_type(declared):
            given = [
                f"{key}: {write(inner.type, depth + 1, **more)}"
                for key, inner in declared.fields.items()
                if is_non_null_type(inner.type) or (depth < 3 and self.random.random() < 0.6)
            ]
            return "{" + ", ".join(given[: 1 if declared.is_one_of else None]) + "}"
        return self.random.choice(LITERALS[declared.name])


LITERALS = {
    "String": ['"text"', '""'],
    "Int": ["0", "-7"],
    "Float": ["0.5", "3"],
    "Boolean": ["true", "false"],
    "ID": ['"a"', "1"],
    "Any": ['"x"', "1", "[1, {a: 2}]", "{a: [true]}"],
    "Picky": ['"x"', '["y"]'],
    "Colour": ["RED", "BLUE"],
    "Level": ["LOW", "HIGH"],
}


def variables_for(
    random: Random, schema: GraphQLSchema, author: Author, flaws: float
) -> dict[str, Any]:
    """Values for the variables of a document; each part is odd with the likelihood ``flaws``."""
    given = {}
    for name, declared in author.variables.items():
        if name in author.defaults and random.random() < 0.4:
            continue
        if random.random() < flaws / 2:
            continue
        given[name] = _sent(random, _type_of(schema, str(declared)), flaws)
    if random.random() < 0.1:
        given["unknown"] = 1
    return given


def _type_of(schema: GraphQLSchema, text: str) -> Any:
    if text.endswith("!"):
        return GraphQLNonNull(_type_of(schema, text[:-1]))
    if text.startswith("["):
        return GraphQLList(_type_of(schema, text[1:-1]))
    return schema.type_map.get(text) or GraphQLBoolean


def _sent(random: Random, declared: Any, flaws: float, depth: int = 0) -> Any:
    if random.random() < flaws:
        name = get_named_type(declared).name
        return random.choice(MISSES[name] if name in MISSES and random.random() < 0.5 else ODD)
    if is_non_null_type(declared):
        declared = declared.of_type
    elif random.random() < 0.1 or depth > 4:
        return None
    if is_list_type(declared):
        return [_sent(random, declared.of_type, flaws, depth + 1) for _ in range(2)]
    if is_input_object_type(declared):
        keep = list(declared.fields.items())[: 1 if declared.is_one_of else None]
        return {
            name: _sent(random, inner.type, flaws, depth + 1)
            for name, inner in keep
            if is_non_null_type(inner.type) or random.random() < 0.7
        }
    return random.choice(["LOW", "HIGH"] if declared is LEVEL else FITTING[declared.name])
