"""Rows of policy as sentences.

A sentence says everything that its row says: two rows that differ have different sentences. What is
not known here has no sentence, and is shown as it is written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.surfaces.console.policies.rows import RuleRow, row_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; ``is_value`` says that it is written in the row so."""

    text: str
    is_value: bool = False


Sentence: TypeAlias = tuple[Piece, ...]

_TYPES = {
    "human": "people",
    "service": "services",
    "agent": "agents",
    "tool": "tools",
    "anonymous": "callers without a token",
}
_TRAITS = {
    "auth": ("contracts of the level ", ""),
    "tag": ("contracts tagged ", ""),
    "risk": ("contracts of ", " risk"),
    "capability": ("contracts of the capability ", ""),
    "domain": ("contracts of the domain ", ""),
    "kind": ("contracts of the kind ", ""),
}
_TREATMENTS = {
    "raw": "as it is",
    "partial": "by its last four characters",
    "mask": "masked",
    "hash": "as a hash",
    "full": "hidden behind a mark",
    "drop": "not at all",
}
_VERDICTS = {"autonomous": "runs by itself", "blocked": "is blocked"}
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_EFFECTS = {"allow": " may ", "deny": " must never "}
_RISKS = ("low", "medium", "high", "critical")

_GATHERED = {frozenset({"sub"}), frozenset({"obj"})}
"""In what rows may differ that one sentence tells."""

_SELECTOR = re.compile(r"[A-Za-z0-9_.*@+-]+\??", re.ASCII)
_DURATION = re.compile(r"([1-9][0-9]*)([smhd])", re.ASCII)
_SUBJECT = re.compile(r"[^:\s]+|user:\S+", re.ASCII)


class _UnknownError(ValueError):
    """A notation that this module has no words for."""


def sentence_of(file: str, text: str) -> Sentence | None:
    """The sentence that a row of a rule file says, or None."""
    row = row_of(file, text)
    return None if row is None else sentence_about([row])


def sentence_about(rows: Sequence[RuleRow]) -> Sentence | None:
    """The sentence of rows that differ in their subjects alone or in their contracts alone."""
    first = rows[0]
    tellers = {"access.csv": _access, "verdict.csv": _verdict, "pii.csv": _pii}
    try:
        if first.kind == "g":
            return _joined(_assignment(first))
        return _joined(tellers[first.file](first, _about(rows)))
    except (_UnknownError, KeyError):
        return None


def gathered(rows: Sequence[RuleRow | None]) -> list[list[int]]:
    """The indices of ``rows``, those together that stand one after the other and that one sentence
    can tell."""
    groups: list[list[int]] = []
    for index, row in enumerate(rows):
        if row is None or not groups or not _joins([rows[each] for each in groups[-1]], row):
            groups.append([])
        groups[-1].append(index)
    return groups


def _joins(group: Sequence[RuleRow | None], row: RuleRow) -> bool:
    """True if ``row`` differs from each of a group in the same column as they from one another."""
    known = [one for one in group if one is not None]
    if not known or sentence_about([known[0]]) is None or sentence_about([row]) is None:
        return False
    differing = {*(one.differs_in(row) for one in known)}
    if len(known) > 1:
        differing.add(known[0].differs_in(known[1]))
    return differing <= _GATHERED and len(differing) == 1


# --- what each kind of row says


@dataclass(frozen=True, slots=True)
class _About:
    """Of whom and of which contracts a sentence speaks; ``is_one`` says how its verb ends."""

    subjects: list[Piece]
    contracts: list[Piece]
    is_one: bool


def _about(rows: Sequence[RuleRow]) -> _About:
    subjects = list(dict.fromkeys(row["sub"] for row in rows))
    contracts = list(dict.fromkeys(row["obj"] for row in rows))
    is_one = len(subjects) == 1 and (subjects[0].startswith("user:") or subjects[0] == "*")
    return _About(_list(subjects, _subject), _list(contracts, _contracts), is_one)


def _list(values: Sequence[str], say: Callable[[str], list[Piece]]) -> list[Piece]:
    """Several of a kind: ``agents, tools and services``."""
    told: list[Piece] = []
    for index, value in enumerate(values):
        if index:
            told.append(Piece(" and " if index == len(values) - 1 else ", "))
        told += say(value)
    return told


def _access(row: RuleRow, about: _About) -> list[Piece]:
    does = {"call": "call ", "*": "do anything with "}[row["act"]]
    may = Piece(_EFFECTS[row["eft"]] + does)
    return [*about.subjects, may, *about.contracts, *_workspace(row["dom"]), Piece(".")]


def _assignment(row: RuleRow) -> list[Piece]:
    is_user = row["subject"].startswith("user:")
    holds = Piece(" holds the role " if is_user else " also hold the role ")
    where = _workspace(row["workspace"])
    return [*_subject(row["subject"]), holds, Piece(row["role"], True), *where, Piece(".")]


def _verdict(row: RuleRow, about: _About) -> list[Piece]:
    told = [Piece("when "), *about.subjects, Piece(" calls " if about.is_one else " call ")]
    told += [*about.contracts, *_risk(row["risk"]), *_workspace(row["dom"])]
    if row["when"] != "true":
        told += [Piece(", if "), Piece(row["when"], True)]
    return [*told, Piece(", the call "), *_outcome(row), *_priority(row)]


def _pii(row: RuleRow, about: _About) -> list[Piece]:
    told = list(about.subjects)
    if row["type"] != "*":
        told.append(Piece(f" of type {_TYPES[row['type']]}"))
    told += [Piece(" sees " if about.is_one else " see "), *_field(row["field"]), Piece(" of ")]
    told += [*about.contracts, *_workspace(row["dom"])]
    return [*told, Piece(f" {_TREATMENTS[row['treatment']]}."), *_priority(row)]


def _outcome(row: RuleRow) -> list[Piece]:
    """How a call runs, and who is asked, where anybody may be."""
    names = ("approver", "quorum", "expiry", "escalation")
    silent = all(row[name] == "-" for name in names)
    if row["verdict"] == "assist":
        return [Piece("waits for "), *_consent(row), Piece(".")]
    told = _VERDICTS[row["verdict"]]
    if silent:
        return [Piece(f"{told}.")]
    return [Piece(f"{told}; where somebody is asked, it waits for "), *_consent(row), Piece(".")]


def _consent(row: RuleRow) -> list[Piece]:
    """Who approves: as many people of a role, for how long, and who may do so later."""
    quorum = row["quorum"]
    many = {"1": "1 person", "-": "as many people as usual"}.get(quorum, f"{quorum} people")
    told = [Piece(f"{many} of "), *_approver(row["approver"])]
    if row["expiry"] != "-":
        told.append(Piece(f", at most {_lasting(row['expiry'])}"))
    if row["escalation"] != "-":
        after, colon, role = row["escalation"].partition(":")
        if not colon or not role:
            raise _UnknownError(row["escalation"])
        told += [Piece(f"; after {_lasting(after)} the role "), Piece(role, True)]
        told.append(Piece(" may decide too"))
    return told


def _approver(role: str) -> list[Piece]:
    if role == "-":
        return [Piece("whoever approves usually")]
    return [Piece("the role "), Piece(role, True)]


# --- the words for single columns


def _subject(subject: str) -> list[Piece]:
    if subject == "*":
        return [Piece("everybody")]
    kind, colon, name = subject.partition(":")
    if colon and kind == "type":
        return [Piece(_TYPES[name])]
    if not _SUBJECT.fullmatch(subject):
        raise _UnknownError(subject)
    if colon:
        return [Piece("the user "), Piece(name, True)]
    return [Piece("holders of the role "), Piece(subject, True)]


def _contracts(selector: str) -> list[Piece]:
    if selector == "*":
        return [Piece("every contract")]
    trait, colon, value = selector.partition(":")
    if colon:
        before, after = _TRAITS[trait]
        return [Piece(before), Piece(value, True), Piece(after)]
    if not _SELECTOR.fullmatch(selector):
        raise _UnknownError(selector)
    if "*" in selector:
        return [Piece("contracts named "), Piece(selector, True)]
    if selector.endswith("?"):
        return [Piece(selector[:-1], True), Piece(" (where it is loaded)")]
    return [Piece(selector, True)]


def _workspace(workspace: str) -> list[Piece]:
    if workspace == "*":
        return [Piece(" in any workspace")]
    return [Piece(" in the workspace "), Piece(workspace, True)]


def _risk(risk: str) -> list[Piece]:
    if risk == "*":
        return []
    if risk not in _RISKS:
        raise _UnknownError(risk)
    return [Piece(" at "), Piece(risk, True), Piece(" risk")]


def _field(pattern: str) -> list[Piece]:
    if pattern == "*":
        return [Piece("every personal field")]
    name = pattern.removeprefix("class:")
    if name != pattern:
        return [Piece("every personal field of the class "), Piece(name, True)]
    if "*" in pattern:
        return [Piece("every personal field named "), Piece(pattern, True)]
    return [Piece("the field "), Piece(pattern, True)]


def _priority(row: RuleRow) -> list[Piece]:
    return [Piece(f" Priority {row['priority']}.")]


def _lasting(duration: str) -> str:
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise _UnknownError(duration)
    many, unit = found[1], _UNITS[found[2]]
    return f"{many} {unit}{'' if many == '1' else 's'}"


def _joined(pieces: Sequence[Piece]) -> Sentence:
    """The pieces with a capital at the beginning."""
    first, *rest = (piece for piece in pieces if piece.text)
    if not first.is_value:
        first = Piece(first.text[:1].upper() + first.text[1:])
    return (first, *rest)
