"""What a router asks of a running subgraph: its SDL, and entities by their keys.

As Apollo Federation's subgraph specification has it. A representation names an entity and is
nothing more: its key is loaded by the contract that declares the entity, for the caller whose token
the router passes on, and nothing else of what it says is looked at. Our subgraph declares no
``@requires``, so a router has nothing else to say.
"""

import asyncio
from functools import cache
from threading import Lock
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
)

from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.problem import Issue, ProblemError, invalid, refuse
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.federation.subgraph import print_subgraph
from gateway.surfaces.graphql.limiting.weights import EACH, WEIGHT
from gateway.surfaces.graphql.schema.build import ContractSource, build_schema, valid_schema
from gateway.surfaces.graphql.schema.entities import (
    LOADS,
    Entities,
    EntityType,
    Reference,
    entities_of,
    load_all,
)
from gateway.surfaces.graphql.schema.nodes import heaviest
from gateway.surfaces.graphql.schema.resolvers import FieldReader
from gateway.surfaces.graphql.schema.scalars import as_it_is, json_input, json_literal

_SERVICE_WEIGHT = 100
"""The text is as long as a hundred answers."""


def build_subgraph(registry: ContractSource) -> GraphQLSchema:
    """The schema of ``registry.fields`` with what a router asks for: ``_service``, and
    ``_entities`` where there are any.

    Raises:
        ValueError: as ``build_schema`` does.
    """
    schema = build_schema(registry)
    query = schema.query_type
    fields = query.fields if query is not None else {}
    more = {"_service": _service(registry), **_entities(schema)}
    served = GraphQLSchema(
        GraphQLObjectType("Query", {**fields, **more}),
        schema.mutation_type,
        schema.subscription_type,
        directives=schema.directives,
        extensions=schema.extensions,
    )
    return valid_schema(served)


def _service(registry: ContractSource) -> GraphQLField:
    """The field that tells the SDL, to those who may ask for the whole schema."""
    kept, one_at_a_time = cache(lambda: print_subgraph(registry)), Lock()

    def sdl() -> str:
        with one_at_a_time:  # the cache alone would have it printed for all who ask meanwhile
            return kept()

    async def tell(_source: None, info: GraphQLResolveInfo[Any]) -> JsonObject:
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        if not context.sees_all():
            raise _closed(context)
        return {"sdl": await asyncio.to_thread(sdl)}

    text = GraphQLField(GraphQLNonNull(GraphQLString), resolve=FieldReader("sdl"))
    kind = GraphQLObjectType("_Service", {"sdl": text}, description="This subgraph.")
    return GraphQLField(
        GraphQLNonNull(kind),
        resolve=tell,
        description="This subgraph's SDL, for those who may ask for the whole schema.",
        extensions={WEIGHT: _SERVICE_WEIGHT, LOADS: {}},
    )


def _closed(context: CallContext) -> ProblemError:
    code = "UNAUTHENTICATED" if context.principal.is_anonymous else "FORBIDDEN"
    detail = (
        "The SDL of the subgraph is told to those who may ask for the whole schema. Send the token "
        "of an administrator, or give the router what `gateway schema print --subgraph` prints."
    )
    return refuse(code, detail)


def _entities(schema: GraphQLSchema) -> dict[str, GraphQLField]:
    """The field that loads entities by representations; none where there are no entities."""
    entities = entities_of(schema)
    if not entities:
        return {}

    async def load(_source: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> object:
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        given = enumerate(arguments["representations"])
        wanted = [_referred(one, f"/representations/{at}", entities, context) for at, one in given]
        return await load_all(wanted, context)

    told = "The name of an entity's type and the fields of its key; what else it has is not read."
    representation = GraphQLScalarType("_Any", as_it_is, json_input, json_literal, description=told)
    given = GraphQLNonNull(GraphQLList(GraphQLNonNull(representation)))
    union = GraphQLUnionType("_Entity", [_object(schema, name) for name in entities])
    field = GraphQLField(
        GraphQLNonNull(GraphQLList(union)),
        {"representations": GraphQLArgument(given)},
        load,
        description="Entities by their keys, each loaded by a call like any other.",
        extensions={WEIGHT: heaviest(entities), EACH: True, LOADS: entities},
    )
    return {"_entities": field}


def _object(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise TypeError(f"the entity {name} is no object type")
    return found


def _referred(
    given: JsonValue, path: str, entities: Entities, context: CallContext
) -> Reference | Exception:
    """What a representation refers to; an error where it is none of an entity. Of the key of an
    entity out of the caller's sight nothing is told."""
    kind = given.get("__typename") if isinstance(given, dict) else None
    entity = entities.get(kind) if isinstance(kind, str) else None
    if entity is None or not isinstance(given, dict):
        return _no_entity(path)
    try:
        return Reference(entity, entity.key_of(given))
    except KeyError as error:
        if not context.sees(entity.root_field):
            return _no_entity(path)
        return invalid([_unfit(entity, str(error.args[0]), path)])


def _no_entity(path: str) -> ProblemError:
    message = "must be an object with the name of an entity of this subgraph in __typename"
    return invalid([Issue(path, "WRONG_TYPE", message)])


def _unfit(entity: EntityType, name: str, path: str) -> Issue:
    message = f"the key of {entity.name} needs {name}: {entity.scalar_of(name)}!; send a value"
    return Issue(path + pointer(name), "REQUIRED", message)
