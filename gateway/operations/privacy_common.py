"""What the operations of the rights of people share: whom a call names, and how that is shown."""

import asyncio

from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.problem import Issue, invalid
from gateway.model.rights import RightsFilter, Subject, SubjectKind
from gateway.model.time import stamp
from gateway.operations.approvals import moment_of
from gateway.operations.common import said
from gateway.pipeline import Admitted
from gateway.rights import Named, Rights
from gateway.rights.lookup import read_text
from gateway.runtime import Loop, require_execution

MAX_NAME = 500
MAX_TEXT = 4_000


def named_by(rights: Rights, admitted: Admitted, records: Records) -> Named:
    """Whom the input names: a person by ``subjectId`` or an execution by ``executionId``.

    Raises:
        ProblemError: VALIDATION_FAILED where it is not just one of them, NOT_FOUND for an execution
            that is not there.
    """
    value, workspace = admitted.value, admitted.principal.workspace
    execution_id = value.get("executionId")
    if (value.get("subjectId") is None) == (execution_id is None):
        told = "must be given, or executionId, and not both"
        raise invalid([Issue("/input/subjectId", "REQUIRED", told)])
    if execution_id is not None:
        return rights.desk.execution(
            workspace, require_execution(records, workspace, execution_id).id
        )
    return person_of(rights, admitted)


def person_of(rights: Rights, admitted: Admitted) -> Named:
    """The person whom the input names by ``subjectId``.

    Raises:
        ProblemError: VALIDATION_FAILED for what is no name.
    """
    name = admitted.value["subjectId"]
    if len(name) > MAX_NAME:
        told = f"has more than {MAX_NAME} characters"
        raise invalid([Issue("/input/subjectId", "OUT_OF_RANGE", told)])
    person = rights.desk.person(admitted.principal.workspace, name)
    if person is None or not said(name):
        raise invalid([Issue("/input/subjectId", "REQUIRED", "must name a person")])
    return person


def text_of(admitted: Admitted, field: str) -> str | None:
    """A text of the input that people read.

    Raises:
        ProblemError: VALIDATION_FAILED where it says nothing, or too much.
    """
    text: str | None = admitted.value.get(field)
    if text is None:
        return None
    if not said(text):
        raise invalid([Issue(f"/input/{field}", "REQUIRED", "must say something")])
    if len(text) > MAX_TEXT:
        told = f"has more than {MAX_TEXT} characters"
        raise invalid([Issue(f"/input/{field}", "OUT_OF_RANGE", told)])
    return text


def required_text(admitted: Admitted, field: str) -> str:
    """``text_of`` for a required field."""
    return text_of(admitted, field) or ""


def expiry_of(admitted: Admitted, now: str) -> str | None:
    """The stamp of ``expiresAt``.

    Raises:
        ProblemError: VALIDATION_FAILED for a moment that is not ahead.
    """
    told = admitted.value.get("expiresAt")
    if told is None:
        return None
    moment = moment_of(told, "/input/expiresAt")
    if moment <= now:
        raise invalid([Issue("/input/expiresAt", "OUT_OF_RANGE", "must lie in the future")])
    return moment


async def believed(rights: Rights, _admitted: Admitted) -> str:
    """The moment up to which the clock is believed: a hold that ends later still stands."""
    return (await asyncio.to_thread(rights.calendar.look)).moment


def filter_of(loop: Loop, rights: Rights, admitted: Admitted) -> RightsFilter:
    """Which erasures, holds or consents the input asks for."""
    value = admitted.value
    status = value.get("status")
    person = person_of(rights, admitted) if value.get("subjectId") is not None else None
    return RightsFilter(
        workspace=admitted.principal.workspace,
        now=stamp(loop.clock.now()),
        status=status.lower() if status else None,
        target=person.subject.target if person else None,
        active=value.get("active"),
    )


def shown_subject(loop: Loop, subject: Subject, asked: JsonObject) -> JsonObject:
    """A subject as answers show it: by name, as long as that is not erased."""
    if subject.kind is SubjectKind.EXECUTION:
        return {"kind": "EXECUTION", "executionId": subject.target}
    name = shown_text(loop, subject, asked, "subjectId")
    return {"kind": "PERSON", "subjectId": name, "pseudonym": subject.target}


def shown_text(loop: Loop, subject: Subject, sealed: JsonObject | None, field: str) -> str | None:
    """A sealed text as answers show it; None where there is none, or it was erased."""
    return read_text(loop.sealer, subject.workspace, (sealed or {}).get(field))
