"""Looking up what is recorded of the rights of people, and reading what was sealed there."""

from gateway.model.json import JsonValue
from gateway.model.pii import SEALED
from gateway.model.ports import Records, Sealer
from gateway.model.problem import ProblemError, refuse
from gateway.model.rights import Consent, Erasure, Hold


def require_erasure(records: Records, workspace: str, erasure_id: str) -> Erasure:
    """The erasure of this id in this workspace.

    Raises:
        ProblemError: NOT_FOUND.
    """
    found = records.erasure(workspace, erasure_id)
    if found is None:
        raise _unknown("erasure", erasure_id, "privacyErasureList")
    return found


def require_hold(records: Records, workspace: str, hold_id: str) -> Hold:
    """The hold of this id in this workspace.

    Raises:
        ProblemError: NOT_FOUND.
    """
    found = records.hold(workspace, hold_id)
    if found is None:
        raise _unknown("legal hold", hold_id, "privacyHoldList")
    return found


def require_consent(records: Records, workspace: str, consent_id: str) -> Consent:
    """The consent of this id in this workspace.

    Raises:
        ProblemError: NOT_FOUND.
    """
    found = records.consent(workspace, consent_id)
    if found is None:
        raise _unknown("consent", consent_id, "privacyConsentList")
    return found


def _unknown(what: str, named: str, lists: str) -> ProblemError:
    told = (
        f"There is no {what} {named[:100]} in this workspace. {lists} names those that there are."
    )
    return refuse("NOT_FOUND", told)


def read_text(sealer: Sealer, workspace: str, sealed: JsonValue) -> str | None:
    """A sealed text, None where there is none or it was erased."""
    if not isinstance(sealed, dict) or SEALED not in sealed:
        return None
    try:
        return str(sealer.unseal(workspace, sealed))
    except ValueError:
        return None
