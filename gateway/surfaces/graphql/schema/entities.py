"""Entities: what may be loaded by its key alone, and the loading of it.

An entity is never made of what a caller says of it. Its key is handed to the contract that declares
the entity, by the same governed call as any other; what that answers is the entity.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT, GraphQLSchema

from gateway.model.contract import Entity, OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.problem import ProblemError, refuse
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.schema.global_ids import KeyValue, Named, global_id

ENTITIES = "gateway.entities"
"""The key of a schema's entities among its extensions."""

LOADS = "gateway.loads"
"""The key, among the extensions of a root field, of the entities that it loads. Whoever may call
the contract of none of them does not see the field."""

_NOT_FOUND = 404

Key: TypeAlias = tuple[KeyValue, ...]
"""The fields of a key, in the order of their names."""


@dataclass(frozen=True, slots=True)
class EntityType:
    """A GraphQL type that is an entity: the contract that loads it, and a root field of that."""

    name: str
    contract: OperationContract
    entity: Entity
    root_field: str

    @property
    def fields(self) -> list[str]:
        """The fields of the key, in the order of their names."""
        return sorted(self.entity.key)

    def input_of(self, key: Key) -> JsonObject:
        """The contract's input for a key."""
        return {self.entity.key[name]: value for name, value in zip(self.fields, key, strict=True)}

    def key_of(self, given: Mapping[str, JsonValue]) -> Key:
        """The key among the members of ``given``, which may have others.

        Raises:
            KeyError: with the name of a field that is missing or of another type.
        """
        return tuple(self._key_value(name, given.get(name)) for name in self.fields)

    def scalar_of(self, name: str) -> str:
        """The scalar of a field of the key."""
        return self.contract.input[self.entity.key[name]].name

    def _key_value(self, name: str, value: JsonValue) -> KeyValue:
        scalar = self.scalar_of(name)
        if isinstance(value, str) and scalar != "Int":
            return value
        if type(value) is int and scalar == "ID":
            return str(value)
        if type(value) is int and scalar == "Int" and GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
            return value
        raise KeyError(name)


Entities: TypeAlias = Mapping[str, EntityType]
"""Entities by the name of their type."""


def entities_of(schema: GraphQLSchema) -> Entities:
    """The entities of a schema."""
    found: Entities = schema.extensions.get(ENTITIES, {})
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """An entity that is asked for: its type and its key."""

    type: EntityType
    key: Key

    async def load(self, context: CallContext) -> JsonObject | None:
        """The entity as the caller may see it; None where there is none.

        One request loads it once, however often it is asked for. Its member ``__typename`` names
        its type, which is where graphql-core looks for it.

        Raises:
            ProblemError: the contract's refusal; BAD_GATEWAY where it answered another entity.
        """
        name = global_id(self.type.name, self.key)
        return await context.once.done(name, lambda: self._called(context))

    async def _called(self, context: CallContext) -> JsonObject | None:
        try:
            output = await context.door.call(
                self.type.contract,
                self.type.input_of(self.key),
                principal=context.principal,
                idempotency_key=None,
                trace_id=context.trace_id,
            )
        except ProblemError as error:
            if error.problem.status == _NOT_FOUND:
                return None
            raise
        within = self.type.entity.within
        found = output if within is None else output.get(within)
        if found is None:
            return None
        if tuple(found[name] for name in self.type.fields) != self.key:
            raise self._another()
        return {**found, "__typename": self.type.name}

    def _another(self) -> ProblemError:
        detail = (
            f"{self.type.contract.ref} answered another {self.type.name} than was asked for, so it "
            "is withheld. Tell those who own the contract."
        )
        return refuse("BAD_GATEWAY", detail)


def reference_to(named: Named, entities: Entities) -> Reference | None:
    """What an id names; None for a type that there is not here, or a key that is none of it."""
    entity = entities.get(named.type)
    if entity is None or len(named.key) != len(entity.fields):
        return None
    try:
        key = entity.key_of(dict(zip(entity.fields, named.key, strict=True)))
    except KeyError:
        return None
    return Reference(entity, key) if key == named.key else None


async def load_all(
    wanted: Iterable[Reference | Exception | None], context: CallContext
) -> list[object]:
    """What is wanted, in its order, with an error in the place of what cannot be had.

    graphql-core tells an error that stands in a list as one of that item.
    """

    async def one(item: Reference | Exception | None) -> object:
        if not isinstance(item, Reference):
            return item
        try:
            return await item.load(context)
        except Exception as error:  # told in its place, whatever it is
            return error

    return await asyncio.gather(*map(one, wanted))
