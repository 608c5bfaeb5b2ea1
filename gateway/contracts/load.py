"""Loading contracts: every file read, checked by itself and against the others, then registered."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from gateway.contracts.build import (
    build_capability,
    build_event,
    build_operation,
    derived_capability,
)
from gateway.contracts.clashes import check_names
from gateway.contracts.drafts import Draft, read_draft
from gateway.contracts.entity_check import check_entities
from gateway.contracts.files import contract_files
from gateway.contracts.findings import Findings
from gateway.contracts.handler_check import check_handler
from gateway.contracts.links import Links
from gateway.contracts.operation_check import check_event, check_operation
from gateway.contracts.registry import Registry
from gateway.contracts.type_scope import SECTIONS, check_types, shared_types
from gateway.contracts.type_shapes import TypeBody
from gateway.model.contract import CapabilityContract, EventContract, OperationContract

_Built = TypeVar("_Built", OperationContract, EventContract, CapabilityContract)


def load_contracts(folders: Sequence[Path]) -> Registry:
    """The registry of every ``*.yaml`` under these folders.

    Folders and files whose name begins with ``_`` or ``.`` are left out; a file that is reached
    twice counts once. Issues name files relative to the folder given.

    Raises:
        ProblemError: CONTRACTS_INVALID with every issue of every file; an issue's path is
            ``file:line:column``.
    """
    findings = Findings()
    drafts = [
        draft
        for path, name in contract_files(folders, findings)
        if (draft := read_draft(path, name, findings)) is not None
    ]
    registry = Loading(drafts, findings).registry()
    findings.refuse_if_any()
    return registry


@dataclass(frozen=True, slots=True)
class _Linked(Generic[_Built]):
    """The contracts of one kind and the files that they come from, by reference."""

    contracts: dict[str, _Built]
    drafts: dict[str, Draft]

    def pairs(self) -> Iterator[tuple[Draft, _Built]]:
        """Each contract with its file."""
        return ((self.drafts[ref], contract) for ref, contract in self.contracts.items())

    @property
    def broken(self) -> set[str]:
        """References of contracts whose fields could not all be read."""
        sections = (*SECTIONS, "types")
        return {ref for ref, draft in self.drafts.items() if not draft.sound(*sections)}


class Loading:
    """One load: the drafts by kind, and the contracts that they become."""

    def __init__(self, drafts: list[Draft], findings: Findings) -> None:
        self._drafts = drafts
        self._findings = findings
        self._shared = shared_types(self._of("types"), findings)

    def registry(self) -> Registry:
        """The registry of whatever could be read; every issue is noted."""
        for draft in self._of("types"):
            self._scope(draft)
        operations = self._linked(self._of("command", "query"), build_operation)
        events = self._linked(self._of("event"), build_event)
        capabilities = self._linked(
            self._of("capability"), lambda draft, _: build_capability(draft)
        )
        offered = {**_derived(operations.contracts.values()), **capabilities.contracts}
        links = Links(
            operations=operations.contracts,
            events=events.contracts,
            capabilities=offered,
            broken=operations.broken | events.broken,
            findings=self._findings,
        )
        self._check(operations, events, links)
        for draft in capabilities.drafts.values():
            links.check_capability(draft)
        return Registry(
            operations.contracts.values(),
            events.contracts.values(),
            offered.values(),
            self._drafts,
        )

    def _check(
        self, operations: _Linked[OperationContract], events: _Linked[EventContract], links: Links
    ) -> None:
        for draft, contract in operations.pairs():
            check_operation(draft, contract, self._findings)
            check_handler(draft, contract, self._findings)
            links.check_operation(draft, contract)
        for draft, event in events.pairs():
            check_event(draft, event, self._findings)
        check_names(operations.contracts, events.pairs(), operations.drafts, self._findings)
        check_entities(operations.contracts, operations.drafts, self._findings)

    def _of(self, *kinds: str) -> list[Draft]:
        return [draft for draft in self._drafts if draft.kind in kinds]

    def _scope(self, draft: Draft) -> dict[str, TypeBody]:
        return check_types(draft, self._shared.get(draft.domain, {}), self._findings)

    def _linked(
        self, drafts: list[Draft], build: Callable[[Draft, dict[str, TypeBody]], _Built]
    ) -> _Linked[_Built]:
        linked: _Linked[_Built] = _Linked({}, {})
        for draft in drafts:
            scope = self._scope(draft)
            before = linked.drafts.get(draft.ref)
            if before is not None:
                at = before.node.place("key")
                message = f"{draft.ref} is already at {at}; keep one of them or raise a version"
                self._findings.add(draft.node.place("key"), "CONTRACT_DUPLICATE", message)
            elif draft.ref:
                linked.drafts[draft.ref] = draft
                linked.contracts[draft.ref] = build(draft, scope)
        return linked


def _derived(contracts: Iterable[OperationContract]) -> dict[str, CapabilityContract]:
    """A capability for each one that contracts name, for those that no file declares."""
    named: dict[str, list[OperationContract]] = {}
    for contract in contracts:
        if contract.capability:
            named.setdefault(contract.capability, []).append(contract)
    return {ref: derived_capability(ref, found) for ref, found in named.items()}
