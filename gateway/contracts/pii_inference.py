"""The classes of declared PII, where a contract leaves them to its types and names.

The scalar says it first (``EmailAddress`` is contact), then the field's own name, then the nearest
name around it. What nothing speaks of is free text. A path that leads to a nested model has the
classes of what is inside.
"""

from collections.abc import Iterable, Mapping

from gateway.contracts.paths import Fields, Types
from gateway.contracts.pii_names import classes_of_name
from gateway.model.contract import EnumType, ObjectType
from gateway.model.pii import PiiClass, PiiClasses
from gateway.model.types import TypeRef

_NOTHING: PiiClasses = frozenset()
_CONTACT: PiiClasses = frozenset({PiiClass.CONTACT})
_FREE_TEXT: PiiClasses = frozenset({PiiClass.FREE_TEXT})

_BY_SCALAR: Mapping[str, PiiClasses] = {
    **dict.fromkeys(("EmailAddress", "PhoneNumber", "Latitude", "Longitude"), _CONTACT)
}
_OPEN = frozenset({"JSON", "JSONObject"})
_TEXTS = frozenset({"String", "NonEmptyString", *_OPEN})


def classes_of_paths(
    declared: Mapping[str, PiiClasses | None], sides: Iterable[tuple[Fields, Types]]
) -> dict[str, PiiClasses]:
    """The classes of each declared path: those that the contract gives, or else the inferred.

    A path that leads somewhere on several sides has the classes of all of them.
    """
    sides = tuple(sides)
    return {
        path: given or inferred_classes(path, sides) or _FREE_TEXT
        for path, given in declared.items()
    }


def inferred_classes(path: str, sides: Iterable[tuple[Fields, Types]]) -> PiiClasses:
    """What types and names say of the classes of a path; empty where it leads nowhere."""
    return frozenset().union(
        *(_walked(fields, types, path.split("."), _NOTHING) for fields, types in sides)
    )


def _walked(fields: Fields, types: Types, path: list[str], around: PiiClasses) -> PiiClasses:
    """The classes at ``path``; ``around`` are those of the nearest name that says any."""
    head, *rest = path
    here = fields.get(head)
    if here is None:
        return _NOTHING
    said = classes_of_name(head) or around
    if not rest:
        return _inside(here, types, said, frozenset()) or _FREE_TEXT
    inner = types.get(here.named)
    return _walked(inner.fields, types, rest, said) if isinstance(inner, ObjectType) else _NOTHING


def _inside(ref: TypeRef, types: Types, said: PiiClasses, seen: frozenset[str]) -> PiiClasses:
    """The classes of a value of this type, whose name says ``said``."""
    name = ref.named
    inner = types.get(name)
    if isinstance(inner, ObjectType):
        if name in seen:
            return _NOTHING
        return frozenset().union(
            *(
                _inside(field, types, classes_of_name(key) or said, seen | {name})
                for key, field in inner.fields.items()
            )
        )
    if name in _BY_SCALAR:
        return _BY_SCALAR[name]
    if name in _OPEN:
        return said | _FREE_TEXT
    if isinstance(inner, EnumType):
        return said
    return said or (_FREE_TEXT if name in _TEXTS else _NOTHING)
