"""Checking what one operation says of itself: idempotency, errors, PII and entity."""

from gateway.contracts.drafts import Draft
from gateway.contracts.entity_check import check_entity
from gateway.contracts.findings import Findings
from gateway.contracts.pii_check import check_event_pii, check_operation_pii
from gateway.contracts.subject_check import check_subject
from gateway.model.contract import EventContract, Kind, OperationContract
from gateway.model.problem import STANDARD


def check_operation(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note every issue that shows within the contract alone."""
    if contract.kind is Kind.QUERY and draft.read.get("policy", {}).get("idempotent") is False:
        message = "a query only reads, so it is always idempotent; remove the line"
        at = draft.node.place("policy", "idempotent")
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
    _check_errors(draft, contract, findings)
    if draft.sound("input", "output", "types", "policy"):
        check_operation_pii(draft, contract, findings)
        check_subject(draft, contract, findings)
        if draft.sound("entity"):
            check_entity(draft, contract, findings)


def check_event(draft: Draft, event: EventContract, findings: Findings) -> None:
    """Note every issue that shows within the event alone."""
    if draft.sound("payload", "types", "pii", "notPii"):
        check_event_pii(draft, event, findings)


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
