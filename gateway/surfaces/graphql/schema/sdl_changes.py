"""What differs between two schemas in GraphQL's own language, and what that means to clients.

Shapes are compared by graphql-core, at its levels. It says nothing of the types at which operations
start, which are compared here, and of applied directives, which are by ``applied_changes``. The
rules are those of changes of contracts.
"""

import re
from collections.abc import Iterator

from graphql import (
    GraphQLSchema,
    OperationType,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities import find_schema_changes

from gateway.contracts.changes import Change, change, in_order
from gateway.surfaces.graphql.schema.applied_changes import applied_changes

_SHOWN = 200
"""How much of a description is told: one that changed holds the whole new text."""

_PLACES = (
    re.compile(r"(?P<part>\w+) was \w+ (?:to|from) union type (?P<at>\w+)\."),
    re.compile(r"(?P<part>\w+) added to interfaces implemented by (?P<at>\w+)\."),
    re.compile(r"(?P<at>\w+) no longer implements interface (?P<part>\w+)\."),
    re.compile(r"(?P<part>[A-Z_]+) was \w+ (?:to|from) (?P<at>@\w+)\."),
    re.compile(
        r"(?:(?:Standard scalar|Field|Argument|Enum value|Directive|Repeatable flag was \w+ \w+"
        r"|An? (?:required|optional) (?:argument|field)"
        r"|Description of(?: field| argument| input-field| enum value)?) )?"
        r"(?P<at>@?\w+(?:\.\w+)?(?:\(\w+:?\))?)(?P<part>)"
    ),
)
"""Where the descriptions of graphql-core name what they speak of, and a part of it."""


def sdl_changes(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """Every change from one schema that was read from SDL to another, the worst first."""
    return in_order(
        [
            *_root_changes(old, new),
            *_shape_changes(old, new),
            *_implementation_changes(old, new),
            *applied_changes(old, new),
        ]
    )


def rule_of(name: str) -> str:
    """The code of the rule for a kind of change of graphql-core."""
    return name.lower().replace("_", "-")


def _root_changes(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[Change]:
    """Other types at which operations start, whatever became of the types themselves; and the
    text for readers of the whole."""
    if before.description != after.description:
        yield change("description-changed", "schema", "its description is another text")
    for kind in OperationType:
        old, new = (schema.get_root_type(kind) for schema in (before, after))
        names = [root.name if root else "none" for root in (old, new)]
        if names[0] != names[1]:
            code = "root-type-changed" if old else "root-type-added"
            yield change(code, f"schema {kind.value}", " became ".join(names))


def _shape_changes(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[Change]:
    demanded = set(_demanded(after))
    for found in find_schema_changes(before, after):
        said = found.description
        told = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
        code, where = rule_of(found.type.name), _where(said)
        if code == "description-changed" and where.startswith("@") and where.endswith(")"):
            continue  # graphql-core names the directive for its argument
        if code in _DEFAULTS and where in demanded:
            code = _DEFAULTS[code]  # graphql-core does not tell it from another default
        yield change(code, where, told)
    texts = [dict(_directive_texts(schema)) for schema in (before, after)]
    for where in texts[0].keys() & texts[1].keys():
        if texts[0][where] != texts[1][where]:
            yield change("description-changed", where, "its description is another text")


def _implementation_changes(before: GraphQLSchema, after: GraphQLSchema) -> Iterator[Change]:
    """Types that came or went with an interface that stays: what answers of it may be is another,
    as it is for a union. graphql-core compares the interfaces of types that stay alone."""
    kept = before.type_map.keys() & after.type_map.keys()
    for schema, code, told in (
        (after, "implemented-interface-added", "is new and implements interface"),
        (before, "implemented-interface-removed", "was removed and implemented interface"),
    ):
        for name, interface in _implementations(schema):
            if interface in kept and name not in kept:
                yield change(code, f"{name} {interface}", f"{name} {told} {interface}")


def _implementations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Every type with each interface that it implements, by their names."""
    for name, one in schema.type_map.items():
        if is_object_type(one) or is_interface_type(one):
            yield from ((name, interface.name) for interface in one.interfaces)


def _directive_texts(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """What is said of every argument of a directive, by its coordinate."""
    for directive in schema.directives:
        for name, taken in directive.args.items():
            yield f"@{directive.name}({name}:)", taken.description


_DEFAULTS = {
    "arg-default-value-change": "arg-default-value-removed",
    "input-field-default-value-change": "input-field-default-value-removed",
}


def _demanded(schema: GraphQLSchema) -> Iterator[str]:
    """The coordinate of every argument and input field without which nothing can be called."""
    for directive in schema.directives:
        for name, taken in directive.args.items():
            if is_required_argument(taken):
                yield f"@{directive.name}({name}:)"
    for one in schema.type_map.values():
        if is_input_object_type(one):
            yield from (
                f"{one}.{name}" for name, it in one.fields.items() if is_required_input_field(it)
            )
        elif is_object_type(one) or is_interface_type(one):
            for field, told in one.fields.items():
                for name, taken in told.args.items():
                    if is_required_argument(taken):
                        yield f"{one}.{field}({name}:)"


def _where(description: str) -> str:
    """The coordinate of what a description of graphql-core speaks of."""
    found = next(filter(None, (place.match(description) for place in _PLACES)), None)
    return f"{found['at']} {found['part']}".strip() if found else description[:_SHOWN]
