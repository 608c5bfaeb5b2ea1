"""Making the file of a new contract from what its author says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.contracts.bundle import Bundle, link, read_drafts
from gateway.contracts.findings import Findings
from gateway.contracts.pii_check import undeclared_pii
from gateway.contracts.registry import Registry
from gateway.contracts.yaml_text import yaml_text
from gateway.model.contract import AuthLevel, Kind, Risk
from gateway.model.json import JsonObject

FIRST_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class NewContract:
    """What an author says of a contract that a service or a function performs.

    ``input`` and ``output`` are types in GraphQL's notation by field; ``pii`` are the paths of
    personal data. ``url`` is a service's (placeholders are filled from the input), ``target`` is
    ``package.module:function``: one of the two is given.
    """

    key: str
    kind: Kind
    title: str
    description: str
    domain: str
    owners: tuple[str, ...]
    capability: str
    auth: AuthLevel
    risk: Risk
    input: Mapping[str, str]
    output: Mapping[str, str]
    pii: tuple[str, ...] = ()
    url: str = ""
    target: str = ""

    @property
    def file_name(self) -> str:
        """Where its file belongs below a folder of contracts: ``support/refund.issue.yaml``."""
        return f"{self.domain}/{self.key.partition('.')[2]}.yaml"

    def definition(self) -> JsonObject:
        """What its file says, in the order of the format."""
        said: JsonObject = {
            "key": self.key,
            "version": FIRST_VERSION,
            "kind": self.kind.value,
            "title": self.title,
            "description": self.description,
            "domain": self.domain,
            "owners": list(self.owners),
            "stability": "experimental",
            "capability": self.capability,
            "risk": self.risk.value,
        }
        if self.input:
            said["input"] = dict(self.input)
        said["output"] = dict(self.output)
        said["policy"] = {"auth": self.auth.value, "pii": list(self.pii)}
        said["handler"] = self._handler()
        return said

    def _handler(self) -> JsonObject:
        if self.target:
            return {"python": {"target": self.target}}
        method = "POST" if self.kind is Kind.COMMAND else "GET"
        return {"http": {"method": method, "url": self.url, "timeout": "5s"}}


def contract_text(new: NewContract, base: Registry) -> str:
    """The text of its file, as it loads beside the contracts of ``base``.

    Raises:
        ProblemError: CONTRACTS_INVALID with every issue.
    """
    text, findings = yaml_text(new.definition()), Findings()
    _linked(new, text, base, findings)
    findings.refuse_if_any()
    return text


def suspected_pii(new: NewContract, base: Registry) -> tuple[str, ...]:
    """The paths into its input and output that look like personal data."""
    bare = replace(new, pii=())
    bundle = _linked(bare, yaml_text(bare.definition()), base, Findings())
    return tuple(
        path
        for draft in bundle.drafts
        if (contract := bundle.operations.get(draft.ref)) is not None
        for path in undeclared_pii(draft, contract)
    )


def _linked(new: NewContract, text: str, base: Registry, findings: Findings) -> Bundle:
    drafts = read_drafts({new.file_name: text.encode()}, findings)
    return link(drafts, base, findings)
