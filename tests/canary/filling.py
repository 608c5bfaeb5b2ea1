"""Values for the fields of contracts, with a canary wherever a contract says that it is PII."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.contract import EnumType, NamedType, OperationContract
from gateway.model.types import TypeRef
from tests.canary.values import PLAIN, Canaries

JsonObject = dict[str, Any]
_DEEP = 6


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills the fields of one contract; ``note`` says in what the value is sent."""

    canaries: Canaries
    contract: OperationContract
    note: str = ""

    def input(self, **known: Any) -> JsonObject:
        """An input that fits; fields that ``known`` names get what it says."""
        value = {**self._fields("input", self.contract.input), **known}
        self.canaries.send(f"{self.contract.ref} input {self.note}".strip(), value)
        return value

    def output(self) -> JsonObject:
        """An output that fits."""
        return self._fields("output", self.contract.output)

    def _fields(self, side: str, fields: Mapping[str, TypeRef]) -> JsonObject:
        return {
            name: self._value(ref, name, f"{self.contract.ref} {side}.{name}", False, 0)
            for name, ref in fields.items()
        }

    def _value(self, ref: TypeRef, path: str, where: str, private: bool, depth: int) -> Any:
        private = private or path in self.contract.policy.pii
        if ref.items is not None:
            if depth > _DEEP:
                return []
            return [
                self._value(ref.items, path, where, private, depth + 1)
                for _ in range(1 if depth else 2)
            ]
        named: NamedType | None = self.contract.types.get(ref.name)
        if isinstance(named, EnumType):
            return named.values[0]
        if named is not None:
            return {
                name: self._value(inner, f"{path}.{name}", f"{where}.{name}", private, depth + 1)
                for name, inner in named.fields.items()
                if inner.required or depth <= _DEEP
            }
        if not private:
            return PLAIN[ref.name]
        return self.canaries.mint(ref.name, f"{where} {self.note}".strip())


def selection(
    fields: Mapping[str, TypeRef], types: Mapping[str, NamedType], seen: Iterable[str] = ()
) -> str:
    """The selection set of everything, each nested model once on its way."""
    parts = []
    for name, ref in fields.items():
        named = types.get(ref.named)
        if named is None or isinstance(named, EnumType):
            parts.append(name)
        elif named.name not in (before := tuple(seen)):
            parts.append(f"{name} {{ {selection(named.fields, types, (*before, named.name))} }}")
    return " ".join(parts) or "__typename"
