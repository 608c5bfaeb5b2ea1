"""Reading case files: expected decisions, written in YAML beside the policies.

A file is a list of cases; see ``docs/policies.md`` for their members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

from gateway.model.decision import Treatment, Verdict
from gateway.model.json import JsonObject, JsonValue
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy.findings import CASE, POLICY_CASES_INVALID, Findings, files_invalid
from gateway.policy.models import NONE, escalation

CASES_FOLDER = "cases"
"""Where the cases lie within a policies folder."""

_MEMBERS = {
    "case": ("name", "principal", "contract", "arguments", "unknown", "expect"),
    "principal": ("type", "subject", "workspace", "roles", "capabilities"),
    "expect": ("access", "verdict", "approver", "quorum", "escalation", "reason", "pii"),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case expects; None and empty members are not looked at."""

    access: str | None = None
    verdict: Verdict | None = None
    approver: str | None = None
    quorum: int | None = None
    escalation: str | None = None
    reason: str | None = None
    pii: Mapping[str, Treatment] = field(default_factory=dict)


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


class _CaseError(ValueError):
    """A member of a case that cannot be read, at a node of the file."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.node = node


_Members = dict[str, tuple[yaml.Node, yaml.Node]]
_E = TypeVar("_E", bound=StrEnum)


def read_cases(policies: Path) -> list[PolicyCase]:
    """Every case in the ``cases`` folder of a policies folder, in the order of the files.

    Raises:
        ProblemError: POLICY_CASES_INVALID, with every issue of every file.
    """
    findings = Findings()
    cases: list[PolicyCase] = []
    for path in sorted((policies / CASES_FOLDER).glob("*.yaml")):
        text = findings.text_of(path)
        if text is not None:
            cases += _read_file(path, text, findings)
    if findings.issues:
        raise files_invalid(POLICY_CASES_INVALID, "policy cases", findings.issues)
    return cases


def _read_file(path: Path, text: str, findings: Findings) -> list[PolicyCase]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        findings.add(CASE, path, f"the file is not YAML: {error.problem}", line, column)
        return []
    except (yaml.YAMLError, RecursionError, ValueError):
        findings.add(CASE, path, "the file is not YAML that can be read")
        return []
    if not isinstance(root, yaml.SequenceNode):
        findings.add(CASE, path, "the file must be a list of cases, each beginning with '- name:'")
        return []
    cases = []
    for node in root.value:
        try:
            cases.append(_case(node, path))
        except _CaseError as error:
            mark = error.node.start_mark
            findings.add(CASE, path, str(error), mark.line + 1, mark.column + 1)
    return cases


def _case(node: yaml.Node, path: Path) -> PolicyCase:
    members = _mapping(node, "case")
    for name in ("name", "principal", "contract", "expect"):
        if name not in members:
            raise _CaseError(f"a case needs {name!r}", node)
    return PolicyCase(
        name=_text(members, "name"),
        at=f"{path.name}:{node.start_mark.line + 1}",
        principal=_principal(members["principal"][1]),
        contract=_text(members, "contract"),
        arguments=_object(members, "arguments"),
        unknown=_names(members, "unknown"),
        expect=_expectation(members["expect"][1]),
    )


def _principal(node: yaml.Node) -> Principal:
    if isinstance(node, yaml.ScalarNode) and node.value == PrincipalType.ANONYMOUS:
        return ANONYMOUS
    members = _mapping(node, "principal")
    if "type" not in members:
        raise _CaseError("a principal needs 'type' (or write 'principal: anonymous')", node)
    return Principal(
        type=_choice(members, "type", PrincipalType),
        subject=_text(members, "subject", "somebody"),
        workspace=_text(members, "workspace", "acme"),
        roles=_names(members, "roles"),
        capabilities=_names(members, "capabilities") if "capabilities" in members else None,
    )


class _Access(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


def _expectation(node: yaml.Node) -> Expectation:
    members = _mapping(node, "expect")
    if not members:
        raise _CaseError("a case must expect something", node)
    quorum = _plain(members["quorum"][1]) if "quorum" in members else None
    if quorum is not None and type(quorum) is not int:
        raise _CaseError("'quorum' must be a whole number", members["quorum"][1])
    if "escalation" in members:
        _require_escalation(members)
    return Expectation(
        access=_choice(members, "access", _Access) if "access" in members else None,
        verdict=_choice(members, "verdict", Verdict) if "verdict" in members else None,
        approver=_text(members, "approver") if "approver" in members else None,
        quorum=quorum,
        escalation=_text(members, "escalation") if "escalation" in members else None,
        reason=_text(members, "reason") if "reason" in members else None,
        pii=_treatments(members["pii"][1]) if "pii" in members else {},
    )


def _require_escalation(members: _Members) -> None:
    said = _text(members, "escalation")
    try:
        if said != NONE:
            escalation(said)
    except ValueError as error:
        raise _CaseError(f"'escalation': {error}", members["escalation"][1]) from None


def _treatments(node: yaml.Node) -> dict[str, Treatment]:
    fields = _mapping(node, "pii")
    return {name: _choice(fields, name, Treatment) for name in fields}


def _mapping(node: yaml.Node, kind: str) -> _Members:
    if not isinstance(node, yaml.MappingNode):
        raise _CaseError(f"{kind!r} must be a mapping", node)
    members: _Members = {}
    allowed = _MEMBERS.get(kind)
    for key, value in node.value:
        if allowed and key.value not in allowed:
            raise _CaseError(f"{kind!r} has {', '.join(allowed)}, not {key.value!r}", key)
        if str(key.value) in members:
            raise _CaseError(f"{key.value!r} stands there twice", key)
        members[str(key.value)] = (key, value)
    return members


def _text(members: _Members, name: str, default: str = "") -> str:
    if name not in members:
        return default
    value = _plain(members[name][1])
    if not isinstance(value, str) or not value:
        raise _CaseError(f"{name!r} must be a text", members[name][1])
    return value


def _choice(members: _Members, name: str, choices: type[_E]) -> _E:
    node = members[name][1]
    try:
        return choices(str(node.value))
    except ValueError:
        said = ", ".join(choices)
        raise _CaseError(f"{name!r} must be one of {said}", node) from None


def _names(members: _Members, name: str) -> frozenset[str]:
    if name not in members:
        return frozenset()
    value = _plain(members[name][1])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _CaseError(f"{name!r} must be a list of texts", members[name][1])
    return frozenset(value)


def _object(members: _Members, name: str) -> JsonObject:
    if name not in members:
        return {}
    value = _plain(members[name][1])
    if not isinstance(value, dict):
        raise _CaseError(f"{name!r} must be a mapping", members[name][1])
    return value


def _plain(node: yaml.Node) -> JsonValue:
    """The JSON value of a node; a date stays the text that it was written as."""
    if isinstance(node, yaml.MappingNode):
        return {name: _plain(value) for name, (_, value) in _mapping(node, "mapping").items()}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if node.tag.rpartition(":")[2] not in ("int", "float", "bool", "null"):
        return node.value
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:
        raise _CaseError(str(error), node) from error
