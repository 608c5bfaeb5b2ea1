"""Patterns of standing grants: which arguments a grant stands for.

A pattern names every input field of its contract: with a value, which a call must have exactly
(null: must not have at all); with ``{"$any": true}``; or, for a number, with ``{"$max": n}``, which
stands for no negative one unless n is negative (degrees of latitude and longitude aside). A nested
model is spelled out field by field in the same way, or left to ``$any`` as a whole. What a
pattern does not name does not match.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.contracts import Io, pii_of
from gateway.model.contract import NamedType, ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue, canonical, pointer, shown_name
from gateway.model.pii import Owner
from gateway.model.ports import Sealer
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.model.scrubbing import scrub, values_at
from gateway.model.sealing import seal_paths
from gateway.model.types import TypeRef

ANY: JsonObject = {"$any": True}
"""Stands for any value, and for none."""

_MAX = "$max"
_DEGREES = frozenset({"Latitude", "Longitude"})
_NUMBERS = _DEGREES | {"Int", "Float"}
_OPERATORS = 'a value, {"$any": true}, or for a number {"$max": 100}'


def check_pattern(contract: OperationContract, pattern: JsonObject, base: str) -> JsonObject:
    """The pattern with its values as the contract has them; ``base`` is the JSON pointer to it.

    Raises:
        ProblemError: VALIDATION_FAILED with every issue.
    """
    checker = _Checker(contract.types)
    checked = checker.check_fields(contract.input, pattern, base)
    if checker.issues:
        told = invalid(checker.issues).problem
        raise ProblemError(scrub(told, values_at(pattern, contract.policy.pii)))
    return checked


def matches(contract: OperationContract, pattern: JsonObject, value: JsonObject) -> bool:
    """True if the arguments ``value`` of a call (raw) are among those the pattern stands for."""
    try:
        return _fields_match(contract.input, contract.types, pattern, value)
    except ValueError:  # a value that has no canonical form is like no other
        return False


def seal_pattern(
    sealer: Sealer, owner: Owner, contract: OperationContract, pattern: JsonObject
) -> JsonObject:
    """The pattern as it may be stored; that a PII field may have any value is no PII."""
    paths = [path for path in pii_of(contract, "input") if not _is_any_at(pattern, path)]
    subject = contract.policy.subject
    return seal_paths(sealer, owner, contract.ref, "input", pattern, paths, subject=subject)


def _is_any_at(pattern: JsonObject, path: str) -> bool:
    head, _, rest = path.partition(".")
    found = pattern.get(head)
    if rest:
        return isinstance(found, dict) and _is_any_at(found, rest)
    return bool(found == ANY)


@dataclass(slots=True)
class _Checker:
    """Holds a pattern against the types of its contract, gathering what is wrong with it."""

    types: Mapping[str, NamedType]
    issues: list[Issue] = field(default_factory=list)

    def check_fields(
        self, fields: Mapping[str, TypeRef], pattern: JsonObject, base: str
    ) -> JsonObject:
        """The fields of an input or a nested model, every one of which has to be named."""
        checked: JsonObject = {}
        for name, ref in fields.items():
            if name in pattern:
                checked[name] = self._value(name, ref, pattern[name], base)
            else:
                told = f"must be spelled out: write {_OPERATORS}, or null for absent"
                self._add(base + pointer(name), "REQUIRED", told)
        for name in pattern:
            if name not in fields:
                known = ", ".join(fields) or "none"
                told = f"is no input of the contract; its inputs are: {known}"
                self._add(base + pointer(shown_name(name)), "UNKNOWN_FIELD", told)
        return checked

    def _value(self, name: str, ref: TypeRef, value: JsonValue, base: str) -> JsonValue:
        path = base + pointer(name)
        if _is_operator(value):
            self._check_operator(ref, value, path)
            return value
        model = _model_of(ref, self.types)
        if model is not None and isinstance(value, dict):
            return self.check_fields(model.fields, value, path)
        for misplaced in _misplaced(value, path):
            told = "must be a plain value: a pattern does not reach into lists and free JSON"
            self._add(misplaced, "NOT_ALLOWED", told)
            return value
        try:
            found = Io("Pattern", {name: ref}, self.types).check({name: value}, base)
        except ProblemError as error:
            self.issues.extend(error.problem.issues)
            return value
        return found[name]

    def _check_operator(self, ref: TypeRef, value: JsonObject, path: str) -> None:
        limit = value.get(_MAX)
        is_limit = len(value) == 1 and _is_number(limit)
        if is_limit and ref.items is None and ref.name in _NUMBERS:
            return
        if len(value) != 1 or value.get("$any") is not True:
            self._add(path, "NOT_ALLOWED", f"must be {_OPERATORS}")

    def _add(self, path: str, code: str, message: str) -> None:
        self.issues.append(Issue(path, code, message))


def _fields_match(
    fields: Mapping[str, TypeRef],
    types: Mapping[str, NamedType],
    pattern: JsonObject,
    value: JsonObject,
) -> bool:
    named = pattern.keys() & fields.keys()
    return value.keys() <= named and all(
        _value_matches(fields[name], types, pattern[name], value.get(name)) for name in named
    )


def _value_matches(
    ref: TypeRef, types: Mapping[str, NamedType], pattern: JsonValue, value: JsonValue
) -> bool:
    if _is_operator(pattern):
        if len(pattern) != 1:
            return False
        if pattern.get("$any") is True:
            return True
        limit = pattern.get(_MAX)
        return _is_number(limit) and _is_number(value) and _is_up_to(ref, limit, value)
    model = _model_of(ref, types)
    if model is not None and isinstance(pattern, dict) and isinstance(value, dict):
        return _fields_match(model.fields, types, pattern, value)
    return canonical(pattern) == canonical(value)


def _is_up_to(ref: TypeRef, limit: float, value: float) -> bool:
    """Whether a number is at most the limit, and no negative amount where that is none.

    Who reads "at most 250" does not consent to the opposite of what is limited, of any size.
    """
    may_be_negative = limit < 0 or ref.name in _DEGREES
    return value <= limit and (value >= 0 or may_be_negative)


def _model_of(ref: TypeRef, types: Mapping[str, NamedType]) -> ObjectType | None:
    found = None if ref.items else types.get(ref.name)
    return found if isinstance(found, ObjectType) else None


def _is_operator(value: JsonValue) -> bool:
    return isinstance(value, dict) and any(name.startswith("$") for name in value)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _misplaced(value: JsonValue, path: str) -> Iterator[str]:
    """Where something inside a plain value looks like an operator."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misplaced(item, path + pointer(index))
    elif _is_operator(value):
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _misplaced(item, path + pointer(shown_name(name)))
