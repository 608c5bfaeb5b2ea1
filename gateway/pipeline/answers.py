"""What a handler answered, held to its contract: emitted events, then the output."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from gateway.contracts import Registry, pii_of
from gateway.model.action import ActionOutcome, Answered, Declined
from gateway.model.contract import EventContract, OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import Owner, named_owner
from gateway.model.ports import Sealer
from gateway.model.problem import ProblemError, refuse
from gateway.model.scrubbing import scrub, values_at
from gateway.model.sealing import seal_paths
from gateway.pipeline.refusals import declined

Events = tuple[tuple[str, JsonObject], ...]
"""Emitted events as (reference ``key@version``, payload)."""


class Answer(Struct, frozen=True):
    """A validated answer: the raw output and the events it emits, as (reference, payload)."""

    output: JsonObject
    events: Events = ()

    def sealed_output(
        self, sealer: Sealer, owner: Owner, contract: OperationContract
    ) -> JsonObject:
        """The output as it may be stored; it is ``owner``'s where it names nobody."""
        return seal_output(sealer, owner, contract, self.output)

    def sealed_events(
        self, sealer: Sealer, owner: Owner, registry: Registry, contract: OperationContract
    ) -> list[JsonObject]:
        """The events as they may be stored; what is PII of the contract is PII of its events."""
        return seal_events(
            sealer,
            named_owner(owner, contract.policy.subject, self.output),
            registry,
            contract,
            self.events,
        )


def seal_output(
    sealer: Sealer, owner: Owner, contract: OperationContract, output: JsonObject
) -> JsonObject:
    """An output as it may be stored; it is ``owner``'s where it names nobody."""
    paths, subject = pii_of(contract, "output"), contract.policy.subject
    return seal_paths(sealer, owner, contract.ref, "output", output, paths, subject=subject)


def seal_events(
    sealer: Sealer,
    owner: Owner,
    registry: Registry,
    contract: OperationContract,
    events: Events,
) -> list[JsonObject]:
    """Emitted events as they may be stored; they are ``owner``'s where they name nobody."""
    sealed = []
    for ref, payload in events:
        paths = sorted({*registry.events[ref].pii, *contract.policy.pii})
        subject = contract.policy.subject
        told = seal_paths(sealer, owner, ref, "payload", payload, paths, subject=subject)
        sealed.append({"event": ref, "payload": told})
    return sealed


def declared_events(
    registry: Registry, refs: Iterable[str], value: JsonObject, output: JsonObject
) -> Events:
    """The events ``refs`` that a built-in command emits, built from its input and output.

    Raises:
        ProblemError: VALIDATION_FAILED, if the payload cannot be built from the two.
    """
    found = []
    for ref in refs:
        event = registry.events[ref]
        payload = registry.payload_of(event).check(_payload(event, value, output), f"/events/{ref}")
        found.append((ref, payload))
    return tuple(found)


def accept_answer(
    registry: Registry, contract: OperationContract, value: JsonObject, answered: Answered
) -> Answer:
    """Guard the emitted events and validate the output.

    ``value`` is the input that the handler got. An event that the contract declares and the
    handler did not emit by itself is built from output and input by the names of its fields.

    Raises:
        ProblemError: BAD_GATEWAY, naming what does not fit; the effect has happened all the same.
    """
    try:
        output = registry.output_of(contract).check(answered.output, "/output")
        events = tuple(_events(registry, contract, value, output, answered))
    except ProblemError as error:
        found = scrub(error.problem, _private(contract, value, answered))
        raise refuse(
            "BAD_GATEWAY",
            f"The handler of {contract.ref} answered what its contract does not allow: "
            f"{found.detail}",
            retryable=False,
            issues=found.issues,
        ) from error
    return Answer(output, events)


def output_of(
    registry: Registry, contract: OperationContract, value: JsonObject, outcome: ActionOutcome
) -> JsonObject:
    """The output of a query that its handler answered.

    Raises:
        ProblemError: what the handler declined it with; BAD_GATEWAY where there is no answer, or
            as ``accept_answer``.
    """
    if isinstance(outcome, Answered):
        return accept_answer(registry, contract, value, outcome).output
    if isinstance(outcome, Declined):
        raise ProblemError(declined(outcome, values_at(value, contract.policy.pii)))
    told = f"{contract.key} could not be answered: {outcome.reason}"
    raise refuse("BAD_GATEWAY", told, retry_after=outcome.retry_after)


def _private(
    contract: OperationContract, value: JsonObject, answered: Answered
) -> Iterator[JsonValue]:
    """The PII of a call: of its input, its output, and of whatever its handler emitted."""
    told = [value, answered.output]
    for item in (*told, *(payload for _, payload in answered.events)):
        yield from values_at(item, contract.policy.pii)


def _events(
    registry: Registry,
    contract: OperationContract,
    value: JsonObject,
    output: JsonObject,
    answered: Answered,
) -> Iterator[tuple[str, JsonObject]]:
    for ref, _ in answered.events:
        if ref not in contract.emits:
            raise refuse(
                "BAD_GATEWAY",
                f"it emitted {ref}, which it does not declare. Add it to `emits`, or stop emitting "
                "it.",
            )
    for ref in contract.emits:
        event = registry.events[ref]
        emitted: list[JsonObject] = [told for own, told in answered.events if own == ref]
        for payload in emitted or [{}]:
            whole = payload or _payload(event, value, output)
            yield ref, registry.payload_of(event).check(whole, f"/events/{ref}")


def _payload(event: EventContract, value: JsonObject, output: JsonObject) -> JsonObject:
    known = {**value, **output}
    return {name: known[name] for name in event.payload if known.get(name) is not None}
