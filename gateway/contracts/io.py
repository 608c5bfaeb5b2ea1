"""Input and output validation: pydantic models built from a contract's fields, used as compiled.

The models forbid unknown fields and convert nothing (RFC 8259 values in, the same values out). An
enum is its set of texts. Issues name the place and the remedy and never the value, which may be
somebody's personal data.
"""

from collections.abc import Iterator
from typing import Any, ForwardRef, Literal, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from gateway.contracts.findings import nearest
from gateway.contracts.fitting import Fitting, is_long
from gateway.contracts.names import operation_type_prefix
from gateway.contracts.paths import Fields, Types
from gateway.contracts.scalars import MAX_JSON_DEPTH, MAX_TEXT, SCALAR_TYPES
from gateway.model.contract import EnumType, EventContract, ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue, is_unicode, pointer, shown_name
from gateway.model.problem import MAX_ISSUES, Issue, ProblemError, invalid
from gateway.model.types import TypeRef
from gateway.model.whole import Held, Whole

_CONFIG = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

_CODES = {
    "missing": "REQUIRED",
    "extra_forbidden": "UNKNOWN_FIELD",
    "literal_error": "NOT_ALLOWED",
    "string_too_long": "TOO_LONG",
    "greater_than_equal": "OUT_OF_RANGE",
    "less_than_equal": "OUT_OF_RANGE",
    "finite_number": "OUT_OF_RANGE",
    "int_parsing_size": "OUT_OF_RANGE",
    "value_error": "INVALID_FORMAT",
    "string_unicode": "INVALID_FORMAT",
}
"""The issue code of each of pydantic's error types; any other is WRONG_TYPE."""


class Io:
    """The validator of one side of a contract, compiled when it is first used.

    Where it ``marks`` them, long values that are just as the contract writes them come back as
    ``Held`` or ``Whole``, and are not looked at again.
    """

    def __init__(self, name: str, fields: Fields, types: Types, *, marks: bool = False) -> None:
        self._name = name
        self._fields = fields
        self._types = types
        self._model: type[BaseModel] | None = None
        self._fitting: Fitting | None = None
        self._marks = marks
        self._is_quick = True

    @property
    def model(self) -> type[BaseModel]:
        """The pydantic model."""
        if self._model is None:
            self._model = build_model(self._name, self._fields, self._types)
        return self._model

    def take(self, value: object) -> JsonObject | None:
        """A copy of a long value from elsewhere, which may be anything, if it is just as the
        contract writes it: ``check`` gives it back as it is. None where that is not quick to see.
        """
        if type(value) is not dict or not is_long(value):
            return None
        return self._at_once(value)

    def check(self, value: JsonValue, base: str = "") -> JsonObject:
        """The validated value, in plain JSON types; optionals that are absent stay absent.

        ``base`` is the JSON pointer to ``value``, put in front of every issue's path.

        Raises:
            ProblemError: VALIDATION_FAILED with every issue (at most 100).
        """
        if isinstance(value, Held) and value.by is self:
            return value
        if is_long(value):
            found = self._at_once(value)
            if found is not None:
                return found
        model = self._model or self.model
        try:
            found = model.__pydantic_validator__.validate_python(value)
        except ValidationError as error:
            told = [self._issue(details, base) for details in error.errors(include_url=False)]
            raise _refused([*_text_issues(value, base, 0), *told]) from None
        checked = model.__pydantic_serializer__.to_python(found, by_alias=True, exclude_unset=True)
        try:
            orjson.dumps(checked)  # the quickest way to find a lone surrogate anywhere
        except TypeError:
            raise _refused([*_text_issues(checked, base, 0)]) from None
        return cast("JsonObject", checked)

    def _at_once(self, value: JsonObject) -> JsonObject | None:
        """What is made of a long value, if that is quick to see."""
        if self._fitting is None and self._is_quick:
            try:
                self._fitting = Fitting(self._fields, self._types)
            except RecursionError:  # a type that holds itself
                self._is_quick = False
        found = self._fitting.fitted(value) if self._fitting is not None else None
        if found is None or not self._marks:
            return found and found.copy
        return Whole(found.copy, self) if found.is_whole else Held(found.copy, self)

    def _issue(self, details: ErrorDetails, base: str) -> Issue:
        """One of pydantic's findings in our words, without the value."""
        parts = tuple(shown_name(part) for part in details["loc"])
        path = base + pointer(*parts)
        if details["type"] == "missing":
            return Issue(path, "REQUIRED", f"is required: add {self._expected(parts)}")
        if details["type"] == "extra_forbidden":
            known = list(self._fields_at(parts[:-1]))
            return Issue(path, "UNKNOWN_FIELD", f"is no field here{nearest(str(parts[-1]), known)}")
        if details["input"] is None:
            return Issue(path, "REQUIRED", f"must not be null: give {self._expected(parts)}")
        context = details.get("ctx", {})
        if "inner" in context:
            what = context.get("what", self._expected(parts))
            return Issue(f"{path}{context['inner']}", details["type"], f"must be JSON: {what}")
        code = _CODES.get(details["type"], "WRONG_TYPE")
        if code == "TOO_LONG":
            limit = context.get("max_length", MAX_TEXT)
            return Issue(path, code, f"is longer than {limit} characters: shorten it")
        return Issue(path, code, f"must be {self._expected(parts)}")

    def _fields_at(self, parts: tuple[str | int, ...]) -> Fields:
        """The fields of the object at ``parts``."""
        if not parts:
            return self._fields
        ref = self._type_at(parts)
        model = self._types.get(ref.named) if ref else None
        return model.fields if isinstance(model, ObjectType) else {}

    def _type_at(self, parts: tuple[str | int, ...]) -> TypeRef | None:
        fields: Fields = self._fields
        here: TypeRef | None = None
        for part in parts:
            if isinstance(part, int):
                here = here.items if here else None
                continue
            if here is not None:
                model = self._types.get(here.name)
                fields = model.fields if isinstance(model, ObjectType) else {}
            here = fields.get(part)
        return here

    def _expected(self, parts: tuple[str | int, ...]) -> str:
        """What is accepted at ``parts``, in words."""
        ref = self._type_at(parts)
        if ref is None:
            return "an object"
        if ref.items is not None:
            return f"a list of {ref.items.named}"
        if ref.name in SCALAR_TYPES:
            return SCALAR_TYPES[ref.name].expected
        named = self._types.get(ref.name)
        if isinstance(named, EnumType):
            return f"one of {', '.join(named.values)}"
        return f"an object ({ref.name})"


def _refused(issues: list[Issue]) -> ProblemError:
    distinct = {(issue.path, issue.code): issue for issue in reversed(issues)}
    told = list(reversed(distinct.values()))[:MAX_ISSUES]
    return invalid(told or [Issue("", "WRONG_TYPE", "must be JSON")])


def _text_issues(value: JsonValue, path: str, depth: int) -> Iterator[Issue]:
    """Texts that are not valid Unicode, and values nested too deep to be written as JSON."""
    if isinstance(value, str) and not is_unicode(value):
        yield Issue(
            path, "INVALID_FORMAT", "is not valid Unicode (a lone surrogate): mend the text"
        )
    elif isinstance(value, (dict, list)) and depth > MAX_JSON_DEPTH:
        yield Issue(path, "TOO_DEEP", f"is nested more than {MAX_JSON_DEPTH} deep: flatten it")
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _text_issues(member, path + pointer(shown_name(key)), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _text_issues(item, path + pointer(index), depth + 1)


def build_model(name: str, fields: Fields, types: Types) -> type[BaseModel]:
    """A pydantic model of these fields; nested models and enums come from ``types``."""
    models = {
        _reference(named.name): _model(named.name, named.fields, types)
        for named in _leaves_first(types)
    }
    for model in models.values():
        model.model_rebuild(_types_namespace=models)
    root = _model(name, fields, types)
    root.model_rebuild(_types_namespace=models)
    return root


def _leaves_first(types: Types) -> list[ObjectType]:
    """The object types, each behind those that it holds, unless these hold it too.

    What a model holds is built with it, if it was not before: of a chain of types, the whole rest
    for each, and too deep for the stack.
    """
    found: dict[str, ObjectType] = {}
    begun: set[str] = set()
    waiting = [(name, False) for name in types]
    while waiting:
        name, is_last = waiting.pop()
        named = types.get(name)
        if not isinstance(named, ObjectType):
            continue
        if is_last:
            found[name] = named
        elif name not in begun:
            begun.add(name)
            waiting.append((name, True))
            waiting += [(ref.named, False) for ref in named.fields.values()]
    return list(found.values())


def _model(name: str, fields: Fields, types: Types) -> type[BaseModel]:
    """Fields carry a prefix and the real name as alias, so that no name is reserved."""
    members: dict[str, Any] = {}
    for field, ref in fields.items():
        default = ... if ref.required else None
        members[f"f_{field}"] = (_annotation(ref, types), Field(default, alias=field))
    model: type[BaseModel] = create_model(name, __config__=_CONFIG, **members)
    return model


def _annotation(ref: TypeRef, types: Types) -> Any:
    inner = list[_annotation(ref.items, types)] if ref.items else _named(ref.name, types)  # type: ignore[misc] # built at run time
    return inner if ref.required else inner | None


def _named(name: str, types: Types) -> Any:
    named = types.get(name)
    if isinstance(named, EnumType):
        return Literal[named.values]
    if isinstance(named, ObjectType):
        return ForwardRef(_reference(name))
    return SCALAR_TYPES[name].annotation


def _reference(name: str) -> str:
    return f"Model_{name}"


def input_io(contract: OperationContract) -> Io:
    """The validator of an operation's input."""
    return Io(operation_type_prefix(contract.key) + "Input", contract.input, contract.types)


def output_io(contract: OperationContract) -> Io:
    """The validator of an operation's output."""
    name = operation_type_prefix(contract.key) + "Output"
    return Io(name, contract.output, contract.types, marks=True)


def payload_io(event: EventContract) -> Io:
    """The validator of an event's payload."""
    return Io(operation_type_prefix(event.meta.key), event.payload, event.types)
