"""Contracts: what may be called, as typed data. They are loaded and checked in ``contracts``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.json import JsonObject
from gateway.model.pii import PiiClasses
from gateway.model.types import TypeRef


class Kind(StrEnum):
    """A command changes something (GraphQL mutation), a query only reads (GraphQL query)."""

    COMMAND = "command"
    QUERY = "query"


class AuthLevel(StrEnum):
    """The level a contract asks for: anonymous < user < admin."""

    ANONYMOUS = "anonymous"
    USER = "user"
    ADMIN = "admin"


class Risk(StrEnum):
    """How much harm a call can do; an input of the verdict."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position from low (0) to critical (3), for comparison."""
        return list(Risk).index(self)


class Stability(StrEnum):
    """How settled a contract is; the order is from least to most stable."""

    IDEA = "idea"
    IN_CREATION = "in_creation"
    EXPERIMENTAL = "experimental"
    BETA = "beta"
    STABLE = "stable"
    DEPRECATED = "deprecated"

    @property
    def rank(self) -> int:
        """Position by stability; a deprecated version is below all others."""
        return -1 if self is Stability.DEPRECATED else list(Stability).index(self)


@dataclass(frozen=True, slots=True)
class EnumType:
    """A closed set of values, named within its domain."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A nested model: fields by name."""

    name: str
    fields: Mapping[str, TypeRef]


NamedType = EnumType | ObjectType


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """An error that a contract declares; ``http`` is its status."""

    code: str
    http: int
    description: str
    when: str = ""
    retryable: bool = False


class RateKey(StrEnum):
    """Who shares a rate limit: the subject, the workspace, or everybody."""

    USER = "user"
    ORG = "org"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``rpm`` calls a minute for each key."""

    rpm: int
    key: RateKey


@dataclass(frozen=True, slots=True)
class ContractPolicy:
    """What a contract demands of its callers.

    ``pii`` are dotted paths into input or output (lists are walked through), ``pii_classes`` the
    classes of each (any, where it holds none); ``not_pii`` are paths that look like PII and are
    none, with the reason. ``subject`` is the path of the name of the person whose data they are,
    ``consent`` the purpose to which that person must have consented; ``escalate`` asks for a human
    at every call; ``idempotent`` says that repeating a call does no harm. ``cost`` is what a call
    weighs at doors that bound what one request asks for; None leaves that to the kind.
    """

    auth: AuthLevel
    pii: tuple[str, ...] = ()
    idempotent: bool = False
    rate_limit: RateLimit | None = None
    escalate: bool = False
    subject: str | None = None
    consent: str | None = None
    pii_classes: Mapping[str, PiiClasses] = field(default_factory=dict)
    not_pii: Mapping[str, str] = field(default_factory=dict)
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class HttpHandler:
    """A handler behind HTTP. ``timeout`` is in seconds; ``errors`` maps a status to an error code.

    Names in braces in ``url`` are filled from the input; ``${secret:NAME}`` in ``headers`` is
    resolved when the call is made and never recorded. ``idempotency_key`` says that the service
    honours the Idempotency-Key header.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 10.0
    idempotency_key: bool = False
    errors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PythonHandler:
    """A handler in this process: ``target`` is ``package.module:function``."""

    target: str
    timeout: float = 10.0
    idempotency_key: bool = False


Handler = HttpHandler | PythonHandler


@dataclass(frozen=True, slots=True)
class Compensation:
    """How a completed step is undone: a contract and its input, which may refer to the step's
    ``input`` and ``output`` with ``{$from: output.field}``."""

    contract: str
    input: JsonObject


@dataclass(frozen=True, slots=True)
class Entity:
    """What a query loads by its key, so that others may refer to it.

    ``key`` leads from each field that identifies the entity to the input field that takes it.
    ``within`` is the output field that holds the entity; None where it is the output itself.
    """

    key: Mapping[str, str]
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """What every contract file says of itself. ``source`` is the file it was read from."""

    key: str
    version: str
    title: str
    description: str
    domain: str
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    stability: Stability = Stability.EXPERIMENTAL
    goal: str = ""
    context: str = ""
    source: str = ""

    @property
    def ref(self) -> str:
        """``key@version``, the name under which everything refers to this contract."""
        return f"{self.key}@{self.version}"


@dataclass(frozen=True, slots=True)
class OperationContract:
    """A typed operation: who may call it with what, what it answers, and who performs it.

    ``types`` are the nested models and enums that input and output use, by their name in the
    file; ``digest`` is SHA-256 over the contract's content, so that a plan is bound to it;
    ``handler`` is None for built-in contracts, which are bound in ``operations``.
    """

    meta: Meta
    kind: Kind
    input: Mapping[str, TypeRef]
    output: Mapping[str, TypeRef]
    policy: ContractPolicy
    digest: str
    types: Mapping[str, NamedType] = field(default_factory=dict)
    errors: Mapping[str, ErrorSpec] = field(default_factory=dict)
    capability: str = ""
    risk: Risk = Risk.LOW
    emits: tuple[str, ...] = ()
    handler: Handler | None = None
    compensation: Compensation | None = None
    entity: Entity | None = None

    @property
    def key(self) -> str:
        """The contract's key."""
        return self.meta.key

    @property
    def ref(self) -> str:
        """``key@version``."""
        return self.meta.ref

    @property
    def is_command(self) -> bool:
        """True where a call may change something."""
        return self.kind is Kind.COMMAND

    @property
    def repeatable(self) -> bool:
        """True where an attempt of unknown outcome may be sent again with the same key."""
        keyed = self.handler is not None and self.handler.idempotency_key
        return not self.is_command or self.policy.idempotent or keyed


@dataclass(frozen=True, slots=True)
class EventContract:
    """A fact that operations may emit, with its payload.

    ``pii``, ``pii_classes`` and ``not_pii`` are those of ``ContractPolicy``, into the payload.
    """

    meta: Meta
    payload: Mapping[str, TypeRef]
    digest: str
    types: Mapping[str, NamedType] = field(default_factory=dict)
    pii: tuple[str, ...] = ()
    pii_classes: Mapping[str, PiiClasses] = field(default_factory=dict)
    not_pii: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """``key@version``."""
        return self.meta.ref


class CapabilityKind(StrEnum):
    """What a capability offers."""

    INTEGRATION = "integration"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class CapabilityContract:
    """A named group of operations and events that is granted as one.

    ``requires``, ``operations`` and ``events`` are references ``key@version``; ``derived`` is
    true for one that no file declares but contracts name.
    """

    meta: Meta
    type: CapabilityKind = CapabilityKind.INTEGRATION
    requires: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    derived: bool = False

    @property
    def ref(self) -> str:
        """``key@version``."""
        return self.meta.ref
