"""Each lie that is planted in a true story is found by the checker."""

from collections.abc import Callable

import pytest

from tests.faults.history import DIFFER, FAIL
from tests.faults.story import (
    REFUND,
    REPLY,
    Fact,
    Story,
    dispatched,
    effect,
    operation,
    settled,
    true_story,
    unknown,
)

Lie = Callable[[Story], object]


def _lose(kind: str) -> Lie:
    return lambda story: story.facts.remove(story.fact(kind))


def _double(kind: str, step: str | None = None) -> Lie:
    return lambda story: story.after(kind, step, story.fact(kind, step))


def _change(which: str, **told: object) -> Lie:
    def lie(story: Story) -> None:
        asked = story.asked(which)
        for name, value in told.items():
            setattr(asked, name, value)

    return lie


def _insert(kind: str, step: str | None, *facts: Fact) -> Lie:
    return lambda story: story.after(kind, step, *facts)


def _body(kind: str, step: str | None, **told: object) -> Lie:
    return lambda story: story.fact(kind, step).body.update(told)


def _happen(*effects: object) -> Lie:
    return lambda story: story.effects.extend(effects)  # type: ignore[arg-type]


def _later(kind: str, **told: object) -> Lie:
    return lambda story: story.ask(kind, **told)


def _retry_in_doubt(story: Story) -> None:
    """The reply got no answer and was sent again: it must not be, for nobody knows keys there."""
    story.fact("step.completed", REPLY).body["attempt"] = 2
    doubt = settled("retrying", REPLY, **unknown())
    story.after("step.dispatched", REPLY, doubt, dispatched(REPLY, 2))


def _send_under_another_key(story: Story) -> None:
    """The refund got no answer, and was sent again under a key that the service does not know."""
    story.fact("step.completed", REFUND).body["attempt"] = 2
    more = {"approvalId": "appr_1", "idempotencyKey": "another"}
    doubt = settled("retrying", REFUND, epoch=2, **unknown())
    story.after("step.dispatched", REFUND, doubt, dispatched(REFUND, 2, 2, **more))


def _depend(story: Story) -> None:
    """The reply, which was sent first, was to wait for the refund."""
    (reply,) = [one for one in story.fact("plan.compiled").body["steps"] if one["id"] == REPLY]
    reply["dependsOn"] = ["refund"]


def _consent_of_reply(story: Story) -> None:
    """The refund goes out on what was approved for the reply."""
    for kind in ("approval.requested", "approval.voted"):
        story.fact(kind).body["stepId"] = REPLY
    story.asked("approve").step = REPLY


def _end_before_the_last_step(story: Story) -> None:
    """The run is told to be completed, and only then its last attempt is settled."""
    story.facts[-2:] = story.facts[:-3:-1]


def _swap(story: Story) -> None:
    """The record has the pause before the start, though the start was answered first."""
    start, pause = story.fact("run.started"), story.fact("run.paused")
    pause.body, start.body = {}, {}
    at, other = story.facts.index(start), story.facts.index(pause)
    story.facts[at], story.facts[other] = pause, start


def _send_while_paused(story: Story) -> None:
    """The reply is sent, and answered, between the pause and the resumption."""
    reply = [story.fact("step.dispatched", REPLY), story.fact("step.completed", REPLY)]
    for fact in reply:
        story.facts.remove(fact)
    story.after("run.paused", None, *reply)


LIES: dict[str, tuple[Lie, str]] = {
    # What clients saw could not have happened in any order.
    "stale read": (_later("read", client="rita", status="RUNNING"), "no order explains it"),
    "lost pause": (
        lambda story: story.operations.append(
            operation("read", 6.6, ended=6.9, status="RUNNING")
        ),
        "no order explains it",
    ),
    "approved twice": (
        lambda story: [
            story.operations.append(operation("approve", 8.7, "gary", step=REFUND)),
            story.after(
                "approval.voted",
                None,
                Fact("call.completed"),
            ),
        ],
        "no order explains it",
    ),
    "refused though allowed": (
        lambda story: story.operations.append(
            operation("cancel", 5.6, "otto", outcome=FAIL, code="CONFLICT", status="RUNNING")
        ),
        "no order explains it",
    ),
    "refused in a state that never was": (
        lambda story: story.operations.append(
            operation("resume", 5.6, "otto", outcome=FAIL, code="CONFLICT", status="EXPIRED")
        ),
        "no order explains it",
    ),
    "completed though rejected": (_change("approve", kind="reject"), "no order explains it"),
    "command after the end": (_later("pause", client="otto", status="PAUSED"), "no order"),
    # What was acknowledged, and what the record has.
    "lost command": (_lose("run.resumed"), "the record has 0"),
    "lost vote": (_lose("approval.voted"), "the record has 0"),
    "lost intent": (_lose("intent.received"), "is 0 times in the record"),
    "doubled command": (_double("run.paused"), "the record has 2"),
    "recorded though refused": (
        _change("pause", outcome=FAIL, code="SERVICE_UNAVAILABLE", status=None),
        "the record has 1",
    ),
    "intent of nobody": (
        lambda story: story.facts.append(Fact("intent.received", execution="exec_2")),
        "1 intents are in the record, only 0",
    ),
    "other order": (_swap, "is recorded before"),
    "two answers": (_change("pause", met=[DIFFER]), "was answered in two ways"),
    "internal error": (
        _later("pause", outcome=FAIL, code="INTERNAL_ERROR"),
        "was refused unexpectedly",
    ),
    # What the record says of the run.
    "impossible transition": (
        _body("plan.verified", None, executionStatus="completed"),
        "COMPILED became COMPLETED",
    ),
    "sent while paused": (
        _send_while_paused,
        "is sent while the run is PAUSED",
    ),
    "sent while shut down": (
        _insert("run.started", None, Fact("run.stopping", actor="nobody")),
        "being shut down",
    ),
    "sent twice at once": (
        _insert("step.dispatched", REPLY, dispatched(REPLY, 2)),
        "is sent although it is DISPATCHED",
    ),
    "sent after it completed": (
        _insert("step.completed", REPLY, dispatched(REPLY, 2), settled("completed", REPLY, 2)),
        "is sent although it is COMPLETED",
    ),
    "attempt left out": (_body("step.dispatched", REPLY, attempt=2), "attempt 2 follows 0"),
    "settled twice": (_double("step.completed", REPLY), "is settled although it is COMPLETED"),
    "late claim": (_body("step.completed", REFUND, epoch=1), "epoch 1 wrote after epoch 2"),
    "sent without consent": (
        _body("step.dispatched", REFUND, approvalId=None),
        "without the consent",
    ),
    "consent never given": (
        _body("approval.voted", None, approved=False),
        "consent appr_1 is pending",
    ),
    "consent of another step": (
        _body("step.dispatched", REPLY, approvalId="appr_1"),
        "consent appr_1 is None",
    ),
    "consent for another step": (_consent_of_reply, "was asked for another step than refund"),
    "consent asked for again": (
        _double("approval.requested"),
        "consent appr_1 is asked for twice",
    ),
    "sent before what it depends on": (_depend, "is sent while refund is PLANNED, on which"),
    "sent under another key": (_send_under_another_key, "is sent under another key than before"),
    "ended too early": (_end_before_the_last_step, "is COMPLETED while refund is DISPATCHED"),
    "ended twice": (_double("run.ended"), "a run ends that is COMPLETED"),
    "repeated in doubt": (_retry_in_doubt, "may have had its effect and is tried again"),
    "given up too early": (
        lambda story: [
            story.fact("step.completed", REFUND).body.update(unknown()),
            setattr(story.fact("step.completed", REFUND), "type", "step.unresolved"),
        ],
        "could be tried again and is left unresolved",
    ),
    "left running": (_lose("run.ended"), "is left RUNNING"),
    "never settled": (_lose("step.completed"), "an attempt of it was never settled"),
    # What happened at the service.
    "keyed twice": (_happen(effect("refund", "other", cents=10100)), "happened 2 times, at most 1"),
    "unkeyed twice": (_happen(effect("reply", body="hello")), "happened 2 times, at most 1"),
    "key of two effects": (
        _happen(effect("refund", "key_step_refund", cents=10100)),
        "key key_step_refund had",
    ),
    "effect under a strange key": (
        lambda story: story.effects[1].update(key="key_of_nobody"),
        "under the key key_of_nobody, which it was never sent under",
    ),
    "effect lost": (lambda story: story.effects.pop(), "is completed and never happened"),
    "effect of nobody": (_happen(effect("reply", body="spam")), "nobody asked for reply:spam"),
    "effect of what failed": (
        lambda story: [
            setattr(story.fact("step.completed", REFUND), "type", "step.failed"),
            story.fact("run.ended").body.update(executionStatus="failed"),
        ],
        "it failed for certain and yet happened",
    ),
    "effect of what was never sent": (
        lambda story: [_lose("step.dispatched")(story), _lose("step.completed")(story)],
        "it was never sent and happened 1 times",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_each_planted_lie_is_found(name: str) -> None:
    lie, told = LIES[name]
    story = true_story()
    lie(story)
    found = story.verdict().anomalies
    assert any(told in anomaly for anomaly in found), found
