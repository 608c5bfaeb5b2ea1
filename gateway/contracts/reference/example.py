"""An example call of a contract: a GraphQL document, and variables that the contract accepts.

What is required is given, and a few items of a list are asked for; the answer is selected as far as
a reader wants to see it.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.contracts.paths import Fields, Types
from gateway.contracts.reference.detail import ExampleCall
from gateway.contracts.reference.scalars import SCALAR_NOTES
from gateway.model.contract import EnumType, ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.types import TypeRef

MAX_DEPTH = 3
"""How deep an answer is selected, counted in objects."""

MAX_SELECTED = 80
"""How many fields an example selects at most."""

_ITEMS = 10
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def example_call(contract: OperationContract, name: str, prefix: str) -> ExampleCall:
    """The example for the GraphQL field ``name``, whose types' names begin with ``prefix``."""
    word = "mutation" if contract.is_command else "query"
    title = name[:1].upper() + name[1:]
    lines = list(_selection(contract.output, contract.types, _Left(MAX_SELECTED), 2))
    selected = "\n".join(lines or ["    __typename"])
    taken = {"input": f"{prefix}Input!"} if contract.input else {}
    if contract.is_command:
        taken["idempotencyKey"] = "String"
    asked = _listed(f"${one}: {its_type}" for one, its_type in taken.items())
    given = _listed(f"{one}: ${one}" for one in taken)
    document = f"{word} {title}{asked} {{\n  {name}{given} {{\n{selected}\n  }}\n}}\n"
    variables = {"input": example_input(contract)} if contract.input else {}
    return ExampleCall(document, variables)


def _listed(parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f"({text})" if text else ""


def example_input(contract: OperationContract) -> JsonObject:
    """The least input that the contract accepts, and for lists how many items to give."""
    found = _required(contract, contract.input)
    if not contract.is_command and contract.input.get("limit") == TypeRef(False, "Int"):
        found["limit"] = _ITEMS
    return found


def _required(contract: OperationContract, fields: Fields) -> JsonObject:
    return {name: _value(contract, name, ref) for name, ref in fields.items() if ref.required}


def _value(contract: OperationContract, name: str, ref: TypeRef) -> JsonValue:
    if ref.items is not None:
        return [_value(contract, name, ref.items)]
    named = contract.types.get(ref.name)
    if isinstance(named, EnumType):
        return named.values[0]
    if isinstance(named, ObjectType):
        return _required(contract, named.fields)
    if name == "contract" and ref.name in ("ID", "String"):
        return contract.ref  # the one that is there for sure
    if ref.name == "ID":
        return f"{_noun(name)}-1"
    return SCALAR_NOTES[ref.name].example


def _noun(name: str) -> str:
    """``orderId`` as ``order``."""
    words = [word.lower() for word in _WORDS.findall(name)]
    kept = words[:-1] if len(words) > 1 and words[-1] in ("id", "ids") else words
    return "-".join(kept) or name


class _Left:
    """How many fields may still be selected."""

    def __init__(self, count: int) -> None:
        self.count = count

    def take(self) -> bool:
        self.count -= 1
        return self.count >= 0


def _selection(fields: Fields, types: Types, left: _Left, depth: int) -> Iterator[str]:
    """The lines that select fields; ``depth`` is that of the braces around them."""
    blanks = "  " * depth
    for name, ref in fields.items():
        inner = types.get(ref.named)
        if not isinstance(inner, ObjectType):
            if left.take():
                yield f"{blanks}{name}"
            continue
        if depth > MAX_DEPTH:
            continue
        lines = list(_selection(inner.fields, types, left, depth + 1))
        if lines:
            yield f"{blanks}{name} {{"
            yield from lines
            yield f"{blanks}}}"
