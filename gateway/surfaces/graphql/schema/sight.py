"""What a caller sees of the schema: the root fields that it may call, and what they reach.

Operations run on the whole schema, so that a call that policy denies is decided and recorded like
any other. What is told of the schema (introspection, suggestions, the messages of validation) is
told of the caller's own one: in it, whatever the caller may not call does not exist.
"""

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_union_type,
)

from gateway.model.principal import Principal
from gateway.surfaces.graphql.kept import KeptBySize
from gateway.surfaces.graphql.schema.entities import LOADS, Entities

VIEWS_BYTES = 8 * 1024 * 1024
"""What the schemas of callers may take that are kept for one whole schema, in bytes."""

_BYTES_A_VIEW = 4000
_BYTES_A_TYPE = 120
"""What a view takes in memory, measured (tests/unit/graphql/test_sight.py)."""

STANDS_FOR = "gateway.stands_for"
"""The key of another root field's name among a field's extensions: who sees that one sees this."""

_VERSIONED = re.compile(r"(.+)V\d+")
"""The name of a root field that stands for one major version, beside the plain field."""


class Introspection(StrEnum):
    """Who may ask for the schema, and for how much of it.

    With ``caller`` each caller with a token is shown what it may call, administrators all of it;
    with ``public`` so are callers without a token. With ``on`` everybody is shown all of it, with
    ``admin`` administrators alone, with ``off`` nobody.
    """

    CALLER = "caller"
    PUBLIC = "public"
    ON = "on"
    ADMIN = "admin"
    OFF = "off"


class MayCall(Protocol):
    """Which root fields a principal may call under the policy in force."""

    def __call__(self, principal: Principal, /) -> frozenset[str] | None:
        """Their names; None for an administrator, who is shown every field."""
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What one caller sees: ``schema`` is what it is told of, ``is_open`` says whether it may ask
    for that schema and be helped with names of it."""

    schema: GraphQLSchema
    is_open: bool


Seen = Callable[[], Sight]
"""What the caller sees, worked out where it matters: most requests are never told of a schema."""


class Views:
    """The schemas of callers within one whole schema, one for each set of root fields.

    They share the types of the whole one. A set does not depend on who has it or on the revision
    of policy that gave it, so that callers alike share a view and a change of policy makes only
    those views anew that it changes. Those that are kept take at most ``most_bytes``.
    """

    def __init__(self, whole: GraphQLSchema, most_bytes: int = VIEWS_BYTES) -> None:
        self.whole = whole
        self._names = frozenset(
            _seen_as(name, field)
            for root in filter(None, _roots(whole))
            for name, field in root.fields.items()
            if LOADS not in field.extensions
        )
        self.kept: KeptBySize[GraphQLSchema] = KeptBySize(most_bytes)

    def of(self, fields: frozenset[str] | None) -> GraphQLSchema:
        """The schema of these root fields; of all where ``fields`` is None or names all."""
        if fields is None or fields >= self._names:
            return self.whole
        known = fields & self._names
        view = self.kept.get(known)
        if view is None:
            view = narrowed(self.whole, known)
            self.kept.put(known, view, bytes_of_view(view))
        return view


def bytes_of_view(view: GraphQLSchema) -> int:
    """What the schema of a caller takes beside the types that it shares, estimated."""
    return _BYTES_A_VIEW + _BYTES_A_TYPE * len(view.type_map)


def sight_of(
    principal: Principal, views: Views, introspection: Introspection, may_call: MayCall
) -> Sight:
    """What ``principal`` sees of a schema under a setting."""
    if introspection is Introspection.ON:
        return Sight(views.whole, is_open=True)
    fields = may_call(principal)
    schema = views.of(fields)
    if introspection is Introspection.OFF:
        return Sight(schema, is_open=False)
    if introspection is Introspection.ADMIN:
        return Sight(schema, is_open=fields is None)
    named = introspection is Introspection.PUBLIC or not principal.is_anonymous
    return Sight(schema, is_open=named and any(root and root.fields for root in _roots(schema)))


def narrowed(whole: GraphQLSchema, fields: frozenset[str]) -> GraphQLSchema:
    """The part of a schema that these root fields reach, with its own types.

    It may be without a query, as no other schema may; hence it is taken to be valid, as the whole
    one is.
    """
    query, mutation, subscription = (_root(root, fields) for root in _roots(whole))
    return GraphQLSchema(
        query=query or GraphQLObjectType("Query", {}),
        mutation=mutation,
        subscription=subscription,
        directives=whole.directives,
        description=whole.description,
        assume_valid=True,
    )


def _roots(schema: GraphQLSchema) -> tuple[GraphQLObjectType | None, ...]:
    return schema.query_type, schema.mutation_type, schema.subscription_type


def _root(whole: GraphQLObjectType | None, fields: frozenset[str]) -> GraphQLObjectType | None:
    if whole is None:
        return None
    kept = {
        name: _told(_seen_as(name, one), one, fields)
        for name, one in whole.fields.items()
        if (_loaded(one, fields) if LOADS in one.extensions else _seen_as(name, one) in fields)
    }
    if not kept:
        return None
    members = whole.to_kwargs()
    members["fields"] = kept
    return GraphQLObjectType(**members)


def _loaded(field: GraphQLField, fields: frozenset[str]) -> list[str]:
    """The types that a field loads for those who see ``fields``."""
    entities: Entities = field.extensions[LOADS]
    return [name for name, one in entities.items() if one.root_field in fields]


def _seen_as(name: str, field: GraphQLField) -> str:
    """The name of the root field with which a field is seen: its own, or another's."""
    found: str = field.extensions.get(STANDS_FOR, name)
    return found


def _told(name: str, field: GraphQLField, fields: frozenset[str]) -> GraphQLField:
    """A field as those see it who see ``fields``: its deprecation names no field beside them, and
    of a union its type has only what it loads for them."""
    union = get_named_type(field.type)
    if is_union_type(union):
        seen = _loaded(field, fields)
        members = [one for one in union.types if one.name in seen]
        told = copy(field)
        told.type = GraphQLNonNull(GraphQLList(GraphQLUnionType(union.name, members)))
        return told
    versioned = _VERSIONED.fullmatch(name)
    if field.deprecation_reason is None or versioned is None or versioned[1] in fields:
        return field
    told = copy(field)
    told.deprecation_reason = "This version is deprecated."
    return told
