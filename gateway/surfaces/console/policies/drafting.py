"""The form that proposes a change of policy, or revises one."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

from starlette.responses import RedirectResponse, Response

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.forms import MAX_BYTES
from gateway.surfaces.console.policies.changes import read
from gateway.surfaces.console.policies.listing import ask
from gateway.surfaces.console.policies.rows import RULE_FILES
from gateway.surfaces.console.policies.sentences import Sentence, sentence_of
from gateway.surfaces.console.visits import Page, Visit

MAX_EDITS = 40
"""How many edits the form holds."""

_ROOM = MAX_BYTES - 4_096
"""How many bytes what is typed may take as browsers send it, beside the names of all fields."""

_SEND = "send"
_MORE = "more"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit as it is typed: a row of ``file`` that is removed, added or both, or where
    ``is_whole`` the whole text of the file."""

    file: str = "access.csv"
    remove: str = ""
    add: str = ""
    text: str = ""
    is_whole: bool = False

    @property
    def is_empty(self) -> bool:
        """True if it says nothing."""
        return not self.is_whole and not self.remove and not self.add

    @property
    def before(self) -> Sentence | None:
        """The sentence of the row that is removed."""
        return sentence_of(self.file, self.remove)

    @property
    def after(self) -> Sentence | None:
        """The sentence of the row that is added."""
        return sentence_of(self.file, self.add)

    def to_json(self) -> JsonObject:
        """The edit as the API takes it."""
        if self.is_whole:
            return {"file": self.file, "text": self.text}
        rows = {"remove": self.remove, "add": self.add}
        return {"file": self.file, **{name: row for name, row in rows.items() if row}}

    @classmethod
    def from_json(cls, told: JsonObject) -> "Edit":
        """The edit that the API tells."""
        is_whole = told["text"] is not None
        rows = (told["remove"] or "", told["add"] or "")
        return cls(told["file"], *rows, text=told["text"] or "", is_whole=is_whole)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is typed: title, reason and edits."""

    title: str
    reason: str
    edits: tuple[Edit, ...]

    def to_json(self) -> JsonObject:
        """The proposal as the API takes it."""
        edits = [edit.to_json() for edit in self.edits if not edit.is_empty]
        return {"title": self.title, "reason": self.reason, "edits": edits}

    @property
    def size(self) -> int:
        """How many bytes it takes as browsers send it."""
        rows = [part for edit in self.edits for part in (edit.file, edit.remove, edit.add)]
        texts = [edit.text for edit in self.edits]
        return sum(map(_sent_size, (self.title, self.reason, *rows, *texts)))

    def with_another(self) -> "Proposal":
        """The same with room for one more edit."""
        room = (Edit(),) if len(self.edits) < MAX_EDITS else ()
        return Proposal(self.title, self.reason, (*self.edits, *room))


def _sent_size(text: str) -> int:
    """Browsers end lines with two signs, and write most that is no plain letter as three."""
    return len(quote_plus(text.replace("\n", "\r\n"), safe="*"))


def typed(form: Mapping[str, str]) -> Proposal:
    """What a form brings."""
    numbers = (number for number in range(MAX_EDITS) if f"file-{number}" in form)
    edits = tuple(_edit(form, number) for number in numbers)
    return Proposal(form.get("title", "").strip(), form.get("reason", "").strip(), edits)


def _edit(form: Mapping[str, str], number: int) -> Edit:
    def field(name: str) -> str:
        return form.get(f"{name}-{number}", "")

    rows = (field("remove").strip(), field("add").strip())
    return Edit(field("file").strip(), *rows, field("text"), field("how") == "file")


async def _new(visit: Visit) -> Response:
    """An empty form, or with what the address names."""
    edit = Edit(visit.asked("file") or "access.csv", visit.asked("remove"), visit.asked("add"))
    return _form(visit, Proposal("", "", (edit,)))


async def _draft(visit: Visit) -> Response:
    """Propose what is typed."""
    return await _sent(visit, "PolicyDraft", {}, "drafted")


async def _revision(visit: Visit) -> Response:
    """The form with what a changeset says now.

    Raises:
        ProblemError: PAYLOAD_TOO_LARGE, where the form could not bring it back.
    """
    changeset = await read(visit, visit.request.path_params["id"])
    edits = tuple(Edit.from_json(edit) for edit in changeset["edits"])
    proposal = Proposal(changeset["title"], changeset["reason"], edits)
    if len(edits) > MAX_EDITS or proposal.size > _ROOM:
        raise refuse(
            "PAYLOAD_TOO_LARGE",
            f"This change has {len(edits)} edits, which take {proposal.size} bytes as a form; one "
            f"holds {MAX_EDITS} and {_ROOM}. Revise it with policyChangesetRevise, or propose "
            "files with `gateway policy import`.",
        )
    return _form(visit, proposal)


async def _revise(visit: Visit) -> Response:
    """Revise a changeset to what is typed."""
    changeset_id = visit.request.path_params["id"]
    return await _sent(visit, "PolicyRevise", {"changesetId": changeset_id}, "revised")


async def _sent(visit: Visit, operation: str, which: JsonObject, done: str) -> Response:
    """Send what is typed, unless the form only asks to be shown again."""
    proposal = typed(visit.form)
    wanted = visit.form.get("do", "")
    if wanted != _SEND:
        return _form(visit, proposal.with_another() if wanted == _MORE else proposal)
    try:
        made = await ask(visit, operation, {**which, **proposal.to_json()})
    except AskedError as error:
        return _form(visit, proposal, error.problem)
    return RedirectResponse(f"/console/policies/changes/{made['changesetId']}?done={done}", 303)


def _form(visit: Visit, proposal: Proposal, refusal: JsonObject | None = None) -> Response:
    changeset_id = visit.request.path_params.get("id")
    return visit.render(
        "policies/drafting.html",
        (refusal or {}).get("status", 200),
        proposal=proposal,
        changeset_id=changeset_id,
        files=(*RULE_FILES, "separation.yaml", "cases/new.yaml"),
        has_room=len(proposal.edits) < MAX_EDITS,
        refusal=refusal,
    )


PAGES = (
    Page("/console/policies/changes/new", _new, _draft),
    Page("/console/policies/changes/{id}/revise", _revision, _revise),
)
"""The forms."""
