"""Directives that carry the facts of a contract in the published schema.

They are declarations for readers and tools. Nothing is enforced by them: that is the pipeline.
"""

import strawberry
from strawberry.schema_directive import Location

from gateway.model.contract import OperationContract


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="contract",
    description="The operation contract behind a field.",
)
class ContractDirective:
    """``@contract``: which contract a root field is, and how settled and risky."""

    key: str
    version: str
    capability: str | None
    owners: list[str]
    stability: str
    risk: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="auth",
    description="The least level of authentication that the contract asks for.",
)
class AuthDirective:
    """``@auth``: anonymous, user or admin."""

    level: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="pii",
    description=(
        "Personal data. On a root field, paths names where it stands in the contract's input and "
        "output. On any other field, classes says what it tells of somebody. An output field so "
        "marked may be masked or left out for a caller, hence is nullable."
    ),
)
class PiiDirective:
    """``@pii``: personal data, on the field itself (classes) or with the contract's paths."""

    paths: list[str] | None = strawberry.UNSET
    classes: list[str] | None = strawberry.UNSET


def contract_directive(contract: OperationContract) -> ContractDirective:
    """``@contract`` for a root field that stands for ``contract``."""
    return ContractDirective(
        key=contract.key,
        version=contract.meta.version,
        capability=contract.capability or None,
        owners=list(contract.meta.owners),
        stability=contract.meta.stability.value,
        risk=contract.risk.value,
    )


def contract_directives(contract: OperationContract) -> list[object]:
    """The directives of a contract's root field."""
    found: list[object] = [
        contract_directive(contract),
        AuthDirective(level=contract.policy.auth.value),
    ]
    if contract.policy.pii:
        found.append(PiiDirective(paths=list(contract.policy.pii)))
    return found
