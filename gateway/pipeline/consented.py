"""Consent: whether the person whom a call is about has consented to its purpose."""

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.pii import Owner, named_owner
from gateway.model.ports import Journal, Records, Sealer
from gateway.model.problem import ProblemError, refuse
from gateway.model.rights import Subject, SubjectKind, pseudonym
from gateway.pipeline.call import Admitted
from gateway.pipeline.record import CallRecorder


def require_consent(
    records: Records,
    sealer: Sealer,
    workspace: str,
    contract: OperationContract,
    value: JsonObject,
    now: str,
) -> None:
    """Refuse a call that needs a consent which the person whom its input ``value`` names has not
    given, or that names nobody.

    Raises:
        ProblemError: CONSENT_REQUIRED.
    """
    purpose = contract.policy.consent
    if purpose is None:
        return
    nobody = Owner(workspace, "")
    owner = named_owner(nobody, contract.policy.subject, value)
    extra: JsonObject = {"purpose": purpose}
    if owner is nobody:
        told = f"{contract.key} needs consent to {purpose!r}, but the input names nobody."
        raise refuse("CONSENT_REQUIRED", told, extra=extra)
    subject = Subject(workspace, SubjectKind.PERSON, pseudonym(sealer, owner))
    if not any(one.purpose == purpose for one in records.active_consents(subject, now)):
        told = (
            f"{contract.key} needs the person's consent to {purpose!r}, and there is none that "
            "stands. Record it with privacyConsentRecord once it is given."
        )
        raise refuse("CONSENT_REQUIRED", told, extra=extra)


async def require_consent_now(
    journal: Journal, sealer: Sealer, recorder: CallRecorder, admitted: Admitted
) -> None:
    """``require_consent`` for a query, which has no transaction; a refusal is recorded.

    Raises:
        ProblemError: CONSENT_REQUIRED.
    """
    contract, value = admitted.contract, admitted.value
    if contract.policy.consent is None:
        return
    workspace, now = admitted.principal.workspace, recorder.now()
    try:
        await journal.read(
            lambda records: require_consent(records, sealer, workspace, contract, value, now)
        )
    except ProblemError as error:
        await recorder.queue(recorder.failed(admitted, error.problem))
        raise
