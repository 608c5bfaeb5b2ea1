"""What a replay found otherwise than recorded, as people read it."""

from dataclasses import dataclass

from gateway.model.json import JsonObject, JsonValue
from gateway.surfaces.console.policies.cited import Rule, rule_of

_PLACES = (
    ("/decisions/", "When the plan was verified"),
    ("/entries/", "When the step was dispatched"),
    ("/steps/", "In the plan"),
)
"""Where differences are, by the beginnings of their paths."""

_RULES = "/rules"


@dataclass(frozen=True, slots=True)
class Side:
    """A value as recorded or as of today: ``rules`` where it lists rules, ``text`` where it is one
    word or number, else ``value`` as JSON."""

    value: JsonValue
    rules: tuple[Rule, ...] = ()

    @property
    def text(self) -> str | None:
        """The value in words; None where it is no single one."""
        if self.value is None or self.value in ("", []):
            return "none"
        return None if isinstance(self.value, dict | list) else str(self.value)


@dataclass(frozen=True, slots=True)
class Shown:
    """A difference with its ``place`` in words, empty where there are none for it."""

    difference: JsonObject
    place: str
    recorded: Side
    today: Side


def shown(difference: JsonObject) -> Shown:
    """A difference of ``controlPlane.trace.replay`` as the page shows it."""
    path = str(difference["path"])
    place = next((said for start, said in _PLACES if path.startswith(start)), "")
    lists_rules = path.endswith(_RULES)
    sides = (_side(difference[name], lists_rules) for name in ("recorded", "replayed"))
    return Shown(difference, place, *sides)


def _side(value: JsonValue, lists_rules: bool) -> Side:
    if lists_rules and isinstance(value, list):
        return Side(value, tuple(rule_of("verdict.csv", "", str(row)) for row in value))
    return Side(value)
