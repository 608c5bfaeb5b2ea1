"""Finding a rule that covers another without comparing each with each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.policy.advice.effort import Effort
from gateway.policy.advice.reach import ANY, Reach, Reaches
from gateway.policy.rules.models import ALWAYS
from gateway.policy.rules.selectors import glob

_Place = tuple[str, str, str, str]


@dataclass(slots=True)
class _Fields:
    """Rules that speak of the same contracts, by their field; of several the first is kept."""

    named: dict[str, Reach] = field(default_factory=dict)
    patterns: list[tuple[Callable[[str], bool], Reach]] = field(default_factory=list)

    def add(self, reach: Reach) -> None:
        if reach.field not in self.named:
            self.named[reach.field] = reach
            if "*" in reach.field and reach.field != ANY:
                self.patterns.append((glob(reach.field), reach))

    def covering(self, wanted: str, effort: Effort) -> Iterator[Reach]:
        for name in dict.fromkeys((ANY, wanted)):
            if name in self.named:
                yield self.named[name]
        for matches, one in self.patterns:
            if not effort.spend(6):
                return
            if matches(wanted):  # see covers_field
                yield one


@dataclass(slots=True)
class _Bucket:
    """Rules for the same subject, type, workspace and condition: by their contracts, and where
    none is loaded by how they name them. ``wide`` are those that speak of several contracts."""

    loaded: dict[int, _Fields] = field(default_factory=dict)
    wide: list[int] = field(default_factory=list)
    named: dict[tuple[str, str], _Fields] = field(default_factory=dict)

    def add(self, reach: Reach) -> None:
        self.named.setdefault(reach.named, _Fields()).add(reach)
        if not reach.contracts:
            return
        if reach.contracts not in self.loaded and reach.contracts & (reach.contracts - 1):
            self.wide.append(reach.contracts)
        self.loaded.setdefault(reach.contracts, _Fields()).add(reach)


class Coverage:
    """Rules of a ``model`` that were added, to be asked which of them cover another one.

    Covering is transitive, so who adds only rules that no other covers is told the outermost.
    """

    def __init__(self, reaches: Reaches, model: str) -> None:
        self._reaches = reaches
        self._comparable = model in reaches.comparable
        self._buckets: dict[_Place, _Bucket] = {}

    def add(self, reach: Reach) -> None:
        """Let ``reach`` be found."""
        place = (reach.who, reach.type, reach.workspace, reach.when)
        self._buckets.setdefault(place, _Bucket()).add(reach)

    def over(self, reach: Reach) -> Iterator[Reach]:
        """The rules that cover all of ``reach``, as far as the effort allows to look."""
        if not self._comparable:
            return
        for place in self._places(reach):
            if not self._reaches.effort.spend():
                return
            bucket = self._buckets.get(place)
            if bucket is not None:
                yield from self._within(bucket, reach)

    def over_contract(self, reach: Reach, contract: int) -> Iterator[Reach]:
        """The rules that cover what ``reach`` says of one of its contracts, given by its bit."""
        narrowed = Reach(
            *(reach.row, reach.order, reach.who, reach.type, reach.workspace),
            *(reach.when, reach.field, contract, reach.named),
        )
        return self.over(narrowed)

    def _places(self, reach: Reach) -> Iterator[_Place]:
        for who in self._reaches.above(reach.who, reach.workspace):
            for kind in dict.fromkeys((ANY, reach.type)):
                for workspace in dict.fromkeys((ANY, reach.workspace)):
                    for when in dict.fromkeys((ALWAYS, reach.when)):
                        yield who, kind, workspace, when

    def _within(self, bucket: _Bucket, reach: Reach) -> Iterator[Reach]:
        if not reach.contracts:
            selector, risk = reach.named
            for name in dict.fromkeys(((selector, risk), (selector, ANY), (ANY, risk), (ANY, ANY))):
                if name in bucket.named:
                    yield from bucket.named[name].covering(reach.field, self._reaches.effort)
            return
        wanted = reach.contracts
        if wanted in bucket.loaded:
            yield from bucket.loaded[wanted].covering(reach.field, self._reaches.effort)
        for contracts in bucket.wide:
            if not self._reaches.effort.spend():
                return
            if contracts & wanted == wanted and contracts != wanted:
                yield from bucket.loaded[contracts].covering(reach.field, self._reaches.effort)
