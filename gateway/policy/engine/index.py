"""The rules of a model by what they speak of: contracts, then workspace, then subject.

Looking up what concerns a contract in a workspace costs the same whatever the number of rules. An
index never changes; ``changed`` makes another one that shares all that stayed.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from gateway.model.contract import OperationContract
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.rules.models import ModelSpec
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import Selector

CONTRACTS_LIMIT = 10_000
"""For how many contracts it is kept which selectors select them."""

_LINES = 1 << 40
"""More lines than a file can have."""

BySubject: TypeAlias = dict[str, list[Row]]
"""Rules in their order, by the subject that they name."""

Rank: TypeAlias = Callable[[Row], int]
"""Where a rule stands in the order in which its model asks; no two are equal."""


def rank_of(spec: ModelSpec) -> Rank:
    """By priority where the model has one, the smallest first, and then by line."""
    if "priority" not in spec.columns:
        return lambda row: row.line
    at = tuple(spec.columns).index("priority")
    return lambda row: int(row.values[at]) * _LINES + row.line


class RuleIndex:
    """The rules of one model; ``selectors`` are those of all rules by their text.

    ``rows`` are the rules in the order in which the model asks them, ``subjects`` and
    ``workspaces`` how many of them name each.
    """

    def __init__(
        self, spec: ModelSpec, rows: Iterable[Row], selectors: Mapping[str, Selector]
    ) -> None:
        self._spec = spec
        self.rank = rank_of(spec)
        self.rows = tuple(sorted(rows, key=self.rank))
        self.subjects: dict[str, int] = {}
        self.workspaces: dict[str, int] = {}
        self._by_text: dict[str, dict[str, BySubject]] = {}
        columns = tuple(spec.columns)
        self._places = tuple(columns.index(name) for name in ("obj", "dom", "sub"))
        for row in self.rows:
            obj, dom, sub = self._place(row)
            self._by_text.setdefault(obj, {}).setdefault(dom, {}).setdefault(sub, []).append(row)
            self.subjects[sub] = self.subjects.get(sub, 0) + 1
            self.workspaces[dom] = self.workspaces.get(dom, 0) + 1
        self._sort_texts(selectors)

    def changed(
        self, removed: Iterable[Row], added: Iterable[Row], selectors: Mapping[str, Selector]
    ) -> "RuleIndex":
        """This index without the rules ``removed`` and with those ``added``."""
        after = RuleIndex(self._spec, (), {})
        after.subjects, after.workspaces = self.subjects.copy(), self.workspaces.copy()
        after._by_text = self._by_text.copy()
        rows = list(self.rows)
        for row in removed:
            after._drop(row)
            del rows[bisect_left(rows, self.rank(row), key=self.rank)]
        for row in added:
            after._insert(row)
            insort(rows, row, key=self.rank)
        after.rows = tuple(rows)
        if after._by_text.keys() == self._by_text.keys():
            after._exact, after._wide, after._texts = self._exact, self._wide, self._texts
        else:
            after._sort_texts(selectors)
        return after

    def _place(self, row: Row) -> tuple[str, str, str]:
        values = row.values
        obj, dom, sub = self._places
        return values[obj], values[dom], values[sub]

    def _own(self, obj: str, dom: str, sub: str) -> list[Row]:
        """The rules of one place as a list of this index's own."""
        by_workspace = self._by_text[obj] = self._by_text.get(obj, {}).copy()
        by_subject = by_workspace[dom] = by_workspace.get(dom, {}).copy()
        rows = by_subject[sub] = by_subject.get(sub, []).copy()
        return rows

    def _insert(self, row: Row) -> None:
        obj, dom, sub = self._place(row)
        insort(self._own(obj, dom, sub), row, key=self.rank)
        self.subjects[sub] = self.subjects.get(sub, 0) + 1
        self.workspaces[dom] = self.workspaces.get(dom, 0) + 1

    def _drop(self, row: Row) -> None:
        obj, dom, sub = self._place(row)
        rows = self._own(obj, dom, sub)
        rows[:] = [other for other in rows if other.line != row.line]
        if not rows:
            del self._by_text[obj][dom][sub]
        if not self._by_text[obj][dom]:
            del self._by_text[obj][dom]
        if not self._by_text[obj]:
            del self._by_text[obj]
        for counts, name in ((self.subjects, sub), (self.workspaces, dom)):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def _sort_texts(self, selectors: Mapping[str, Selector]) -> None:
        """Tell selectors that name one contract, which are looked up, from those that are asked."""
        self._exact: dict[str, list[str]] = {}
        self._wide: list[Selector] = []
        for text in self._by_text:
            selector = selectors[text]
            if selector.exact:
                self._exact.setdefault(selector.exact, []).append(text)
            else:
                self._wide.append(selector)
        self._texts: BoundedCache[int, tuple[OperationContract, tuple[str, ...]]] = BoundedCache(
            CONTRACTS_LIMIT
        )

    def __contains__(self, selector: str) -> bool:
        """True if some rule has this selector."""
        return selector in self._by_text

    @property
    def selectors(self) -> Iterable[str]:
        """The texts of the selectors of all rules."""
        return self._by_text.keys()

    def at(self, obj: str, dom: str, sub: str) -> list[Row]:
        """The rules with exactly this selector, workspace and subject, in their order."""
        return self._by_text.get(obj, {}).get(dom, {}).get(sub, [])

    def with_selector(self, obj: str) -> Iterator[Row]:
        """The rules with exactly this selector."""
        for by_subject in self._by_text.get(obj, {}).values():
            for rows in by_subject.values():
                yield from rows

    def concerning(
        self, contract: OperationContract | None, workspace: str | None
    ) -> list[BySubject]:
        """The rules that speak of a contract in a workspace or in all; None stands for any."""
        texts = self._by_text if contract is None else self._texts_on(contract)
        places = [self._by_text[text] for text in texts]
        if workspace is None:
            return [by_subject for place in places for by_subject in place.values()]
        names = (ANYWHERE,) if workspace == ANYWHERE else (ANYWHERE, workspace)
        return [place[name] for place in places for name in names if name in place]

    def _texts_on(self, contract: OperationContract) -> tuple[str, ...]:
        # The contract is kept too, so that its id stays taken as long as it is a key.
        known = self._texts.get(id(contract)) or self._texts.put(
            id(contract), (contract, self._find_texts(contract))
        )
        return known[1]

    def _find_texts(self, contract: OperationContract) -> tuple[str, ...]:
        exact = self._exact
        return (
            *exact.get(contract.key, ()),
            *exact.get(contract.ref, ()),
            *(selector.text for selector in self._wide if selector.selects(contract)),
        )
