"""Checking the PII that a contract declares, and what looks like PII and is not declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings
from gateway.contracts.paths import Fields, Types, coverings, walked_type
from gateway.contracts.pii_names import CODES, DATES, NUMBERS, strong_phrases, words_of
from gateway.model.contract import (
    EnumType,
    EventContract,
    NamedType,
    ObjectType,
    OperationContract,
)
from gateway.model.pii import PiiClass
from gateway.model.types import TypeRef

MAX_FIELDS = 20_000
"""The most fields of one contract that are looked at, those of nested models at each place."""

_NO_MASK = frozenset(
    {"Int", "Float", "Boolean", "Latitude", "Longitude", "Date", "DateTime", "Time", "JSONObject"}
)
"""Scalars that no mask (a text) fits into."""

_PERSONAL = {"EmailAddress": PiiClass.CONTACT, "PhoneNumber": PiiClass.CONTACT}
_OPEN = frozenset({"String", "NonEmptyString", "JSON", "JSONObject"})
_SAYS: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys((*_OPEN, "ID")),
    **dict.fromkeys(("Int", "Float"), NUMBERS),
    **dict.fromkeys(("Date", "DateTime"), DATES),
}
"""The strong phrases that are believed of a field of this scalar, None for all of them."""


def check_operation_pii(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note PII paths that lead nowhere or where no mask fits, and PII that is not declared."""
    sides = {"input": contract.input, "output": contract.output}
    check = _Check(draft, ("policy",), sides, contract.types, findings)
    for path, at in check.places("pii", contract.policy.pii):
        answered = walked_type(contract.output, contract.types, path)
        if check.exists(path, at) and answered and not _holds_mask(answered, contract.types):
            message = (
                f"{path!r} is {answered} in the output, which cannot hold a mask; make it nullable"
            )
            findings.add(at, "CONTRACT_PII_UNMASKABLE", message)
    check.exceptions(contract.policy.pii, contract.policy.not_pii)
    check.undeclared((*contract.policy.pii, *contract.policy.not_pii))


def undeclared_pii(draft: Draft, contract: OperationContract) -> tuple[str, ...]:
    """The paths of a contract that look like PII and are not declared, in order."""
    sides = {"input": contract.input, "output": contract.output}
    check = _Check(draft, ("policy",), sides, contract.types, Findings())
    known = (*contract.policy.pii, *contract.policy.not_pii)
    found = (check.suspects(fields, _Around(side), known) for side, fields in sides.items())
    return tuple(dict.fromkeys(one.path for suspects in found for one in suspects))


def check_event_pii(draft: Draft, event: EventContract, findings: Findings) -> None:
    """Note PII paths that lead nowhere, and PII that is not declared."""
    check = _Check(draft, (), {"payload": event.payload}, event.types, findings)
    for path, at in check.places("pii", event.pii):
        check.exists(path, at)
    check.exceptions(event.pii, event.not_pii)
    check.undeclared((*event.pii, *event.not_pii))


@dataclass(slots=True)
class _Check:
    """The check of one contract, which says ``pii`` and ``notPii`` under ``under``."""

    draft: Draft
    under: tuple[str, ...]
    sides: Mapping[str, Fields]
    types: Types
    findings: Findings
    looked_at: int = field(default=0, init=False)

    def places(self, name: str, paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Each path and where it stands in the file, in a list or as a key."""
        here, node = (*self.under, name), self.draft.node
        for index, path in enumerate(paths):
            in_list = node.place(*here, index)
            as_key = node.key_place(*here, path)
            yield path, in_list if in_list != node.place(*here) else as_key

    def exists(self, path: str, at: str) -> bool:
        """Whether a path leads somewhere; noted where it does not."""
        if any(walked_type(fields, self.types, path) for fields in self.sides.values()):
            return True
        where = " or ".join("the payload" if side == "payload" else side for side in self.sides)
        message = f"there is no {path!r} in {where}; write a dotted path that exists"
        self.findings.add(at, "CONTRACT_REFERENCE_UNKNOWN", message)
        return False

    def exceptions(self, declared: tuple[str, ...], not_pii: Mapping[str, str]) -> None:
        """Note exceptions that lead nowhere or speak of what is declared as PII."""
        for path, at in self.places("notPii", tuple(not_pii)):
            if self.exists(path, at) and any(coverings(path, declared)):
                message = f"{path!r} is declared as PII as well; keep one of the two"
                self.findings.add(at, "CONTRACT_VALUE_INVALID", message)

    def undeclared(self, known: tuple[str, ...]) -> None:
        """Note every field that looks like PII and that no path of ``known`` covers."""
        for side, fields in self.sides.items():
            for found in self.suspects(fields, _Around(side), known):
                self.findings.add(*self._finding(found))
        if self.looked_at > MAX_FIELDS:
            message = f"nested models repeat to more than {MAX_FIELDS} fields; flatten them"
            self.findings.add(self.draft.node.at, "CONTRACT_VALUE_INVALID", message)

    def suspects(
        self, fields: Fields, around: "_Around", known: tuple[str, ...]
    ) -> Iterator["_Suspect"]:
        """The fields that look like PII and that no path of ``known`` covers."""
        for name, ref in fields.items():
            path = (*around.path, name)
            self.looked_at += 1
            if self.looked_at > MAX_FIELDS:
                return
            if any(coverings(".".join(path), known)):
                continue
            phrases = strong_phrases(name, around.words)
            cls = self._looks_like(ref, phrases)
            if cls is not None:
                yield _Suspect(self._place(around, name), ".".join(path), ref, cls)
                continue
            inner = self.types.get(ref.named)
            if isinstance(inner, ObjectType) and inner.name not in around.models:
                yield from self.suspects(inner.fields, around.inside(name, inner.name), known)

    def _looks_like(self, ref: TypeRef, phrases: Mapping[str, PiiClass]) -> PiiClass | None:
        """The class that a field seems to be of, None where it does not look like PII."""
        if ref.named in _PERSONAL:
            return _PERSONAL[ref.named]
        inner = self.types.get(ref.named)
        if isinstance(inner, ObjectType):
            holds_text = any(field.named in _OPEN for field in inner.fields.values())
            return next(iter(phrases.values()), None) if holds_text else None
        believed = CODES if isinstance(inner, EnumType) else _SAYS.get(ref.named, frozenset())
        said = (cls for phrase, cls in phrases.items() if believed is None or phrase in believed)
        return next(said, None)

    def _place(self, around: "_Around", name: str) -> str:
        """Where the field stands: in its model, or, where that is shared by the domain, the field
        of this file that leads there."""
        if not around.path:
            return self.draft.node.place(around.side, name)
        model = around.models[-1]
        if model in self.draft.read.get("types", {}):
            return self.draft.node.place("types", model, name)
        return self.draft.node.place(around.side, around.path[0])

    def _finding(self, found: "_Suspect") -> tuple[str, str, str]:
        pii, not_pii = (".".join((*self.under, word)) for word in ("pii", "notPii"))
        message = (
            f"{found.path!r} ({found.ref}) looks like personal data ({found.cls}) and is not "
            f"declared; add it to {pii}, or to {not_pii} with the reason why it is none"
        )
        return found.at, "CONTRACT_PII_UNDECLARED", message


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A field that looks like PII of a class: where it stands, its path and its type."""

    at: str
    path: str
    ref: TypeRef
    cls: PiiClass


@dataclass(frozen=True, slots=True)
class _Around:
    """What encloses a field of a side: the path to it, the words of the names and models on the
    way, and these models."""

    side: str
    path: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def inside(self, name: str, model: str) -> "_Around":
        """What encloses the fields of the model that the field ``name`` holds."""
        words = (*self.words, *words_of(name), *words_of(model))
        return _Around(self.side, (*self.path, name), words, (*self.models, model))


def _holds_mask(ref: TypeRef, types: Mapping[str, NamedType]) -> bool:
    """True if a mask fits; of a list each item is masked, even where the list may be null."""
    if ref.items is not None:
        return _holds_mask(ref.items, types)
    if not ref.required:
        return True
    return ref.name not in _NO_MASK and ref.name not in types
