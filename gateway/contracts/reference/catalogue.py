"""Finding contracts: those that a reader looks for, in one order."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.contracts.names import version_order
from gateway.contracts.registry import Registry
from gateway.model.contract import Kind, OperationContract, Risk


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader looks for; None is anything.

    ``capability`` is a key with or without version, ``text`` a part of the key, the title, the
    description, a tag or an owner, in any case.
    """

    domain: str | None = None
    capability: str | None = None
    kind: Kind | None = None
    risk: Risk | None = None
    tag: str | None = None
    text: str | None = None

    def matches(self, contract: OperationContract) -> bool:
        """True if the contract is what the reader looks for."""
        meta = contract.meta
        return (
            self.domain in (None, meta.domain)
            and self.capability in (None, contract.capability, _key(contract.capability))
            and self.kind in (None, contract.kind)
            and self.risk in (None, contract.risk)
            and (self.tag is None or self.tag in meta.tags)
            and (self.text is None or _holds(contract, self.text.strip().casefold()))
        )


def found_contracts(
    registry: Registry, wanted: Wanted, sees: Callable[[OperationContract], bool]
) -> list[OperationContract]:
    """The contracts that are wanted and that the reader sees, by key, the newest version first."""
    found = [one for one in registry.operations.values() if wanted.matches(one) and sees(one)]
    found.sort(key=lambda one: version_order(one.meta.version), reverse=True)
    return sorted(found, key=lambda one: one.key)


def _key(ref: str) -> str:
    return ref.partition("@")[0]


def _holds(contract: OperationContract, text: str) -> bool:
    meta = contract.meta
    told = (contract.key, meta.title, meta.description, *meta.tags, *meta.owners)
    return any(text in one.casefold() for one in told)
