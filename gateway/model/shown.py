"""What a caller was shown of personal data: which fields and how, never a value."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.model.decision import Treatment
from gateway.model.json import JsonObject

Treat: TypeAlias = Callable[[str, str], Treatment]
"""What somebody sees of a field (``input.<path>`` and so on) of a contract (``key@version``)."""

MOST_FIELDS = 200
"""How many fields are named one by one; those beyond are named by their contract."""

MOST_EXECUTIONS = 200
"""How many executions are named; those beyond are counted."""

EVERY_FIELD = "*"
"""What stands for the fields of a contract that are not named one by one."""

_STRICTNESS = {treatment: rank for rank, treatment in enumerate(Treatment)}


class Shown:
    """Notes what is shown while a call is answered. ``later`` says that the answer comes after
    the record of the call, so that another entry tells what was shown."""

    __slots__ = ("_executions", "_fields", "later")

    def __init__(self, *, later: bool = False) -> None:
        self._fields: dict[tuple[str, str], Treatment] = {}
        self._executions: dict[str, None] = {}
        self.later = later

    def __bool__(self) -> bool:
        return bool(self._fields)

    def note(
        self, contract: str, field: str, treatment: Treatment, execution_id: str | None = None
    ) -> None:
        """A value of this field was shown so. Of several treatments the one that shows most counts.

        Nothing is left out: where there are too many fields, the contract stands for the rest.
        """
        key = (contract, field)
        known = self._fields.get(key)
        if known is None and len(self._fields) >= MOST_FIELDS:
            key = (contract, EVERY_FIELD)
            known = self._fields.get(key)
        if known is None or _STRICTNESS[treatment] < _STRICTNESS[known]:
            self._fields[key] = treatment
        if execution_id is not None:
            self._executions[execution_id] = None

    def belongs_to(self, execution_id: str) -> None:
        """What is shown is of this execution."""
        self._executions[execution_id] = None

    def watching(self, treat: Treat, execution_id: str | None = None) -> Treat:
        """``treat`` that notes each of its answers, for values of this execution."""

        def watched(contract: str, field: str) -> Treatment:
            treatment = treat(contract, field)
            self.note(contract, field, treatment, execution_id)
            return treatment

        return watched

    def to_json(self) -> JsonObject | None:
        """What is recorded: nothing in it where nothing was shown, None where that comes later."""
        if self.later:
            return None
        if not self._fields:
            return {}
        fields = {
            f"{contract} {field}": treatment.value
            for (contract, field), treatment in self._fields.items()
        }
        named = list(self._executions)[:MOST_EXECUTIONS]
        told: JsonObject = {"fields": fields}
        if named:
            told["executions"] = named
        if len(self._executions) > len(named):
            told["moreExecutions"] = len(self._executions) - len(named)
        return told
