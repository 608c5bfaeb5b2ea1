"""Plans: the typed, deterministic form of what an intent wants done."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from gateway.model.json import JsonObject, JsonValue

REFERENCE = "$from"
"""The key of a reference to an earlier step's output: ``{"$from": "stepKey.field.path"}``."""


def reference_of(value: JsonValue) -> str | None:
    """The target of a reference (``stepKey.field.path``), or None where ``value`` is none."""
    if isinstance(value, dict) and len(value) == 1:
        target = value.get(REFERENCE)
        return target if isinstance(target, str) else None
    return None


class PlanStep(Struct, frozen=True):
    """One call of a plan.

    ``input`` holds literals and references; ``pii`` are the dotted paths of the input that are
    PII, and ``subject`` is the path of the person whose data they are; ``depends_on`` are keys of
    earlier steps, those of references included.
    """

    id: str
    key: str
    contract: str
    contract_digest: str
    input: JsonObject
    depends_on: tuple[str, ...] = ()
    pii: tuple[str, ...] = ()
    subject: str | None = None

    def to_json(self) -> JsonObject:
        """The step as it is stored (its PII sealed by the caller)."""
        named = {} if self.subject is None else {"subject": self.subject}
        return {
            **named,
            "id": self.id,
            "key": self.key,
            "contract": self.contract,
            "contractDigest": self.contract_digest,
            "input": self.input,
            "dependsOn": list(self.depends_on),
            "pii": list(self.pii),
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "PlanStep":
        """The step that ``to_json`` wrote."""
        return cls(
            id=body["id"],
            key=body["key"],
            contract=body["contract"],
            contract_digest=body["contractDigest"],
            input=body["input"],
            depends_on=tuple(body["dependsOn"]),
            pii=tuple(body["pii"]),
            subject=body.get("subject"),
        )


class Edge(Struct, frozen=True):
    """A dependency between two steps, by key; ``path`` names the output field that flows, or is
    empty where only the order is asked for."""

    source: str
    target: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled plan: steps in a topological order, and the hash that binds it.

    ``compensate`` is true where the draft asks that completed steps be undone if the run fails.
    """

    id: str
    hash: str
    steps: tuple[PlanStep, ...]
    edges: tuple[Edge, ...] = ()
    compensate: bool = False
    by_key: Mapping[str, PlanStep] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {step.key: step for step in self.steps})

    @property
    def contracts(self) -> frozenset[str]:
        """The references of the contracts that its steps call."""
        return frozenset(step.contract for step in self.steps)

    def step(self, step_id: str) -> PlanStep | None:
        """The step of this id."""
        return next((step for step in self.steps if step.id == step_id), None)
