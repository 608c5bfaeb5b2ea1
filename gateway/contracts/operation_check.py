"""Checking what one operation says of itself: idempotency, errors and PII paths."""

from collections.abc import Mapping

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings
from gateway.contracts.paths import walked_type
from gateway.contracts.subject_check import check_subject
from gateway.model.contract import (
    EventContract,
    Kind,
    NamedType,
    OperationContract,
)
from gateway.model.problem import STANDARD
from gateway.model.types import TypeRef

_NO_MASK = frozenset(
    {"Int", "Float", "Boolean", "Latitude", "Longitude", "Date", "DateTime", "Time", "JSONObject"}
)
"""Scalars that no mask (a text) fits into."""


def check_operation(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note every issue that shows within the contract alone."""
    if contract.kind is Kind.QUERY and draft.read.get("policy", {}).get("idempotent") is False:
        message = "a query only reads, so it is always idempotent; remove the line"
        at = draft.node.place("policy", "idempotent")
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
    _check_errors(draft, contract, findings)
    if draft.sound("input", "output", "types", "policy"):
        _check_pii(draft, contract, findings)
        check_subject(draft, contract, findings)


def check_event(draft: Draft, event: EventContract, findings: Findings) -> None:
    """Note PII paths that lead nowhere."""
    if not draft.sound("payload", "types", "pii"):
        return
    for index, path in enumerate(event.pii):
        if walked_type(event.payload, event.types, path) is None:
            message = f"there is no {path!r} in the payload; write a dotted path that exists"
            at = draft.node.place("pii", index)
            findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)


def _check_errors(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    for code, said in draft.read.get("errors", {}).items():
        if said.get("gqlCode", code) != code:
            message = f"here the GraphQL code is always the error's own; write {code} or remove it"
            at = draft.node.place("errors", code, "gqlCode")
            findings.add(at, "CONTRACT_FIELD_UNSUPPORTED", message)
        standard = STANDARD.get(code)
        if standard and standard.status != contract.errors[code].http:
            message = f"{code} is a standard code with status {standard.status}; use another code"
            at = draft.node.place("errors", code, "http")
            findings.add(at, "CONTRACT_VALUE_INVALID", message)


def _check_pii(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    for index, path in enumerate(contract.policy.pii):
        at = draft.node.place("policy", "pii", index)
        given = walked_type(contract.input, contract.types, path)
        answered = walked_type(contract.output, contract.types, path)
        if given is None and answered is None:
            message = f"there is no {path!r} in input or output; write a dotted path that exists"
            findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
        elif answered is not None and not _holds_mask(answered, contract.types):
            message = (
                f"{path!r} is {answered} in the output, which cannot hold a mask; make it nullable"
            )
            findings.add(at, "CONTRACT_PII_UNMASKABLE", message)


def _holds_mask(ref: TypeRef, types: Mapping[str, NamedType]) -> bool:
    if not ref.required:
        return True
    if ref.items is not None:
        return _holds_mask(ref.items, types)
    return ref.name not in _NO_MASK and ref.name not in types
