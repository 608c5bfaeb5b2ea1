"""Bundles: contracts that come later than the files, linked against what is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.contracts.build import derived_capability, told_type
from gateway.contracts.clashes import check_names
from gateway.contracts.drafts import Draft, draft_of
from gateway.contracts.entity_check import check_entities
from gateway.contracts.findings import Findings
from gateway.contracts.load import Loading
from gateway.contracts.registry import Registry
from gateway.contracts.yaml_source import MAX_BYTES, parse_yaml
from gateway.model.contract import EventContract, OperationContract
from gateway.model.json import JsonObject
from gateway.model.problem import Issue


@dataclass(frozen=True, slots=True)
class Bundle:
    """Operations and events by reference, with the ``drafts`` of the files that hold them."""

    operations: Mapping[str, OperationContract]
    events: Mapping[str, EventContract]
    drafts: tuple[Draft, ...]

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each operation and event, by reference."""
        known: dict[str, OperationContract | EventContract] = {**self.events, **self.operations}
        return {ref: one.digest for ref, one in known.items()}


def contents_of(bundle: Bundle) -> dict[str, JsonObject]:
    """What the digest of each operation stands for, by digest (see ``build``)."""
    told = {}
    for draft in bundle.drafts:
        contract = bundle.operations.get(draft.ref)
        if contract is not None:
            types = {name: told_type(named) for name, named in contract.types.items()}
            told[contract.digest] = {"contract": draft.node.plain(), "types": types}
    return told


def read_drafts(files: Mapping[str, bytes], findings: Findings) -> list[Draft]:
    """The drafts of contract files by their name; what is wrong with one goes to ``findings``."""
    drafts = []
    for name, content in sorted(files.items()):
        if len(content) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES // 1024} KiB; split it"
            findings.add(f"{name}:1:1", "CONTRACT_UNREADABLE", message)
            continue
        node = parse_yaml(content, name, findings)
        draft = draft_of(node, name, findings) if node is not None else None
        if draft is not None:
            drafts.append(draft)
    return drafts


def link(drafts: list[Draft], base: Registry, findings: Findings) -> Bundle:
    """The contracts of ``drafts``, checked as if their files lay beside those of ``base``."""
    linked = Loading([*base.drafts, *drafts], findings).registry()
    refs = {draft.ref for draft in drafts}
    return Bundle(
        {
            ref: one
            for ref, one in linked.operations.items()
            if ref in refs and ref not in base.operations
        },
        {ref: one for ref, one in linked.events.items() if ref in refs and ref not in base.events},
        tuple(drafts),
    )


def name_clashes(base: Registry, bundles: Iterable[Bundle]) -> tuple[Issue, ...]:
    """Every GraphQL name that ``base`` and these bundles, side by side, would give two meanings,
    and every type that two of them load."""
    parts: list[Registry | Bundle] = [base, *bundles]
    drafts = {draft.ref: draft for part in parts for draft in part.drafts if draft.ref}
    operations = {ref: one for part in parts for ref, one in part.operations.items()}
    events = {ref: one for part in parts for ref, one in part.events.items()}
    findings = Findings()
    pairs = [(drafts[ref], event) for ref, event in events.items()]
    check_names(operations, pairs, drafts, findings)
    check_entities(operations, drafts, findings)
    return findings.issues


def joined(base: Registry, bundles: Iterable[Bundle]) -> Registry:
    """The registry of ``base`` and these bundles; a bundle's capabilities are derived."""
    bundles = list(bundles)
    operations = {ref: one for part in bundles for ref, one in part.operations.items()}
    events = {ref: one for part in bundles for ref, one in part.events.items()}
    named: dict[str, list[OperationContract]] = {}
    for contract in operations.values():
        if contract.capability and contract.capability not in base.capabilities:
            named.setdefault(contract.capability, []).append(contract)
    return Registry(
        [*operations.values(), *base.operations.values()],
        [*events.values(), *base.events.values()],
        [*base.capabilities.values(), *(derived_capability(*item) for item in named.items())],
        [*base.drafts, *(draft for part in bundles for draft in part.drafts)],
    )
