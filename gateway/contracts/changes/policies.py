"""Changes of what a contract demands of its callers, and of what it declares as personal data."""

from collections.abc import Iterator, Mapping, Sequence

from gateway.contracts.changes.change import Change
from gateway.contracts.changes.rules import change
from gateway.contracts.changes.shapes import Side
from gateway.contracts.paths import coverings, walked_type
from gateway.model.contract import ContractPolicy, RateLimit
from gateway.model.pii import ANY_CLASS, PiiClasses


def policy_changes(where: str, old: ContractPolicy, new: ContractPolicy) -> Iterator[Change]:
    """What differs between two policies, but for the level of authentication and PII paths."""
    yield from _rate_changes(f"{where} rateLimit", old.rate_limit, new.rate_limit)
    if old.idempotent != new.idempotent:
        code = "idempotence-gained" if new.idempotent else "idempotence-lost"
        yield change(code, where, f"idempotent became {str(new.idempotent).lower()}")
    if old.escalate != new.escalate:
        code = "approval-demanded" if new.escalate else "approval-waived"
        told = "escalate was added" if new.escalate else "escalate was removed"
        yield change(code, where, told)
    if old.subject != new.subject:
        told = f"the subject {old.subject or 'none'} became {new.subject or 'none'}"
        yield change("subject-changed", where, told)
    if old.consent != new.consent:
        code = "consent-purpose-changed"
        if not (old.consent and new.consent):
            code = "consent-demanded" if new.consent else "consent-waived"
        told = f"consent to {old.consent or 'nothing'} became {new.consent or 'nothing'}"
        yield change(code, where, told)
    if old.cost != new.cost:
        told = " became ".join(_weight(one.cost) for one in (old, new))
        yield change("cost-changed", where, f"the cost {told}")
    yield from not_pii_changes(where, old.not_pii, new.not_pii)


def _weight(cost: int | None) -> str:
    return "that of its kind" if cost is None else str(cost)


def not_pii_changes(where: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """What differs in what is said to be no personal data."""
    for path in old.keys() | new.keys():
        if old.get(path) != new.get(path):
            yield change("not-pii-changed", f"{where} notPii.{path}", "it is said otherwise")


def pii_changes(
    where: str, sides: Sequence[Side], classes: Sequence[Mapping[str, PiiClasses]]
) -> Iterator[Change]:
    """What differs in what two sides declare, of fields that both have.

    A path that is declared as a whole declares what is inside it.
    """
    old, new = sides
    for path in sorted({*old.pii, *new.pii}):
        if not all(walked_type(side.fields, side.types, path) for side in sides):
            continue  # the field itself came or went
        known = [_classes(side, of, path) for side, of in zip(sides, classes, strict=True)]
        place = f"{where}.{path}"
        if not known[1]:
            yield change("pii-undeclared", place, "it is declared as personal data no longer")
        elif not known[0]:
            yield change("pii-declared", place, f"it is declared as {_names(known[1])}")
        elif known[0] != known[1]:
            told = f"{_names(known[0])} became {_names(known[1])}"
            yield change("pii-classes-changed", place, told)


def _classes(side: Side, classes: Mapping[str, PiiClasses], path: str) -> PiiClasses:
    """The classes of what stands at a path; empty where it is not declared."""
    found = (classes.get(each, ANY_CLASS) for each in coverings(path, side.pii))
    return frozenset().union(*found)


def _names(classes: PiiClasses) -> str:
    return ", ".join(sorted(one.value for one in classes))


def _rate_changes(where: str, old: RateLimit | None, new: RateLimit | None) -> Iterator[Change]:
    if old is not None and new is not None and old.key is not new.key:
        told = f"{old.key.value} became {new.key.value}"
        yield change("rate-limit-shared-otherwise", where, told)
    before, after = (one.rpm if one else float("inf") for one in (old, new))
    if before != after:
        code = "rate-limit-tightened" if after < before else "rate-limit-loosened"
        words = [f"{one.rpm} a minute" if one else "no limit" for one in (old, new)]
        yield change(code, where, " became ".join(words))
