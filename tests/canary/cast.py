"""Those who are to be erased: scenes of which the test knows whose every value is.

Each scene is played alone, so that what is planted meanwhile belongs to it. By what the contracts
say, and by nothing that the gateway tells, its values fall into three: those that fall with the
person or execution that is erased, those of other people, who stay, and those of which neither is
said (the text of a reply whose person is known only when it is sent: it stands in the plan, which
falls, and in the attempt, which is the other's).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.model.contract import OperationContract
from tests.canary.calling import ask, call
from tests.canary.filling import Filler, JsonObject
from tests.canary.runs import Run
from tests.canary.stage import Stage

_OTHERS = "support.ticket.read@1.0.0 output."
_BOTH = "support.customer.reply@1.0.0 input.body"
_AMBIGUOUS = frozenset({"Time"})
"""Scalars of which there are too few values to say whose one is."""


@dataclass
class Cast:
    """Whom to erase, as inputs of ``privacy.subject.erase``; the needles of what falls and of what
    stays; runs and direct calls to read again; calls to repeat under their idempotency key."""

    subjects: list[JsonObject] = field(default_factory=list)
    falls: set[str] = field(default_factory=set)
    stays: set[str] = field(default_factory=set)
    runs: list[JsonObject] = field(default_factory=list)
    calls: list[JsonObject] = field(default_factory=list)
    repeats: list[tuple[OperationContract, JsonObject, str]] = field(default_factory=list)


def drive_cast(stage: Stage) -> Cast:
    """Play every scene, and choose people of the play before."""
    _until_quiet(stage)
    cast = Cast()
    for scene in (_person_in_a_run, _execution, _party, _direct, _grant, _rights):
        with _planted(stage) as fresh:
            others, both = scene(stage, cast)
        stays = {one for one in fresh if stage.canaries.planted[one].where.startswith(_OTHERS)}
        cast.stays |= stays | others
        cast.falls |= fresh - stays - others - both
    listed = ask(stage, stage.rita, "controlPlane.execution.list", {"limit": 8})["items"]
    known = [run["executionId"] for run in cast.runs]
    found = [one["executionId"] for one in listed if one["executionId"] not in known]
    cast.calls = [{"executionId": one} for one in found[:3]]
    _people_of_the_play(stage, cast)
    cast.stays -= cast.falls
    return cast


_Apart = tuple[set[str], set[str]]
"""Needles of a scene that stay, and those of which nothing is said."""


@contextmanager
def _planted(stage: Stage) -> Iterator[set[str]]:
    """What is planted meanwhile and can be told from anything else."""
    before, fresh = set(stage.canaries.planted), set[str]()
    yield fresh
    for needle, canary in list(stage.canaries.planted.items()):
        if needle not in before and canary.scalar not in _AMBIGUOUS:
            fresh.add(needle)


def needles_of(stage: Stage, *values: Any) -> set[str]:
    """The needles of the canaries that stand in values."""
    known = {
        json.dumps(canary.value): canary.needle
        for canary in list(stage.canaries.planted.values())
        if canary.scalar not in _AMBIGUOUS
    }
    found, waiting = set(), list(values)
    while waiting:
        value = waiting.pop()
        needle = known.get(json.dumps(value))
        if needle is not None:
            found.add(needle)
        elif isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found


def _until_quiet(stage: Stage) -> None:
    """Wait until nothing of the play is under way any more."""
    before = -1
    while (now := stage.service.answered.total()) != before:
        before = now
        time.sleep(0.4)


def _contract(stage: Stage, fits: Callable[[OperationContract], bool]) -> OperationContract:
    made_up = (one for one in stage.actions if one.key.startswith("canary") and one.is_command)
    return next(one for one in made_up if fits(one))


def _email(stage: Stage, contract: str, note: str = "(of one to erase)") -> str:
    return str(stage.canaries.mint("EmailAddress", f"{contract} input.customerEmail {note}"))


def _both(stage: Stage) -> set[str]:
    planted = list(stage.canaries.planted.values())
    return {one.needle for one in planted if one.where.startswith(_BOTH)}


def _refund(email: str, amount: float) -> JsonObject:
    return {"orderId": "o-1", "amount": amount, "currency": "EUR", "customerEmail": email}


def _person_in_a_run(stage: Stage, cast: Cast) -> _Apart:
    """Somebody whom two contracts name, in a run with a customer who stays; glass is broken."""
    contract = _contract(stage, lambda one: one.policy.subject is not None)
    email = _email(stage, "support.refund.issue@1.0.0")
    made = Filler(stage.canaries, contract, "(of one to erase)").input(subject=email)
    run = Run(stage, contract, "glass", seconds=8.0)
    steps = [
        *run.steps(made),
        {"key": "refund", "contract": "support.refund.issue", "input": _refund(email, 900.0)},
    ]
    known = _started(stage, run, steps)
    run.attach(known)
    run.decide(known)
    run.export(known)
    cast.subjects.append({"subjectId": email})
    cast.runs.append(known)
    return set(), _both(stage)


def _execution(stage: Stage, cast: Cast) -> _Apart:
    """An execution by itself, in a lane and handed over to another, with a customer who stays."""
    contract = _contract(stage, lambda one: one.policy.subject is None)
    run, olga = Run(stage, contract, "ok", seconds=8.0), stage.world.olga
    other = _email(stage, "support.refund.issue@1.0.0", note="(of one who stays)")
    waits = {"key": "refund", "contract": "support.refund.issue", "input": _refund(other, 900.0)}
    known = _started(stage, run, [*run.steps(), waits], lane="clarify")
    found = stage.canaries.mint("JSONObject", "controlPlane.evidence.attach@1.0.0 input.content")
    item = {"runId": known["runId"], "kind": "ARTIFACT", "key": "clarification_artifact"}
    run.do(olga, "evidence.attach", **item, content=found, attachedBy="olga")
    next_lane = {"laneKey": "plan.consensus", "handedOverBy": "olga", "reason": "It is clear."}
    handed = run.do(olga, "execution.lane.handover", runId=known["runId"], **next_lane)
    stage.note(f"handed over to {handed.get('laneKey')}")
    run.decide(known, until=lambda: _at_gate(run, known))
    run.export(known)
    cast.subjects.append({"executionId": known["executionId"]})
    cast.runs.append(known)
    return needles_of(stage, other), _both(stage)


def _at_gate(run: Run, known: JsonObject) -> bool:
    """Whether nothing but the lane keeps a run from its end."""
    found = run.do(run.stage.world.olga, "execution.lane.get", runId=known["runId"]).get("run")
    return bool(found and found["completionPhase"] != "STEPS")


def _party(stage: Stage, cast: Cast) -> _Apart:
    """One of two people in one list; the answer speaks of two others, who stay."""
    contract = stage.registry.resolve("guests.visit.book")
    assert contract is not None
    sent = Filler(stage.canaries, contract, "(of one to erase)").input()
    erased, kept = sent["party"]
    answer = call(stage, stage.hans, contract, sent, "party", what="party")
    assert "errors" not in answer, answer
    cast.subjects.append({"subjectId": erased["name"]})
    cast.repeats.append((contract, sent, "party"))
    where = f"{contract.ref} output.party"
    planted = list(stage.canaries.planted.values())
    others = {one.needle for one in planted if one.where.startswith(where)}
    return needles_of(stage, kept) | others, set()


def _direct(stage: Stage, cast: Cast) -> _Apart:
    """Somebody of the example, in calls without a plan; webhooks tell of one of them."""
    email = _email(stage, "support.customer.reply@1.0.0")
    reply = {"ticketId": "t-1", "body": stage.canaries.text("a direct reply")}
    for key, value in (
        ("support.customer.reply", {**reply, "customerEmail": email}),
        ("support.refund.issue", _refund(email, 3.5)),
    ):
        contract = stage.registry.resolve(key)
        assert contract is not None
        answer = call(stage, stage.world.agent, contract, value, f"{key}, erased", what="erased")
        assert "errors" not in answer, answer
    cast.subjects.append({"subjectId": email})
    return set(), set()


def _grant(stage: Stage, cast: Cast) -> _Apart:
    """Somebody in the pattern of a grant."""
    contract = _contract(stage, lambda one: one.policy.subject is not None)
    pattern = Filler(stage.canaries, contract, "(in a grant, of one to erase)").input()
    terms = {
        "contract": contract.key,
        "requester": "agent-7",
        "maxUses": 2,
        "expiresAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "reason": "Weekly.",
        "issuedBy": "fiona",
    }
    run = Run(stage, contract, "ok")
    issued = run.do(stage.world.fiona, "grant.issue", **terms, arguments=pattern)
    stage.note(f"grant of one to erase: {bool(issued)}")
    cast.subjects.append({"subjectId": pattern["subject"]})
    return set(), set()


def _rights(stage: Stage, cast: Cast) -> _Apart:
    """What is written down about people who consent, or whom a hold is on that is lifted again."""
    petra = stage.petra
    for subject in [one for one in cast.subjects if "subjectId" in one][:2]:
        said = [stage.canaries.text(f"privacy.{what}") for what in ("consent", "hold", "lift")]
        told = {**subject, "purpose": "newsletter", "evidence": said[0]}
        ask(stage, petra, "privacy.consent.record", told)
        told = {**subject, "matter": "Case 7/26", "reason": said[1]}
        held = ask(stage, petra, "privacy.hold.place", told)
        ask(stage, petra, "privacy.hold.lift", {"holdId": held["holdId"], "reason": said[2]})
    return set(), set()


def _people_of_the_play(stage: Stage, cast: Cast) -> None:
    """Some whom inputs of the play named; the others stay."""
    chosen = 0
    for where, sent in list(stage.canaries.sent):
        contract = stage.registry.operations.get(where.partition(" ")[0])
        fits = "(sent directly)" in where or "(in a plan, ok)" in where
        if contract is None or contract.policy.subject != "subject" or not fits:
            continue
        if {"subjectId": sent["subject"]} in cast.subjects:
            continue
        if chosen < 3:
            cast.subjects.append({"subjectId": sent["subject"]})
            cast.falls |= needles_of(stage, sent)
        chosen += 1


def _started(
    stage: Stage, run: Run, steps: list[JsonObject], lane: str | None = None
) -> JsonObject:
    """A run that was started; its ids."""
    agent, olga = stage.world.agent, stage.world.olga
    text = stage.canaries.text("controlPlane.intent.submit@1.0.0 input.text")
    intent = run.do(agent, "intent.submit", workspaceId="acme", text=text)
    asked = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    plan = run.do(agent, "plan.compile", **asked, draft={"steps": steps})
    known = {"executionId": intent["executionId"], "planId": plan["planId"]}
    if lane is not None:
        named = {"executionId": known["executionId"], "laneKey": lane}
        run.do(olga, "execution.lane.assign", **named, assignedBy="olga")
    run.do(olga, "plan.verify", **known)
    return {**known, "runId": run.do(olga, "execution.start", **known)["runId"]}
