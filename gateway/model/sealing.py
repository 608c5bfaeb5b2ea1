"""PII in values: sealed before they are stored, opened for those who may see it.

These are the four ways in which the gateway handles the PII of a value. They work through the port
``Sealer``, so that they do not know how sealing is done.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Literal

from gateway.model.decision import Treatment
from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.pii import (
    SEALED,
    ErasedError,
    Owner,
    envelope_field,
    is_envelope,
    map_envelopes,
    map_owned,
    map_path,
    map_paths,
)
from gateway.model.plan import reference_of
from gateway.model.ports import Sealer
from gateway.model.problem import refuse

COMMITTED = "$hmac"
"""The key of a commitment, which stands for a PII value in what is hashed: ``{"$hmac": hex}``."""

Hashing = Callable[[JsonValue], str]
"""The keyed hash of a value under the key of one workspace, in hex."""

Side = Literal["input", "output", "payload"]
"""What of a contract a value is: the input or output of an operation, the payload of an event."""


def seal_paths(
    sealer: Sealer,
    owner: Owner,
    contract_ref: str,
    side: Side,
    value: JsonObject,
    paths: Iterable[str],
    *,
    subject: str | None = None,
    keep_references: bool = False,
) -> JsonObject:
    """A copy of the raw ``value`` with whatever stands at a PII path sealed into an envelope.

    ``paths`` are dotted, without the side (``customer.email``), and walk through lists. Null and
    absent members stay as they are. What stands there belongs to the person whom ``value`` names at
    the path ``subject``, and to ``owner`` where it names none. ``keep_references`` leaves
    ``{"$from": ...}`` readable, for the inputs of a plan. What merely looks like an envelope is
    sealed as well, wherever it stands: nobody can plant somebody else's envelope and have it opened
    for himself.
    """
    ours: dict[int, JsonObject] = {}  # by identity; kept here, so that no identity is reused

    def seal(whose: Owner, field: str, found: JsonValue) -> JsonObject:
        envelope = sealer.seal(whose, contract_ref, f"{side}.{field}", found)
        ours[id(envelope)] = envelope
        return envelope

    def planted(envelope: JsonObject) -> JsonObject:
        return envelope if id(envelope) in ours else seal(owner, SEALED, envelope)

    changed: JsonValue = value
    for path in _order(tuple(paths), subject):

        def at_path(whose: Owner, found: JsonValue, path: str = path) -> JsonValue:
            return found if keep_references and reference_of(found) else seal(whose, path, found)

        if subject is None:
            changed = map_path(changed, path, partial(at_path, owner))
        else:
            changed = map_owned(changed, path, owner, subject, at_path)
    sealed: JsonObject = map_envelopes(changed, planted)
    return sealed


@lru_cache(maxsize=4096)
def _order(paths: tuple[str, ...], subject: str | None) -> tuple[str, ...]:
    """The outermost paths in the order in which they are sealed: the name of a person may be PII
    itself, and must be read before it is sealed."""
    named = subject or ""
    outer = _outermost(paths)
    return tuple(sorted(outer, key=lambda path: named == path or named.startswith(f"{path}.")))


def unseal_all(sealer: Sealer, workspace: str, value: JsonValue) -> JsonValue:
    """A copy of ``value`` with every sealed envelope in it opened.

    Raises:
        ErasedError: the key of one was destroyed.
        ValueError: an envelope was altered or its key is not here.
    """
    return map_envelopes(value, lambda envelope: sealer.unseal(workspace, envelope))


def open_answer(sealer: Sealer, workspace: str, output: JsonObject) -> JsonObject:
    """A stored answer, opened for whoever repeats the call that it was given to.

    Raises:
        ProblemError: ERASED, or PRECONDITION_FAILED where the keys do not open it.
    """
    try:
        answer: JsonObject = unseal_all(sealer, workspace, output)
    except ErasedError as error:
        raise refuse("ERASED", "Personal data in the answer to this call was erased.") from error
    except ValueError as error:
        told = "The sealed answer to this call cannot be opened with the keys of this data folder."
        raise refuse("PRECONDITION_FAILED", told) from error
    return answer


def erased_in(sealer: Sealer, workspace: str, value: JsonValue) -> list[str]:
    """JSON pointers to the envelopes in ``value`` whose key was destroyed."""
    found: list[str] = []
    waiting: list[tuple[tuple[str | int, ...], JsonValue]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if is_envelope(item):
            try:
                sealer.unseal(workspace, item)
            except ErasedError:
                found.append(pointer(*path))
            except ValueError:
                continue
        elif isinstance(item, dict):
            waiting.extend(((*path, key), inner) for key, inner in item.items())
        elif isinstance(item, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(item))
    return sorted(found)


def commit_paths(
    sealer: Sealer,
    workspace: str,
    value: JsonValue,
    paths: Iterable[str],
    *,
    keep_references: bool = False,
) -> JsonValue:
    """A copy of the raw ``value`` with each PII value replaced by its commitment, for hashing.

    Equal values give equal commitments within a workspace and tell nothing outside it.
    ``keep_references`` leaves ``{"$from": ...}`` as it is: a reference is no PII, so the hash of
    a plan without PII literals is the same in every workspace.
    """

    def commit(_: str, found: JsonValue) -> JsonValue:
        if keep_references and reference_of(found):
            return found
        return {COMMITTED: sealer.commit(workspace, found)}

    return map_paths(value, _outermost(paths), commit)


def reveal(
    sealer: Sealer,
    workspace: str,
    value: JsonValue,
    treat: Callable[[str, str], Treatment],
    mask: Callable[[JsonValue, Treatment, Hashing], JsonValue],
) -> JsonValue:
    """A copy of ``value`` as somebody may see it: each envelope gives way to its treated value.

    ``treat`` is asked with the contract reference and the field (``input.<path>`` or
    ``output.<path>``) that the envelope was sealed for; ``mask`` applies the treatment, with the
    keyed hash of the workspace. An
    envelope that cannot be opened becomes null: what was erased reads as absent, not as an error.
    """

    def hashed(found: JsonValue) -> str:
        return sealer.commit(workspace, found)

    def show(envelope: JsonObject) -> JsonValue:
        try:
            opened = sealer.unseal(workspace, envelope)
        except ValueError:
            return None
        return mask(opened, treat(*envelope_field(envelope)), hashed)

    return map_envelopes(value, show)


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths without those that lie inside another: sealing the outer one covers them."""
    known = tuple(dict.fromkeys(paths))
    return tuple(path for path in known if not _is_inside(path, known))


def _is_inside(path: str, others: tuple[str, ...]) -> bool:
    return any(path.startswith(f"{other}.") for other in others)
