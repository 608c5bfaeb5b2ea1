"""Searches in the terms of AuthZEN: for which subjects, resources or actions is the answer yes?

Candidates are what the policies and the contracts name. Each is then asked about like any other
question, so that a result is never more than what an evaluation would permit.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakKeyDictionary

from gateway.model.json import JsonObject
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.engine.roles import USER_PREFIX
from gateway.policy.questions.asking import KINDS, MAKE_CALL, OPERATION, RUN, Asker, key_part
from gateway.policy.reading.all_rows import all_rows, holds_in
from gateway.policy.reading.population import Population, SubjectKind
from gateway.policy.revision import PolicyRevision

MAX_ASKED = 5_000
"""The most candidates that one page asks about."""

_WORKSPACES = 100
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


class SearchKind(StrEnum):
    """What is searched for."""

    SUBJECT = "SUBJECT"
    RESOURCE = "RESOURCE"
    ACTION = "ACTION"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of names, in order. ``after`` is where the next page goes on, None at the end."""

    names: tuple[str, ...]
    after: str | None


def search(
    asker: Asker, kind: SearchKind, question: JsonObject, after: str | None, limit: int
) -> Found:
    """The names of ``kind`` behind ``after`` for which ``question``, completed with one, is
    answered with yes: at most ``limit``, after at most ``MAX_ASKED`` tries."""
    found: list[str] = []
    last, asked = after, 0
    for name in _candidates(asker, kind, question):
        if after is not None and name <= after:
            continue
        if asked == MAX_ASKED:
            return Found(tuple(found), last)
        asked += 1
        if asker.answer(_completed(kind, question, name)).permits:
            if len(found) == limit:
                return Found(tuple(found), found[-1] if found else after or "")
            found.append(name)
        last = name
    return Found(tuple(found), None)


def _completed(kind: SearchKind, question: JsonObject, name: str) -> JsonObject:
    if kind is SearchKind.SUBJECT:
        return {**question, "subject": {**question["subject"], "id": name}}
    if kind is SearchKind.RESOURCE:
        return {**question, "resource": {**question["resource"], "id": name}}
    return {**question, "action": {"name": name}}


def _candidates(asker: Asker, kind: SearchKind, question: JsonObject) -> Iterable[str]:
    resource = question["resource"]
    if kind is SearchKind.SUBJECT:
        is_known = question["subject"]["type"] in KINDS
        target = asker.target(resource, question["action"])
        return _named_users(asker.revision, asker.workspace) if is_known and target else ()
    if kind is SearchKind.ACTION:
        return sorted(_actions(asker, resource["type"]))
    if resource["type"] == OPERATION:
        return asker.offered.operations  # sorted by reference
    return sorted(set(_named_ids(asker, question)))


def _actions(asker: Asker, kind: str) -> Iterator[str]:
    """What can be done to resources of a type."""
    if kind == OPERATION:
        yield from (MAKE_CALL, RUN)
        return
    prefix = f"{key_part(kind)}."
    keys = {contract.key for contract in asker.offered.operations.values()}
    for key in keys:
        name = key.removeprefix(prefix)
        if key.startswith(prefix) and "." not in name:
            yield name


_USERS: WeakKeyDictionary[PolicyRevision, BoundedCache[str, tuple[str, ...]]] = WeakKeyDictionary()


def _named_users(revision: PolicyRevision, workspace: str) -> tuple[str, ...]:
    """The users that some rule or assignment of the workspace names, sorted; read once each."""
    known = _USERS.get(revision)
    if known is None:
        known = _USERS[revision] = BoundedCache(_WORKSPACES)
    found = known.get(workspace)
    if found is None:
        users = tuple(
            one.name.removeprefix(USER_PREFIX)
            for one in Population(revision, workspace).subjects
            if one.kind is SubjectKind.USER
        )
        found = known.put(workspace, users)
    return found


def _named_ids(asker: Asker, question: JsonObject) -> Iterator[str]:
    """The ids that conditions on the contract's call compare the resource's with."""
    target = asker.target(question["resource"], question["action"])
    if target is None or not target.id_field:
        return
    compared = re.compile(
        rf"(?<![\w.]){target.id_field}\s*(?:==\s*({_QUOTED.pattern})|in\s*\[([^\]]*)\])", re.ASCII
    )
    selectors = asker.revision.book.selectors
    for row in all_rows(asker.revision).verdict:
        if holds_in(row, asker.workspace) and selectors[row["obj"]].selects(target.contract):
            for part in compared.finditer(row["when"]):
                for text in _QUOTED.finditer(part[0]):
                    yield text[1] if text[1] is not None else text[2]
