"""Why a recorded decision cannot be decided again."""

from enum import StrEnum


class Reason(StrEnum):
    """What stands in the way; each is counted."""

    NO_ROLES = "no_roles"
    CONTRACT_GONE = "contract_gone"
    CONTRACT_CHANGED = "contract_changed"
    ERASED = "erased"
    SEALED = "sealed"
    NO_INPUT = "no_input"
    COUNTED = "counted"
    INCOMPLETE = "incomplete"

    @property
    def meaning(self) -> str:
        """The reason in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Reason.NO_ROLES: "An earlier release recorded it without the roles of the token.",
    Reason.CONTRACT_GONE: "Its contract is not loaded any more.",
    Reason.CONTRACT_CHANGED: "Its contract has another content now.",
    Reason.ERASED: "Its rules read personal data that was erased.",
    Reason.SEALED: "Its rules read personal data that cannot be opened with the keys here.",
    Reason.NO_INPUT: "An earlier release recorded it without its input.",
    Reason.COUNTED: "Callers without a token were counted, without their input.",
    Reason.INCOMPLETE: "Its record is incomplete.",
}


class UndecidableError(Exception):
    """A recorded decision cannot be decided again, for this ``reason``."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.meaning)
        self.reason = reason
