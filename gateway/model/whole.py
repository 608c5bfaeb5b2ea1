"""Values that were found to be all that their contract says, so that nobody has to look again."""

from typing import Any


class Whole(dict[str, Any]):
    """An object of JSON that is just as its contract writes it: at every depth it has all fields of
    the contract, in their order, with values of their types and nothing else.

    It stays so because nobody changes it: whoever wants another value (masked, sealed) makes one.
    ``by`` is what found it to be so.
    """

    __slots__ = ("by",)

    def __init__(self, value: dict[str, Any], by: object) -> None:
        super().__init__(value)
        self.by = by
