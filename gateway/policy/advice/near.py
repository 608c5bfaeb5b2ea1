"""Names that differ by a slip of the pen, found without comparing each with each."""

import re
from collections.abc import Iterable, Iterator

_JOINTS = re.compile(r"[-_.]")
_KEPT = 4  # of names that are near to one another, so many are remembered
_DIGITS = re.compile(r"[0-9]+")


class NearNames:
    """Known names, to be asked for the one that was meant.

    Two names are near if they differ by one letter (one more, one less, another, or two that
    changed places), by capitals, or by dots and dashes. Names that differ in their numbers are
    not: ``tier-1`` is not meant for ``tier-2``.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names: dict[str, list[str]] = {}
        for name in names:
            for form in _forms(name):
                known = self._names.setdefault(form, [])
                if len(known) < _KEPT and name not in known:
                    known.append(name)

    def of(self, name: str) -> str | None:
        """A known name near to ``name``, other than itself; None where there is none."""
        for form in _forms(name):
            for found in self._names.get(form, ()):
                if found != name and _numbers(found) == _numbers(name):
                    return found
        return None


def _forms(name: str) -> Iterator[str]:
    """The plain form of a name, and what is left of it without one of its letters."""
    plain = _JOINTS.sub("", name.casefold())
    yield plain
    if len(plain) > 3:
        yield from (plain[:at] + plain[at + 1 :] for at in range(len(plain)))


def _numbers(name: str) -> list[str]:
    return _DIGITS.findall(name)
