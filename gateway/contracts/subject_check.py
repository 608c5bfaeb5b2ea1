"""Checking the subject of a contract: the path of the name of the person whose data its PII is."""

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings
from gateway.contracts.paths import Fields, Types, value_type, walked_type
from gateway.model.contract import ObjectType, OperationContract

_NAMES = frozenset({"ID", "String", "NonEmptyString", "EmailAddress", "PhoneNumber", "Int"})
"""Scalars that can name a person."""


def check_subject(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note a subject that names nobody, or that cannot tell apart whose data a value is."""
    subject = contract.policy.subject
    _check_consent(draft, contract, findings)
    if subject is None:
        return
    at = draft.node.place("policy", "subject")
    sides = [contract.input, contract.output]
    found = [walked_type(fields, contract.types, subject) for fields in sides]
    types = [one for one in found if one is not None]
    if not types:
        message = f"there is no {subject!r} in input or output; write a dotted path that exists"
        findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
    elif any(one.items is not None or one.name not in _NAMES for one in types):
        message = f"{subject!r} cannot name a person; name one field of {', '.join(sorted(_NAMES))}"
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
    for index, path in enumerate(contract.policy.pii):
        if any(_mixes(fields, contract.types, path, subject) for fields in sides):
            message = (
                f"{path!r} is sealed as one value, but holds several people's data (each with its "
                f"own {subject!r}); list the paths inside it instead"
            )
            findings.add(
                draft.node.place("policy", "pii", index), "CONTRACT_VALUE_INVALID", message
            )


def _mixes(fields: Fields, types: Types, path: str, subject: str) -> bool:
    """True if one value at ``path`` may hold the names of several people."""
    below = subject.removeprefix(f"{path}.")
    found = walked_type(fields, types, path)
    if below == subject or found is None:
        return False
    while found is not None:
        if found.items is not None:
            return True
        inner = types.get(found.name)
        if not isinstance(inner, ObjectType):
            return False
        head, _, below = below.partition(".")
        found = inner.fields.get(head) if head else None
    return False


def _check_consent(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note a consent that nobody could give: it is decided before the call, by its input alone."""
    subject, types = contract.policy.subject, contract.types
    if contract.policy.consent is None:
        return
    at = draft.node.place("policy", "consent")
    if subject is None:
        message = "consent needs 'subject': the path of the name of the person who gives it"
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
    elif value_type(contract.input, types, subject) is None:
        message = (
            f"consent is decided before the call, but there is no single {subject!r} in the input; "
            "let 'subject' name the person there"
        )
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
