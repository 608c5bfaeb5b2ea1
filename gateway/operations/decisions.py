"""policy.decision.evaluate and policy.decision.search: the decision point, asked by others"""

from functools import partial

from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.problem import Issue, invalid
from gateway.operations.common import lower, present
from gateway.pipeline import Admitted, Bindings, Query
from gateway.policy import Answer, Asker, SearchKind, Semantic, search
from gateway.runtime import Loop
from gateway.runtime.requester import REQUESTER_ROLE

MAX_EVALUATIONS = 100
"""The most questions in one call."""

MAX_RESULTS = 1_000
"""The most results on one page of a search."""


def bind_questions(loop: Loop) -> Bindings:
    """The handlers of what enforcement points elsewhere ask."""
    sure = partial(settle, loop)
    return {
        "policy.decision.evaluate@1.0.0": Query(partial(evaluate, loop), sure, decided),
        "policy.decision.search@1.0.0": Query(partial(find, loop), sure),
    }


async def settle(loop: Loop, _admitted: Admitted) -> None:
    """Be sure of the revision in force before anything is decided under it.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE where that cannot be told.
    """
    await loop.policies.settle()


def evaluate(loop: Loop, admitted: Admitted, _records: Records) -> JsonObject:
    """Answer questions about the caller's workspace, all under one revision.

    Raises:
        ProblemError: VALIDATION_FAILED for more questions than there may be.
    """
    questions = admitted.value["evaluations"]
    if len(questions) > MAX_EVALUATIONS:
        told = f"has more than {MAX_EVALUATIONS} items: ask in several calls"
        raise invalid([Issue("/input/evaluations", "OUT_OF_RANGE", told)])
    semantic = Semantic(lower(admitted.value.get("semantic")) or Semantic.EXECUTE_ALL)
    policies = loop.policies
    who = admitted.principal
    asker = Asker(policies.current, who.workspace, policies.witness, REQUESTER_ROLE)
    answers = asker.answer_all(questions, semantic)
    return {
        "results": [_result(answer) for answer in answers],
        "policyVersion": asker.revision.revision,
    }


def decided(answer: JsonObject) -> JsonObject:
    """What the record keeps of an evaluation: each decision in its place, and the revision."""
    results: list[JsonObject] = answer["results"]
    told = [result["decision"] for result in results]
    return {"decisions": told, "policyVersion": answer["policyVersion"]}


def find(loop: Loop, admitted: Admitted, _records: Records) -> JsonObject:
    """A page of what is permitted in the caller's workspace.

    Raises:
        ProblemError: VALIDATION_FAILED where an entity is not whole, or for a limit out of range.
    """
    value = admitted.value
    kind = SearchKind(value["kind"])
    limit = value.get("limit")
    limit = MAX_RESULTS if limit is None else min(limit, MAX_RESULTS)
    issues = list(_faults_of(kind, value, limit))
    if issues:
        raise invalid(issues)
    who = admitted.principal
    asker = Asker(loop.policies.current, who.workspace, requester_role=REQUESTER_ROLE)
    found = search(asker, kind, value, value.get("after"), limit)
    return present(
        {
            "results": [_named(kind, value, name) for name in found.names],
            "next": found.after,
            "policyVersion": asker.revision.revision,
        }
    )


def _faults_of(kind: SearchKind, value: JsonObject, limit: int) -> list[Issue]:
    issues = []
    if kind is not SearchKind.ACTION and value.get("action") is None:
        issues.append(Issue("/input/action", "REQUIRED", "is required: say what is to be done"))
    for name in ("subject", "resource"):
        if name.upper() != kind.value and value[name].get("id") is None:
            told = "is required: only what is searched for has no id"
            issues.append(Issue(f"/input/{name}/id", "REQUIRED", told))
    if limit < 0:
        issues.append(Issue("/input/limit", "OUT_OF_RANGE", "must be 0 or more"))
    return issues


def _named(kind: SearchKind, value: JsonObject, name: str) -> JsonObject:
    if kind is SearchKind.ACTION:
        return {"name": name}
    return {"type": value[kind.value.lower()]["type"], "id": name}


def _result(answer: Answer) -> JsonObject:
    verdict = answer.verdict
    told: JsonObject = {"decision": answer.permits}
    if answer.code is not None:
        told |= {"code": answer.code.value, "message": answer.message}
    if verdict is not None:
        told["verdict"] = verdict.verdict.value.upper()
        if verdict.approver_role:
            told |= {"approverRole": verdict.approver_role, "quorum": verdict.quorum}
    return told
