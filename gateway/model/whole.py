"""Values that were found to be what their contract says, so that nobody has to look again."""

from typing import Any


class Held(dict[str, Any]):
    """An object of JSON that is just as its contract writes it: at every depth it has fields of the
    contract alone, in their order, with values of their types.

    It stays so because nobody changes it: whoever wants another value (masked, sealed) makes one.
    ``by`` is what found it to be so.
    """

    __slots__ = ("by",)

    def __init__(self, value: dict[str, Any], by: object) -> None:
        super().__init__(value)
        self.by = by


class Whole(Held):
    """One that has all fields of its contract, at every depth."""

    __slots__ = ()
