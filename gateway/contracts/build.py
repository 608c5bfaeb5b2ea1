"""Building the model's contracts from drafts. What could not be read gets its safest value."""

from typing import Any

from gateway.contracts.drafts import Draft
from gateway.contracts.paths import Fields, Types
from gateway.contracts.pii_inference import classes_of_paths
from gateway.contracts.type_scope import SECTIONS, Scope, reached
from gateway.model.contract import (
    AuthLevel,
    CapabilityContract,
    CapabilityKind,
    Compensation,
    ContractPolicy,
    Entity,
    ErrorSpec,
    EventContract,
    Handler,
    HttpHandler,
    Kind,
    Meta,
    NamedType,
    ObjectType,
    OperationContract,
    PythonHandler,
    RateKey,
    RateLimit,
    Risk,
    Stability,
)
from gateway.model.json import JsonValue, digest

DEFAULT_TIMEOUT = 10.0
"""Seconds that a handler may take where its contract does not say."""


def build_operation(draft: Draft, scope: Scope) -> OperationContract:
    """The operation contract of a draft that has a key and a version."""
    read = draft.read
    kind = Kind(draft.kind)
    sides = (read.get("input", {}), read.get("output", {}))
    types = reached([ref for side in sides for ref in side.values()], scope)
    errors = {code: _error(code, body) for code, body in read.get("errors", {}).items()}
    return OperationContract(
        meta=_meta(draft),
        kind=kind,
        input=sides[0],
        output=sides[1],
        policy=_policy(read.get("policy", {}), kind, [(side, types) for side in sides]),
        digest=_digest(draft, scope),
        types=types,
        errors=errors,
        capability=read.get("capability", ""),
        risk=Risk(read.get("risk", Risk.LOW)),
        emits=read.get("emits", ()),
        handler=_handler(read.get("handler"), errors),
        compensation=_compensation(read.get("compensation")),
        entity=_entity(read.get("entity")),
    )


def build_event(draft: Draft, scope: Scope) -> EventContract:
    """The event contract of a draft that has a key and a version."""
    payload, pii = draft.read.get("payload", {}), draft.read.get("pii", {})
    types = reached(payload.values(), scope)
    return EventContract(
        meta=_meta(draft),
        payload=payload,
        digest=_digest(draft, scope),
        types=types,
        pii=tuple(pii),
        pii_classes=classes_of_paths(pii, [(payload, types)]),
        not_pii=draft.read.get("notPii", {}),
    )


def build_capability(draft: Draft) -> CapabilityContract:
    """The capability contract of a draft that has a key and a version."""
    provides = draft.read.get("provides", {})
    return CapabilityContract(
        meta=_meta(draft),
        type=CapabilityKind(draft.read.get("type", CapabilityKind.INTEGRATION)),
        requires=draft.read.get("requires", ()),
        operations=provides.get("operations", ()),
        events=provides.get("events", ()),
    )


def derived_capability(ref: str, contracts: list[OperationContract]) -> CapabilityContract:
    """The capability that no file declares but these contracts name."""
    key, _, version = ref.partition("@")
    meta = Meta(
        key=key,
        version=version,
        title=key,
        description="Groups the operations that name it.",
        domain=contracts[0].meta.domain,
        owners=contracts[0].meta.owners,
    )
    return CapabilityContract(
        meta=meta, operations=tuple(sorted(contract.ref for contract in contracts)), derived=True
    )


def _meta(draft: Draft) -> Meta:
    read = draft.read
    key = read["key"]
    return Meta(
        key=key,
        version=read["version"],
        title=read.get("title", key),
        description=read.get("description", ""),
        domain=read.get("domain") or key.partition(".")[0],
        owners=read.get("owners", ()),
        tags=read.get("tags", ()),
        stability=Stability(read.get("stability", Stability.EXPERIMENTAL)),
        goal=read.get("goal", ""),
        context=read.get("context", ""),
        source=draft.source,
    )


def _policy(read: dict[str, Any], kind: Kind, sides: list[tuple[Fields, Types]]) -> ContractPolicy:
    rate, pii = read.get("rateLimit"), read.get("pii", {})
    limit = None
    if rate and "rpm" in rate and "key" in rate:
        limit = RateLimit(rate["rpm"], RateKey(rate["key"]))
    return ContractPolicy(
        auth=AuthLevel(read.get("auth", AuthLevel.ADMIN)),
        pii=tuple(pii),
        idempotent=kind is Kind.QUERY or read.get("idempotent", False),
        rate_limit=limit,
        escalate=read.get("escalate") is not None,
        subject=read.get("subject"),
        consent=read.get("consent"),
        pii_classes=classes_of_paths(pii, sides),
        not_pii=read.get("notPii", {}),
        cost=read.get("cost"),
    )


def _error(code: str, read: dict[str, Any]) -> ErrorSpec:
    return ErrorSpec(
        code=code,
        http=read.get("http", 500),
        description=read.get("description", ""),
        when=read.get("when", ""),
        retryable=read.get("retryable", False),
    )


def _handler(
    read: tuple[str, dict[str, Any]] | None, errors: dict[str, ErrorSpec]
) -> Handler | None:
    if read is None:
        return None
    name, body = read
    timeout, keyed = body.get("timeout", DEFAULT_TIMEOUT), body.get("idempotencyKey", False)
    if name == "python":
        return PythonHandler(body.get("target", ""), timeout, keyed)
    return HttpHandler(
        method=body.get("method", "POST"),
        url=body.get("url", ""),
        headers=body.get("headers", {}),
        timeout=timeout,
        idempotency_key=keyed,
        errors=body["errors"] if "errors" in body else _unique_statuses(errors),
    )


def _unique_statuses(errors: dict[str, ErrorSpec]) -> dict[int, str]:
    """The declared error of each status that only one of them has."""
    statuses = [error.http for error in errors.values()]
    return {error.http: code for code, error in errors.items() if statuses.count(error.http) == 1}


def _compensation(read: dict[str, Any] | None) -> Compensation | None:
    if read is None or "contract" not in read:
        return None
    return Compensation(read["contract"], read.get("input", {}))


def _entity(read: dict[str, Any] | None) -> Entity | None:
    if read is None or not read.get("key"):
        return None
    return Entity(read["key"], read.get("in"))


def _digest(draft: Draft, scope: Scope) -> str:
    """SHA-256 over the file's content and the types that it reaches.

    Shared types count as if they stood in the file: changing one changes every contract that
    uses it.
    """
    fields = [ref for section in SECTIONS for ref in draft.read.get(section, {}).values()]
    types = {name: told_type(named) for name, named in reached(fields, scope).items()}
    return digest({"contract": draft.node.plain(), "types": types})


def told_type(named: NamedType) -> JsonValue:
    """A named type as it enters digests."""
    if isinstance(named, ObjectType):
        return {name: str(ref) for name, ref in named.fields.items()}
    return list(named.values)
