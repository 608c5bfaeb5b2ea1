"""What can be done with a changeset, and what is said before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do with a changeset.

    ``contract`` is what ``allowedActions`` calls it, ``operation`` the document that asks for it;
    ``fixed`` is always in the input, ``by`` names the input field of the person. ``asks`` is the
    form field that it takes (``note`` and ``days`` may be left empty, ``reason`` may not), and
    ``names_revision`` says that it is about exactly the revision that was read.
    """

    name: str
    contract: str
    operation: str
    button: str
    will: str
    done: str
    tone: str = ""
    fixed: tuple[tuple[str, bool], ...] = ()
    by: str = ""
    asks: str = ""
    names_revision: bool = False


_ALL = (
    Action(
        "activate",
        "policy.changeset.activate",
        "PolicyActivate",
        "Activate",
        "The changed rules decide from the next moment on, in every process of this gateway. Runs "
        "that wait are looked at again: requests for approval whose terms changed become void. "
        "The way back is a change of its own.",
        "It is in force now.",
        "primary",
        by="activatedBy",
        names_revision=True,
    ),
    Action(
        "approve",
        "policy.changeset.approve",
        "PolicyApprove",
        "Approve",
        "You vouch for exactly this revision, and your name is recorded. Nothing changes yet: "
        "it is activated afterwards. Whatever revises it drops your approval.",
        "Approved. It changes nothing until somebody activates it.",
        "primary",
        by="approvedBy",
        asks="note",
        names_revision=True,
    ),
    Action(
        "analyze",
        "policy.changeset.analyze",
        "PolicyAnalyze",
        "Analyze impact",
        "Recorded decisions are made again under this change, beside live traffic and without "
        "effect. It takes from seconds to minutes, and this page shows how far it has come.",
        "The analysis has begun.",
        asks="days",
    ),
    Action(
        "shadow",
        "policy.changeset.shadow",
        "PolicyCastShadow",
        "Let it decide in the shadow",
        "From now on it decides beside the rules in force, without effect, and counts what comes "
        "out otherwise. One change at a time can do so.",
        "It decides in the shadow now, without effect.",
        fixed=(("active", True),),
    ),
    Action(
        "end-shadow",
        "policy.changeset.shadow",
        "PolicyCastShadow",
        "End the shadow",
        "It stops deciding beside the rules in force; what it found is recorded.",
        "It does not decide in the shadow any more.",
        fixed=(("active", False),),
    ),
    Action(
        "reject",
        "policy.changeset.reject",
        "PolicyReject",
        "Reject",
        "This change ends for good. Its authors see your reason, and may propose another one.",
        "Rejected. It cannot come into force any more.",
        "danger",
        by="rejectedBy",
        asks="reason",
    ),
    Action(
        "withdraw",
        "policy.changeset.withdraw",
        "PolicyWithdraw",
        "Withdraw",
        "This change ends for good. What is in force stays as it is.",
        "Withdrawn. It cannot come into force any more.",
        "danger",
        by="withdrawnBy",
        asks="reason",
    ),
)

ACTIONS: Mapping[str, Action] = {action.name: action for action in _ALL}
"""Every action by its name, in the order in which they are offered."""

REVISE = "policy.changeset.revise"
"""What ``allowedActions`` calls a revision of the edits."""


def offered(changeset: JsonObject) -> list[Action]:
    """What the viewer may do with a changeset now."""
    allowed = changeset["allowedActions"]
    hidden = "shadow" if changeset["shadowing"] else "end-shadow"
    return [one for one in _ALL if one.contract in allowed and one.name != hidden]


def input_of(action: Action, changeset_id: str, form: Mapping[str, str], who: str) -> JsonObject:
    """The input that does it, from a form that was sent by ``who``.

    Raises:
        ValueError: the days are no number.
    """
    asked: JsonObject = {"changesetId": changeset_id, **dict(action.fixed)}
    if action.by:
        asked[action.by] = who
    if action.names_revision:
        asked["revision"] = form.get("revision", "")
    text = form.get(action.asks, "").strip() if action.asks else ""
    if action.asks == "reason":
        asked["reason"] = text
    elif text:
        asked[action.asks] = _number(text) if action.asks == "days" else text
    return asked


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)
