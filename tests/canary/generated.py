"""Contracts made up at random: nested objects, lists of lists, every scalar, PII at every depth."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.canary.values import PLAIN

JsonObject = dict[str, Any]
SCALARS = sorted(PLAIN)
_PERSONAL = ("EmailAddress", "PhoneNumber")
"""Scalars that a contract must declare as PII."""

_CLASSES = ("contact", "financial", "health", "credential", "free_text")
_RISKS = ("low", "low", "low", "medium", "high")
_ADDRESSABLE = sorted(set(SCALARS) - {"JSON", "JSONObject"})


@dataclass
class Drawing:
    """A contract in the making: the types that it needs and the PII paths that it declares."""

    random: Random
    types: dict[str, Any] = field(default_factory=dict)
    pii: list[str] = field(default_factory=list)

    def fields(self, prefix: str, count: int, *, depth: int = 0, path: str = "") -> JsonObject:
        """Fields of every kind; what is PII may be a leaf, or a whole object or list."""
        drawn: JsonObject = {}
        for index in range(count):
            name = f"{prefix}{index}"
            at = f"{path}{name}"
            nests = depth < 3 and self.random.random() < 0.35
            before = len(self.pii)
            inner = self._model(depth, at) if nests else self.random.choice(SCALARS)
            is_free = inner not in _PERSONAL and self.random.random() < 0.4
            if len(self.pii) == before and not is_free:
                self.pii.append(at)
            drawn[name] = self._wrapped(inner)
        return drawn

    def _model(self, depth: int, at: str) -> str:
        name = f"Box{len(self.types)}"
        self.types[name] = {}
        count = self.random.randint(1, 4)
        self.types[name] = self.fields("n", count, depth=depth + 1, path=f"{at}.")
        return name

    def _wrapped(self, inner: str) -> str:
        return self.random.choice((inner, inner, inner, f"[{inner}]", f"[[{inner}]]"))


def draw(number: int, random: Random) -> list[JsonObject]:
    """An operation and the event that it emits. The first ones cover what chance may leave out."""
    domain, drawing = f"canary{number}", Drawing(random)
    is_query = number % 4 == 3
    by_address = is_query and number % 8 == 3
    given = _plain_fields(random, drawing) if by_address else drawing.fields("i", 5)
    common = {} if by_address else drawing.fields("s", 2)
    given |= {"subject": "ID!", **common}
    drawing.pii.append("subject")
    answered = drawing.fields("o", 5) | common
    event = f"{domain}.thing.done@1.0.0"
    operation = {
        "key": f"{domain}.thing.run",
        "version": "1.0.0",
        "kind": "query" if is_query else "command",
        "title": "Run",
        "description": "Made up.",
        "domain": domain,
        "owners": ["tests.canary"],
        "capability": f"{domain}.core@1.0.0",
        "risk": "low" if _is_python(number) else random.choice(_RISKS),
        "input": given,
        "output": answered,
        "types": drawing.types,
        "errors": {"TAKEN": {"http": 409, "description": "It is taken.", "when": "Always."}},
        "policy": {"auth": "user", "pii": _classed(number, drawing.pii), **_owner(number)},
        "handler": _handler(number, domain, "GET" if by_address else "POST"),
    }
    if is_query:
        return [operation]
    # Tried again, a handler in python takes seconds in each way in which it fails, one by one.
    operation["policy"] |= {"idempotent": number % 2 == 0 and number != 4}
    payload = {name: ref for name, ref in {**given, **answered}.items() if random.random() < 0.7}
    told = _event(domain, payload, drawing.types)
    private = [path for path in drawing.pii if path.partition(".")[0] in payload]
    return [operation | {"emits": [event]}, told | {"pii": _classed(number + 1, private)}]


def _classed(number: int, paths: list[str]) -> list[str] | JsonObject:
    """The paths alone, or with their classes, one or several."""
    if number % 2:
        return paths
    count = len(_CLASSES)
    return {
        path: _CLASSES[index % count] if index % 3 else list(_CLASSES[index % 4 : index % 4 + 2])
        for index, path in enumerate(paths)
    }


def _owner(number: int) -> JsonObject:
    """Whose data it is: somebody named by PII, or the execution."""
    return {"subject": "subject"} if number % 3 == 1 else {}


def _plain_fields(random: Random, drawing: Drawing) -> JsonObject:
    """Fields that an address can hold."""
    names = [f"i{index}" for index in range(5)]
    drawing.pii += [name for name in names if random.random() < 0.7]
    given = {name: random.choice(_ADDRESSABLE) for name in names}
    drawing.pii += [name for name in names if given[name] in _PERSONAL]
    drawing.pii[:] = dict.fromkeys(drawing.pii)
    return given


def _is_python(number: int) -> bool:
    return number % 5 == 4


def _handler(number: int, domain: str, method: str) -> JsonObject:
    if _is_python(number):
        return {"python": {"target": "tests.canary.handlers:perform", "timeout": "2s"}}
    url = f"http://canary.internal/{domain}/{{subject}}"
    keyed = {"idempotencyKey": True} if number % 3 == 0 else {}
    return {"http": {"method": method, "url": url, "timeout": "1s", **keyed}}


def _event(domain: str, payload: JsonObject, types: JsonObject) -> JsonObject:
    used = {name: types[name] for name in _used(payload, types)}
    return {
        "key": f"{domain}.thing.done",
        "version": "1.0.0",
        "kind": "event",
        "title": "Done",
        "description": "Made up.",
        "domain": domain,
        "owners": ["tests.canary"],
        "payload": {name: ref.rstrip("!") for name, ref in payload.items()},
        **({"types": used} if used else {}),
    }


def _used(fields: JsonObject, types: JsonObject) -> list[str]:
    waiting, found = list(fields.values()), []
    while waiting:
        name = waiting.pop().strip("[]!")
        if name in types and name not in found:
            found.append(name)
            waiting.extend(types[name].values())
    return found


GUESTS: JsonObject = {
    "key": "guests.visit.book",
    "version": "1.0.0",
    "kind": "command",
    "title": "Book a visit",
    "description": "Not made up: a party, each of whom is a person with data of their own.",
    "domain": "guests",
    "owners": ["tests.canary"],
    "capability": "guests.core@1.0.0",
    "risk": "low",
    "input": {"party": "[Guest!]!", "word": "String"},
    "output": {"party": "[Guest!]!", "said": "String"},
    "types": {"Guest": {"name": "ID", "born": "Date", "notes": "[String]"}},
    "policy": {
        "auth": "user",
        "pii": ["party.name", "party.born", "party.notes", "word", "said"],
        "subject": "party.name",
        "idempotent": True,
    },
    "handler": {
        "http": {"method": "POST", "url": "http://canary.internal/guests", "timeout": "1s"}
    },
}
"""A contract whose list items name a person each."""


def write_contracts(folder: Path, seed: int, size: int) -> None:
    """Write ``size`` operations and their events; JSON is YAML too."""
    random = Random(seed)  # noqa: S311 - to be repeated
    folder.mkdir()
    for number in range(size + 1):
        for one in draw(number, random) if number < size else [GUESTS]:
            (folder / f"{one['key']}.yaml").write_text(json.dumps(one, indent=1))
