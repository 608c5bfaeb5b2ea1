"""Lists that come in pages, and questions whose refusal is told on the page."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from gateway.model.json import JsonObject
from gateway.model.problem import problem
from gateway.surfaces.console.asking import AskedError, documents
from gateway.surfaces.console.visits import Visit

SIZE = 25
"""How many items a page shows."""

_FURTHEST = 1_000_000
"""The largest offset that is asked for; GraphQL's Int ends at 2**31."""


_NOT_SHOWN = (
    "Your roles do not let you see this. Whoever administers the policies can give you one."
)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which items of ``total`` are shown, from ``offset`` (0 for the first) on; ``address`` is that
    of the list, ``kept`` the parameters besides."""

    address: str
    kept: tuple[tuple[str, str], ...]
    offset: int
    total: int
    size: int = SIZE

    @property
    def first(self) -> int:
        """The number of the first item that is shown."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last item that is shown."""
        return min(self.offset + self.size, self.total)

    @property
    def previous(self) -> str | None:
        """The address of the page before."""
        return self._at(max(0, self.offset - self.size)) if self.offset else None

    @property
    def next(self) -> str | None:
        """The address of the page after."""
        after = self.offset + self.size
        return self._at(after) if after < self.total else None

    def _at(self, offset: int) -> str:
        return f"{self.address}?{urlencode([*self.kept, ('offset', offset)])}"


@dataclass(frozen=True, slots=True)
class Told:
    """What the API said: ``output`` of the field that was asked for, or the ``problem``."""

    output: JsonObject | None
    problem: JsonObject | None = None

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows it."""
        return int((self.problem or {}).get("status", 200))

    @property
    def total(self) -> int:
        """How many items there are."""
        return int((self.output or {}).get("total", 0))

    @property
    def items(self) -> list[JsonObject]:
        """The items of a list."""
        found: list[JsonObject] = (self.output or {}).get("items", [])
        return found


async def ask(visit: Visit, operation: str, given: JsonObject) -> JsonObject:
    """The output of an operation, which asks for one field with ``input``; a mutation acts once
    for a form.

    Raises:
        AskedError: it was refused, or is nothing that the viewer is shown.
    """
    if not visit.may(_field(operation)):
        raise AskedError(problem("FORBIDDEN", _NOT_SHOWN).to_json())
    once = {"key": visit.key} if "$key" in documents()[operation] else {}
    data = await visit.api.ask(operation, input=given, **once)
    output: JsonObject = next(iter(data.values()))
    return output


@cache
def _field(operation: str) -> str:
    """The root field that an operation asks for."""
    said = documents()[operation].partition(f" {operation}(")[2]
    return said.partition(") {")[2].split("(")[0].strip()


async def told(visit: Visit, operation: str, given: JsonObject) -> Told:
    """The same, with a refusal to be shown on the page."""
    try:
        return Told(await ask(visit, operation, given))
    except AskedError as error:
        return Told(None, error.problem)


def given(visit: Visit, *names: str) -> JsonObject:
    """Those parameters of the address that say something."""
    return {name: visit.asked(name) for name in names if visit.asked(name)}


def offset_of(visit: Visit) -> int:
    """Where the page begins that is asked for: at the first item, where that is no number."""
    text = visit.asked("offset")
    return min(int(text), _FURTHEST) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def paging(visit: Visit, total: int, size: int = SIZE) -> Paging:
    """The paging of the list that a visit looks at."""
    params = visit.request.query_params.multi_items()
    kept = tuple((name, value) for name, value in params if name != "offset" and value)
    return Paging(visit.request.url.path, kept, offset_of(visit), total, size)
