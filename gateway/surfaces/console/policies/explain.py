"""The playground: what would be decided of a call that nobody makes, and why."""

from dataclasses import dataclass

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.surfaces.console.forms import json_object
from gateway.surfaces.console.policies.access import TYPES, listed
from gateway.surfaces.console.policies.listing import Told, told
from gateway.surfaces.console.policies.rules import role_names
from gateway.surfaces.console.policies.sentences import sentence_of
from gateway.surfaces.console.visits import Page, Visit

_FIELDS = (
    *("contract", "type", "id", "roles", "workspace", "capabilities"),
    *("arguments", "unknown", "changesetId", "revision"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed, by field; empty where nothing was."""

    typed: dict[str, str]
    is_about_others: bool

    def problem(self) -> str | None:
        """What is wrong with it, to be told before it is asked."""
        try:
            self._arguments()
        except ValueError:
            return 'The arguments are no JSON object. Write them like {"amount": 250}.'
        if self.is_about_others and not self.typed["id"] and self._says_subject():
            return "Say who would call: give the subject a name, such as alice."
        return None

    def given(self) -> JsonObject:
        """The input of the explanation."""
        names = ("contract", "revision", "changesetId")
        asked: JsonObject = {name: self.typed[name] for name in names if self.typed[name]}
        if not self.is_about_others:
            return asked
        if self.typed["id"]:
            asked["subject"] = self._subject()
        if self.typed["arguments"]:
            asked["arguments"] = self._arguments()
        if self.typed["unknown"]:
            asked["unknown"] = listed(self.typed["unknown"])
        return asked

    def _arguments(self) -> JsonObject:
        """Raises ValueError for what is no JSON object."""
        return json_object(self.typed["arguments"] or "{}")

    def _says_subject(self) -> bool:
        return any(self.typed[name] for name in ("roles", "workspace", "capabilities"))

    def _subject(self) -> JsonObject:
        subject: JsonObject = {"type": self.typed["type"] or "HUMAN", "id": self.typed["id"]}
        for name in ("roles", "capabilities"):
            if self.typed[name]:
                subject[name] = listed(self.typed[name])
        if self.typed["workspace"]:
            subject["workspace"] = self.typed["workspace"]
        return subject


async def _show(visit: Visit) -> Response:
    """The form, filled in by the address; answered at once where that names a contract.

    Arguments may be personal data, which belong into no address.
    """
    typed = {name: visit.asked(name) for name in _FIELDS}
    return await _answered(visit, {**typed, "arguments": ""})


async def _take(visit: Visit) -> Response:
    """The answer to what was typed."""
    return await _answered(visit, {name: visit.form.get(name, "").strip() for name in _FIELDS})


async def _answered(visit: Visit, typed: dict[str, str]) -> Response:
    question = Question(typed, visit.may("policyRuleList"))
    wrong = question.problem()
    found = Told(None)
    if typed["contract"] and wrong is None:
        found = await told(visit, "PolicyExplanation", question.given())
        _say(found.output)
    return visit.render(
        "policies/explain.html",
        422 if wrong else found.status,
        typed=typed,
        is_about_others=question.is_about_others,
        wrong=wrong,
        refusal=found.problem,
        answer=found.output,
        types=TYPES,
        roles=await role_names(visit),
    )


def _say(answer: JsonObject | None) -> None:
    """Each rule of an answer with its sentence."""
    for name in ("matchedRules", "nearest"):
        for rule in (answer or {}).get(name, []):
            rule["sentence"] = sentence_of(rule["file"], rule["text"])


PAGES = (Page("/console/policies/explain", _show, _take),)
"""The playground."""
