"""What a reference tells of a contract, as values that all of its readers share.

The contract that reads contracts, the command line, the static pages and the console show these
values and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from gateway.model.contract import AuthLevel, Kind, RateLimit, Risk, Stability
from gateway.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """A contract in a list. ``graphql_field`` is None for a version that an other one hides."""

    ref: str
    key: str
    version: str
    title: str
    description: str
    kind: Kind
    domain: str
    capability: str
    risk: Risk
    stability: Stability
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    graphql_field: str | None


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of an input, an output or a payload.

    ``path`` is dotted and walks through lists, ``type`` is in GraphQL's notation, ``pii`` are the
    classes of the personal data in it, ``not_pii`` says why what looks like some is none.
    """

    path: str
    type: str
    required: bool
    description: str
    pii: tuple[str, ...]
    not_pii: str | None


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The fields of one side, each with the fields inside it behind it.

    ``complete`` is false where there are more than are told; the types tell the rest.
    """

    rows: tuple[FieldRow, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class NamedTypeEntry:
    """A named type: the values of an enum, or the fields of a model with their types."""

    name: str
    values: tuple[str, ...]
    fields: tuple[FieldRow, ...]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error that a contract declares; ``http`` is its status."""

    code: str
    http: int
    description: str
    when: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Demands:
    """What a contract demands of its callers; ``pii`` are the paths of personal data."""

    auth: AuthLevel
    pii: tuple[str, ...]
    subject: str | None
    consent: str | None
    idempotent: bool
    escalate: bool
    rate_limit: RateLimit | None
    cost: int | None


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event that a contract may emit."""

    ref: str
    title: str
    description: str
    payload: FieldTable


@dataclass(frozen=True, slots=True)
class CompensationNote:
    """The contract that undoes a completed call, and what it is given."""

    contract: str
    input: JsonObject


@dataclass(frozen=True, slots=True)
class HandlerNote:
    """Who performs a contract: ``kind`` is ``built-in``, ``http`` or ``python``.

    ``target`` is where, without anything that opens it: None for readers who are not told.
    ``timeout`` is in seconds.
    """

    kind: str
    method: str | None = None
    target: str | None = None
    timeout: float | None = None
    idempotency_key: bool = False


@dataclass(frozen=True, slots=True)
class ExampleCall:
    """A GraphQL document with variables that the contract accepts."""

    document: str
    variables: JsonObject


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of the same key."""

    ref: str
    version: str
    stability: Stability
    graphql_field: str | None


@dataclass(frozen=True, slots=True)
class ContractDetail(ContractSummary):
    """Everything that a reference tells of a contract.

    ``source`` is its definition as YAML, ``digest`` SHA-256 over its content; ``connection`` is the
    GraphQL field that reads a list by cursors. Without a GraphQL field there is neither signature
    nor example. ``versions`` are those of the key, the newest first.
    """

    goal: str
    context: str
    input: FieldTable
    output: FieldTable
    types: tuple[NamedTypeEntry, ...]
    errors: tuple[ErrorRow, ...]
    policy: Demands
    emits: tuple[EventEntry, ...]
    compensation: CompensationNote | None
    handler: HandlerNote
    source: str
    digest: str
    connection: str | None
    signature: str | None
    example: ExampleCall | None
    versions: tuple[VersionRow, ...]


def as_json(value: Any) -> JsonValue:
    """These values as JSON: names in camel case, enums in capitals."""
    if is_dataclass(value):
        return {_camel(one.name): as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return str(value.value).upper()
    if isinstance(value, Mapping):
        return dict(value)
    return [as_json(one) for one in value] if isinstance(value, tuple) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
