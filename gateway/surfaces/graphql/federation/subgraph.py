"""The SDL of the gateway as a subgraph of Apollo Federation 2.9.

It is the schema as it is served, without Relay's ``Node`` and with the directives of federation
beside our own. They spare a router calls that would be refused and let it filter; nothing is
enforced by them.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from functools import partial

from strawberry import UNSET
from strawberry.federation.schema_directives import (
    Authenticated,
    ComposeDirective,
    FederationDirective,
    Inaccessible,
    Key,
    Link,
    Policy,
    RequiresScopes,
    Shareable,
    Tag,
)
from strawberry.federation.types import FieldSet, LinkImport

from gateway.model.contract import AuthLevel, OperationContract, Stability
from gateway.surfaces.graphql.schema.build import ContractSource, build_schema
from gateway.surfaces.graphql.schema.directives import applied, definition, used_in
from gateway.surfaces.graphql.schema.entities import entities_of
from gateway.surfaces.graphql.schema.sdl import print_sdl

FEDERATION = "https://specs.apollo.dev/federation/v2.9"

GOVERNANCE = "https://contract-gateway.example/governance/v1.0"
"""Names our own directives, as composition wants it of any that the supergraph is to keep. Nothing
is fetched from there: the name is reserved (RFC 2606) and has an owner nowhere."""

_NOT_IN_TAGS = re.compile(r"[^_0-9A-Za-z/-]", re.ASCII)


class Demand(StrEnum):
    """What a router is asked to demand of callers itself, beyond a token.

    ``scopes``: the scope of the contract's capability, as tokens that are limited to capabilities
    name it. ``policy``: that whoever decides for the router allows the contract by its reference.
    Neither is said unless asked for, since a router that is not prepared for it refuses everybody.
    """

    SCOPES = "scopes"
    POLICY = "policy"


_UNFINISHED = frozenset({Stability.IDEA, Stability.IN_CREATION})
_INTERNAL = "internal"
"""The tag of contracts that the supergraph does not show."""

_SHAREABLE = ("PageInfo",)
"""Types that any subgraph has: Relay fixes their meaning."""


def print_subgraph(registry: ContractSource, demands: Collection[Demand] = ()) -> str:
    """The SDL of the schema of ``registry.fields`` as a subgraph.

    Root fields that ask for a signed-in caller have ``@authenticated`` and what ``demands`` names,
    and ``@tag`` for each tag of their contract; those of unfinished contracts, and of contracts
    with the tag ``internal``, are ``@inaccessible``. Entities have ``@key``. Our own directives are
    composed, so that the supergraph has them too. There is no ``node``: it would stand for entities
    of other subgraphs, which we do not know.

    Raises:
        ValueError: as ``build_schema`` does.
    """
    schema = build_schema(registry, partial(_for_routers, demands=demands), has_nodes=False)
    for name, entity in entities_of(schema).items():
        key = Key(fields=FieldSet(" ".join(entity.fields)), resolvable=UNSET)
        schema.type_map[name].extensions |= applied([key])
    for name in _SHAREABLE:
        if name in schema.type_map:
            schema.type_map[name].extensions |= applied([Shareable()])
    used = used_in(schema.type_map.values())
    own = [_shown(kind) for kind in used if not issubclass(kind, FederationDirective)]
    theirs = [_shown(kind) for kind in used if issubclass(kind, FederationDirective)]
    links = [_link(FEDERATION, [*theirs, _shown(ComposeDirective)]), _link(GOVERNANCE, own)]
    return print_sdl(schema, [*links, *(ComposeDirective(name=name) for name in sorted(own))])


def _link(url: str, names: list[str]) -> Link:
    return Link(url=url, import_=[LinkImport(name) for name in sorted(names)])


def _shown(kind: type) -> str:
    return f"@{definition(kind).name}"


def _for_routers(contract: OperationContract, demands: Collection[Demand]) -> list[object]:
    """What federation's directives tell of a contract's root field."""
    told: list[object] = []
    if contract.policy.auth is not AuthLevel.ANONYMOUS:
        told.append(Authenticated())
        if Demand.SCOPES in demands and contract.capability:
            scope = contract.capability.partition("@")[0]
            told.append(RequiresScopes(scopes=[[scope], [contract.capability]]))
        if Demand.POLICY in demands:
            told.append(Policy(policies=[[contract.ref]]))
    tags = dict.fromkeys(map(tag_name, contract.meta.tags))
    told += [Tag(name=name) for name in tags]
    if contract.meta.stability in _UNFINISHED or _INTERNAL in contract.meta.tags:
        told.append(Inaccessible())
    return told


def tag_name(tag: str) -> str:
    """A contract's tag by the grammar of ``@tag``: letters, digits, ``_``, ``-`` and ``/``, with no
    digit in front (Apollo's tag specification, v0.3). What does not fit becomes ``-`` or gets ``_``
    in front."""
    name = _NOT_IN_TAGS.sub("-", tag)
    return f"_{name}" if name[0].isdigit() else name
