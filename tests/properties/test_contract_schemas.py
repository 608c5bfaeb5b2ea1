"""Any contracts give a valid schema that says what they say, whose fields read plain JSON."""

import asyncio
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLObjectType,
    execute,
    parse,
    print_ast,
    print_schema,
    validate_schema,
)
from graphql import build_schema as parse_sdl
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.contract import EnumType, Kind, NamedType, ObjectType, OperationContract
from gateway.model.pii import ANY_CLASS
from gateway.model.principal import ANONYMOUS
from gateway.model.types import SCALARS, TypeRef, parse_type
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.surfaces.graphql.door import CallContext
from tests.unit.graphql.support import Catalogue, FakeDoor, operation

quick = settings(max_examples=40, deadline=None)

NAMES = ("id", "class", "self", "mro", "from", "email", "resolve", "Name", "x1")
ENUMS = ("State", "Color")
OBJECTS = ("Item", "Part", "Place")
ANYWHERE = ("%s", "%s!", "[%s]", "[%s!]", "[%s!]!", "[[%s]!]")
IN_TYPES = ("%s", "[%s]", "[%s!]", "[%s!]!")
"""How an object type may stand in another: never so that one must contain itself without end."""

leaves = st.builds(
    lambda form, name: parse_type(form % name),
    st.sampled_from(ANYWHERE),
    st.sampled_from((*sorted(SCALARS), *ENUMS)),
)
Fields = dict[str, TypeRef]


def fields_with(forms: tuple[str, ...], least: int) -> st.SearchStrategy[Fields]:
    """Fields of leaves and, in these forms, of object types."""
    objects = st.builds(
        lambda form, name: parse_type(form % name),
        st.sampled_from(forms),
        st.sampled_from(OBJECTS),
    )
    return st.dictionaries(st.sampled_from(NAMES), leaves | objects, min_size=least, max_size=4)


@st.composite
def domains_types(draw: st.DrawFn) -> tuple[NamedType, ...]:
    """The types of a domain."""
    values = st.lists(st.sampled_from(("A", "B", "mro", "name", "_x")), min_size=1, unique=True)
    enums = [EnumType(name, tuple(draw(values))) for name in ENUMS]
    return (*enums, *(ObjectType(name, draw(fields_with(IN_TYPES, 1))) for name in OBJECTS))


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Contracts of one domain that share its types, of both kinds, with and without PII."""
    types = draw(domains_types())
    found = {"shopFirst": operation("shop.first")}
    for number in range(draw(st.integers(0, 4))):
        given_, answer = draw(fields_with(ANYWHERE, 0)), draw(fields_with(ANYWHERE, 1))
        paths = sorted({*walks(given_, types), *walks(answer, types)})
        found[f"shopN{number}"] = operation(
            f"shop.n{number}",
            draw(st.sampled_from(Kind)),
            given=given_,
            answer=answer,
            types=types,
            pii=tuple(draw(st.lists(st.sampled_from(paths), max_size=3, unique=True))),
        )
    return Catalogue(found)


def walks(fields: Fields, types: tuple[NamedType, ...], depth: int = 2) -> list[str]:
    """The paths into fields, so many levels down."""
    known = {one.name: one for one in types}
    found = list(fields)
    for name, ref in fields.items():
        inner = known.get(ref.named)
        if isinstance(inner, ObjectType) and depth > 1:
            found += [f"{name}.{rest}" for rest in walks(dict(inner.fields), types, depth - 1)]
    return found


@dataclass
class Expected:
    """What a schema must say, worked out from the contracts by their rules alone: fields by type
    as they are printed, values by enum."""

    types: dict[str, dict[str, str]]
    pii: set[tuple[str, str]]
    known: dict[str, NamedType]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Expected":
        made = cls({}, set(), {})
        for name, contract in catalogue.fields.items():
            made.known = dict(contract.types)
            prefix = name[0].upper() + name[1:]
            for suffix, fields in (("Input", contract.input), ("Output", contract.output)):
                if fields:
                    made.marks(contract, prefix + suffix, dict(fields), suffix == "Input")
        for name, contract in catalogue.fields.items():
            made.known = dict(contract.types)
            prefix = name[0].upper() + name[1:]
            for suffix, fields in (("Input", contract.input), ("Output", contract.output)):
                if fields:
                    made.reach(prefix + suffix, dict(fields), suffix == "Input")
        return made

    def name(self, contracts_name: str, is_input: bool) -> str:
        if contracts_name in SCALARS:
            return contracts_name
        is_object = isinstance(self.known[contracts_name], ObjectType)
        return f"Shop{contracts_name}" + ("Input" if is_input and is_object else "")

    def marks(
        self, contract: OperationContract, owner: str, fields: Fields, is_input: bool
    ) -> None:
        for path in contract.policy.pii:
            at, among = owner, fields
            for part in path.split("."):
                if part not in among:
                    break
                last, named = (at, part), among[part].named
                inner = self.known.get(named)
                at, among = self.name(named, is_input), dict(getattr(inner, "fields", {}))
            else:
                self.pii.add(last)

    def reach(self, owner: str, fields: Fields, is_input: bool) -> None:
        if owner in self.types:
            return
        self.types[owner] = {}
        for name, ref in fields.items():
            hidden = (owner, name) in self.pii
            kind = str(ref).replace(ref.named, self.name(ref.named, is_input))
            told = kind.removesuffix("!") if hidden and not is_input else kind
            classes = ", ".join(f'"{one}"' for one in sorted(ANY_CLASS))
            self.types[owner][name] = told + (f" @pii(classes: [{classes}])" if hidden else "")
            inner = self.known.get(ref.named)
            if isinstance(inner, ObjectType):
                self.reach(self.name(inner.name, is_input), dict(inner.fields), is_input)
            elif isinstance(inner, EnumType):
                self.types[self.name(inner.name, is_input)] = dict.fromkeys(inner.values, "")


def told_by(tree: DocumentNode) -> dict[str, dict[str, str]]:
    """Fields by type as a document of SDL has them; scalars, roots and directives left out."""
    found: dict[str, dict[str, str]] = {}
    for node in tree.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        if isinstance(node, EnumTypeDefinitionNode):
            found[name] = {value.name.value: "" for value in node.values}
        elif hasattr(node, "fields") and name not in ("Query", "Mutation"):
            found[name] = {
                field.name.value: " ".join(map(print_ast, (field.type, *(field.directives or ()))))
                for field in node.fields
            }
    return found


@quick
@given(catalogues())
def test_the_schema_says_what_the_contracts_say(catalogue: Catalogue) -> None:
    schema = build_schema(catalogue)
    assert validate_schema(schema) == []
    sdl = print_sdl(schema)
    assert told_by(parse(sdl)) == Expected.of(catalogue).types
    read_back = parse_sdl(sdl)
    assert validate_schema(read_back) == []
    for name, kept in schema.type_map.items():
        if not name.startswith("__"):
            assert str(kept) == str(read_back.type_map[name])
    assert sorted(print_schema(schema).split("\n\n")) == sorted(
        print_schema(read_back).split("\n\n")
    )
    for name, contract in catalogue.fields.items():
        root = schema.mutation_type if contract.is_command else schema.query_type
        assert root is not None
        assert name in root.fields


@quick
@given(catalogues())
def test_every_field_but_the_roots_reads_its_name_from_plain_json(catalogue: Catalogue) -> None:
    schema = build_schema(catalogue)
    roots = (schema.query_type, schema.mutation_type)
    for one in schema.type_map.values():
        if not isinstance(one, GraphQLObjectType) or one in roots or one.name.startswith("__"):
            continue
        for name, field in one.fields.items():
            marked: Any = object()
            assert field.resolve is not None
            assert field.resolve({name: marked, f"{name}_": 1}, None) is marked  # type: ignore[arg-type]
            assert field.resolve({}, None) is None  # type: ignore[arg-type]


@quick
@given(catalogues(), st.data())
def test_an_output_of_plain_json_is_answered_as_it_is(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    contract = catalogue.fields[data.draw(st.sampled_from(sorted(catalogue.fields)))]
    if contract.is_command or any(ref.required for ref in contract.input.values()):
        return
    leaf = {
        name: "A JSON string"
        for name, ref in contract.output.items()
        if ref.name in SCALARS - {"Int", "Float", "Boolean"}
    }
    shown = " ".join(["__typename", *leaf])
    root = contract.key.replace(".n", "N").replace(".first", "First")
    taken = "(input: {})" if contract.input else ""
    context = CallContext(FakeDoor({contract.key: leaf}), ANONYMOUS, None)

    async def go() -> Any:
        tree = parse(f"{{ {root}{taken} {{ {shown} }} }}")
        return await execute(build_schema(catalogue), tree, context_value=context)  # type: ignore[misc]

    result = asyncio.run(go())
    assert result.errors is None
    assert result.data == {root: {"__typename": f"{root[0].upper()}{root[1:]}Output", **leaf}}
