"""What pages say of a contract that they only mention: its title, its goal, its personal data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model.json import JsonObject
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.visits import Visit


@dataclass(frozen=True, slots=True)
class ContractInBrief:
    """A contract by ``key@version``. Whoever may not read it is shown the key, without a goal."""

    ref: str
    title: str
    goal: str = ""
    pii_in: frozenset[str] = field(default_factory=frozenset)
    pii_out: frozenset[str] = field(default_factory=frozenset)


async def contracts_in_brief(visit: Visit, refs: Iterable[str]) -> Mapping[str, ContractInBrief]:
    """Contracts by ``key@version``, each asked for once."""
    return {ref: await _contract(visit, ref) for ref in dict.fromkeys(refs)}


async def _contract(visit: Visit, ref: str) -> ContractInBrief:
    unknown = ContractInBrief(ref, ref.partition("@")[0])
    if not visit.may("controlPlaneContractGet"):
        return unknown
    try:
        data = await visit.api.ask("ContractInBrief", contract=ref)
    except AskedError:
        return unknown
    told = data["controlPlaneContractGet"]["contract"]
    pii_in, pii_out = _pii_of(told["input"]), _pii_of(told["output"])
    return ContractInBrief(ref, told["title"], told["goal"], pii_in, pii_out)


def _pii_of(table: JsonObject) -> frozenset[str]:
    return frozenset(row["path"] for row in table["rows"] if row["pii"])
