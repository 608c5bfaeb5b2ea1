"""The registry: every contract that is loaded, found by reference, key or GraphQL field."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from gateway.contracts.drafts import Draft
from gateway.contracts.io import Io, input_io, output_io, payload_io
from gateway.contracts.names import (
    graphql_field_name,
    major_of,
    operation_type_prefix,
    version_order,
)
from gateway.model.contract import (
    CapabilityContract,
    EventContract,
    NamedType,
    OperationContract,
)

_Contract = TypeVar("_Contract", OperationContract, EventContract, CapabilityContract)


class Registry:
    """The loaded contracts; it never changes once built.

    ``operations``, ``events`` and ``capabilities`` are by ``key@version``; ``fields`` are the
    operations by GraphQL field. ``drafts`` are the files that all of it was read from.
    """

    def __init__(
        self,
        operations: Iterable[OperationContract] = (),
        events: Iterable[EventContract] = (),
        capabilities: Iterable[CapabilityContract] = (),
        drafts: Iterable[Draft] = (),
    ) -> None:
        self.drafts = tuple(drafts)
        self.operations: Mapping[str, OperationContract] = _by_ref(operations)
        self.events: Mapping[str, EventContract] = _by_ref(events)
        self.capabilities: Mapping[str, CapabilityContract] = _by_ref(capabilities)
        versions = _versions(self.operations.values())
        self._owners = {key: owner_of(found) for key, found in versions.items()}
        self.fields: Mapping[str, OperationContract] = MappingProxyType(
            {name: contract for found in versions.values() for name, contract in fields_of(found)}
        )
        self._inputs: dict[str, Io] = {}
        self._outputs: dict[str, Io] = {}
        self._payloads: dict[str, Io] = {}

    @property
    def base(self) -> "Registry":
        """The contracts of the files, without those that skills bring."""
        return self

    def of(self, workspace: str) -> "Registry":
        """What a workspace may use: here, and without skills, everything."""
        return self

    def has_taken_up(self, installation: str) -> bool:
        """True if what the skill with this installation brings is known here, or never will be."""
        return True

    def resolve(self, name: str) -> OperationContract | None:
        """The operation ``key@version``, or of ``key`` the version that owns the plain field."""
        return self.operations.get(name) if "@" in name else self._owners.get(name)

    def domain_types(self, domain: str) -> Mapping[str, NamedType]:
        """Every named type that the domain's contracts reach, by its name in the file."""
        found: dict[str, NamedType] = {}
        for loaded in (self.operations, self.events):
            for contract in loaded.values():
                if contract.meta.domain == domain:
                    found.update(contract.types)
        return dict(sorted(found.items()))

    def input_of(self, contract: OperationContract) -> Io:
        """The validator of an operation's input, built once."""
        io = self._inputs.get(contract.ref)
        if io is None:
            io = self._inputs[contract.ref] = input_io(contract)
        return io

    def output_of(self, contract: OperationContract) -> Io:
        """The validator of an operation's output, built once."""
        io = self._outputs.get(contract.ref)
        if io is None:
            io = self._outputs[contract.ref] = output_io(contract)
        return io

    def payload_of(self, event: EventContract) -> Io:
        """The validator of an event's payload, built once."""
        io = self._payloads.get(event.ref)
        if io is None:
            io = self._payloads[event.ref] = payload_io(event)
        return io


def _by_ref(contracts: Iterable[_Contract]) -> Mapping[str, _Contract]:
    by_ref = {contract.ref: contract for contract in contracts}
    return MappingProxyType(dict(sorted(by_ref.items())))


def _versions(contracts: Iterable[OperationContract]) -> dict[str, list[OperationContract]]:
    """The versions of each key, oldest first."""
    versions: dict[str, list[OperationContract]] = {}
    for contract in contracts:
        versions.setdefault(contract.key, []).append(contract)
    for found in versions.values():
        found.sort(key=lambda contract: version_order(contract.meta.version))
    return versions


def owner_of(versions: Iterable[OperationContract]) -> OperationContract:
    """Of several versions of a key, the one that owns the plain field.

    Any that is not deprecated goes before a deprecated one, the more stable before the less
    stable, then the newer before the older.
    """
    return max(
        versions,
        key=lambda one: (one.meta.stability.rank, version_order(one.meta.version)),
    )


def fields_of(versions: list[OperationContract]) -> list[tuple[str, OperationContract]]:
    """The GraphQL fields of a key with these versions (oldest first).

    Where several versions live side by side, the newest of each major has a field of its own,
    such as ``supportRefundIssueV1``.
    """
    name = graphql_field_name(versions[0].key)
    fields = {name: owner_of(versions)}
    if len(versions) > 1:
        for contract in versions:
            fields[f"{name}V{major_of(contract.meta.version)}"] = contract
    return list(fields.items())


def type_prefix(fields: Mapping[str, OperationContract], contract: OperationContract) -> str:
    """What the names of a contract's GraphQL types begin with, where these are the root fields.

    The plain name is that of the version that owns the plain field.
    """
    prefix = operation_type_prefix(contract.key)
    owner = fields.get(graphql_field_name(contract.key))
    if owner is not None and owner.ref == contract.ref:
        return prefix
    return f"{prefix}V{major_of(contract.meta.version)}"
