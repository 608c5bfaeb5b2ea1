"""The file that says which duties nobody may have together: ``separation.yaml``.

A list of entries, each with a ``reason`` and either ``roles`` (nobody may be given two of them) or
``contracts`` (no single role may call two of them); ``except`` names roles and users that may.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from gateway.policy.advice.finding import SEPARATION_INVALID, Advice, Severity
from gateway.policy.contents.content import SEPARATION, PolicyContent
from gateway.policy.engine.roles import USER_PREFIX
from gateway.policy.rules.models import check_role
from gateway.policy.rules.yaml_nodes import Members, NodeError, listed, mapping, plain, text_of

_MEMBERS = ("roles", "contracts", "except", "reason")


@dataclass(frozen=True, slots=True)
class Duty:
    """A role or contract of an entry, and where it is named (``file:line:column``)."""

    name: str
    at: str


@dataclass(frozen=True, slots=True)
class Separation:
    """One entry: of ``roles``, or of ``contracts``, nobody may have two, but for ``excepted``."""

    roles: tuple[Duty, ...]
    contracts: tuple[Duty, ...]
    excepted: frozenset[str]
    reason: str


def read_separation(content: PolicyContent) -> tuple[list[Separation], list[Advice]]:
    """The entries of a content that can be read, and what is wrong with the others."""
    text = content.files.get(SEPARATION)
    if text is None:
        return [], []
    entries: list[Separation] = []
    wrong: list[Advice] = []
    try:
        nodes = listed(text, "entries, each with roles (or contracts) and a reason")
    except NodeError as error:
        return [], [_refused(error)]
    for node in nodes:
        try:
            entries.append(_entry(node))
        except NodeError as error:
            wrong.append(_refused(error))
    return entries, wrong


def _refused(error: NodeError) -> Advice:
    at = f"{SEPARATION}:{error.line}:{error.column}"
    return Advice(Severity.ERROR, SEPARATION_INVALID, at, str(error))


def _entry(node: yaml.Node) -> Separation:
    members = mapping(node, "entry", _MEMBERS)
    if ("roles" in members) == ("contracts" in members):
        raise NodeError("an entry has either 'roles' or 'contracts'", node)
    if "reason" not in members:
        raise NodeError("an entry needs a 'reason', for whoever runs into it", node)
    excepted = frozenset(duty.name for duty in _duties(members, "except"))
    entry = Separation(
        roles=tuple(_duties(members, "roles")),
        contracts=tuple(_duties(members, "contracts")),
        excepted=excepted,
        reason=text_of(members, "reason").strip().rstrip("."),
    )
    named = entry.roles or entry.contracts
    if len({duty.name for duty in named}) < max(2, len(named)):
        key, value = members["roles" if entry.roles or "roles" in members else "contracts"]
        raise NodeError(f"{key.value!r} must name at least two, and each once", value)
    return entry


def _duties(members: Members, name: str) -> Iterator[Duty]:
    if name not in members:
        return
    node = members[name][1]
    if not isinstance(node, yaml.SequenceNode):
        raise NodeError(f"{name!r} must be a list of texts", node)
    for item in node.value:
        value = plain(item)
        if not isinstance(value, str) or not value:
            raise NodeError(f"{name!r} must be a list of texts", item)
        if name == "roles" or (name == "except" and not value.startswith(USER_PREFIX)):
            wrong = check_role(value)
            if wrong:
                raise NodeError(f"{name!r}: {wrong}", item)
        mark = item.start_mark
        yield Duty(value, f"{SEPARATION}:{mark.line + 1}:{mark.column + 1}")
