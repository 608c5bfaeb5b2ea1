"""Reading case files: expected decisions, written in YAML beside the policies.

A file is a list of cases; see ``docs/policies.md`` for their members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import yaml

from gateway.model.decision import Treatment, Verdict
from gateway.model.json import JsonObject
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy.contents.content import CASES, PolicyContent
from gateway.policy.rules.findings import CASE, POLICY_CASES_INVALID, Findings, files_invalid
from gateway.policy.rules.models import NONE, escalation
from gateway.policy.rules.yaml_nodes import (
    Members,
    NodeError,
    choice_of,
    listed,
    mapping,
    names_of,
    object_of,
    plain,
    text_of,
)

_MEMBERS = {
    "case": ("name", "principal", "contract", "arguments", "unknown", "expect"),
    "principal": ("type", "subject", "workspace", "roles", "capabilities"),
    "expect": ("access", "verdict", "approver", "quorum", "escalation", "reason", "pii", "roles"),
}

_FILES_KEPT = 64
"""How many case files are kept as they were read last; there are some dozen."""

_Error: TypeAlias = tuple[str, int, int]
"""What is wrong, with its line and column."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case expects; None and empty members are not looked at. ``roles`` are among those that
    the principal holds."""

    access: str | None = None
    verdict: Verdict | None = None
    approver: str | None = None
    quorum: int | None = None
    escalation: str | None = None
    reason: str | None = None
    pii: Mapping[str, Treatment] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One expected decision and where it stands (``file:line``)."""

    name: str
    at: str
    principal: Principal
    contract: str
    arguments: JsonObject
    unknown: frozenset[str]
    expect: Expectation


def read_cases(content: PolicyContent, where: Path) -> list[PolicyCase]:
    """Every case of a content, in the order of the files; ``where`` is the folder issues name.

    Raises:
        ProblemError: POLICY_CASES_INVALID, with every issue of every file.
    """
    findings = Findings()
    cases: list[PolicyCase] = []
    for name, text in sorted(content.files.items()):
        if name.startswith(CASES):
            cases += _read_file(where / name, text, findings)
    if findings.issues:
        raise files_invalid(POLICY_CASES_INVALID, "policy cases", findings.issues)
    return cases


def _read_file(path: Path, text: str, findings: Findings) -> tuple[PolicyCase, ...]:
    cases, errors = _read_text(path.name, text)
    for told, line, column in errors:
        findings.add(CASE, path, told, line, column)
    return cases


@lru_cache(maxsize=_FILES_KEPT)
def _read_text(name: str, text: str) -> tuple[tuple[PolicyCase, ...], tuple[_Error, ...]]:
    """The cases of a file and what is wrong with others of it. They are kept: reading them takes
    longer than asking them, and while rules change, they mostly stay."""
    try:
        nodes = listed(text, "cases, each beginning with '- name:'")
    except NodeError as error:
        return (), ((str(error), error.line, error.column),)
    cases, errors = [], []
    for node in nodes:
        try:
            cases.append(_case(node, name))
        except NodeError as error:
            errors.append((str(error), error.line, error.column))
    return tuple(cases), tuple(errors)


def _case(node: yaml.Node, file: str) -> PolicyCase:
    members = mapping(node, "case", _MEMBERS["case"])
    for name in ("name", "principal", "contract", "expect"):
        if name not in members:
            raise NodeError(f"a case needs {name!r}", node)
    return PolicyCase(
        name=text_of(members, "name"),
        at=f"{file}:{node.start_mark.line + 1}",
        principal=_principal(members["principal"][1]),
        contract=text_of(members, "contract"),
        arguments=object_of(members, "arguments"),
        unknown=names_of(members, "unknown"),
        expect=_expectation(members["expect"][1]),
    )


def _principal(node: yaml.Node) -> Principal:
    if isinstance(node, yaml.ScalarNode) and node.value == PrincipalType.ANONYMOUS:
        return ANONYMOUS
    members = mapping(node, "principal", _MEMBERS["principal"])
    if "type" not in members:
        raise NodeError("a principal needs 'type' (or write 'principal: anonymous')", node)
    return Principal(
        type=choice_of(members, "type", PrincipalType),
        subject=text_of(members, "subject", "somebody"),
        workspace=text_of(members, "workspace", "acme"),
        roles=names_of(members, "roles"),
        capabilities=names_of(members, "capabilities") if "capabilities" in members else None,
    )


class _Access(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


def _expectation(node: yaml.Node) -> Expectation:
    members = mapping(node, "expect", _MEMBERS["expect"])
    if not members:
        raise NodeError("a case must expect something", node)
    quorum = plain(members["quorum"][1]) if "quorum" in members else None
    if quorum is not None and type(quorum) is not int:
        raise NodeError("'quorum' must be a whole number", members["quorum"][1])
    if "escalation" in members:
        _require_escalation(members)
    return Expectation(
        access=choice_of(members, "access", _Access) if "access" in members else None,
        verdict=choice_of(members, "verdict", Verdict) if "verdict" in members else None,
        approver=text_of(members, "approver") if "approver" in members else None,
        quorum=quorum,
        escalation=text_of(members, "escalation") if "escalation" in members else None,
        reason=text_of(members, "reason") if "reason" in members else None,
        pii=_treatments(members["pii"][1]) if "pii" in members else {},
        roles=names_of(members, "roles"),
    )


def _require_escalation(members: Members) -> None:
    said = text_of(members, "escalation")
    try:
        if said != NONE:
            escalation(said)
    except ValueError as error:
        raise NodeError(f"'escalation': {error}", members["escalation"][1]) from None


def _treatments(node: yaml.Node) -> dict[str, Treatment]:
    fields = mapping(node, "pii")
    return {name: choice_of(fields, name, Treatment) for name in fields}
