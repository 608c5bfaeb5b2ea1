"""Nothing differs from itself, and going back is told change by change, whatever was changed."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts.changes import Change, contract_changes
from tests.unit.contracts.changing import PAIRS, Edit, Shop
from tests.unit.graphql.sdl import changes_between

EDITS = [pair[1] for pair in PAIRS if not pair[0].startswith("another domain")]
"""Types are told by the name that they get in the new domain, so that one has no way back."""

edits = st.lists(st.sampled_from(EDITS), max_size=8)


def shop(parts: list[Edit]) -> Shop:
    found = Shop()
    for edit in parts:
        found = edit(found)
    return found


def reverses(changes: list[Change], back: list[Change]) -> bool:
    """True if each change one way is answered by one the other way, at the same place."""
    left = list(back)
    for one in changes:
        answer = next(
            (
                other
                for other in left
                if one.where == other.where and other.code in one.rule.reverse
            ),
            None,
        )
        if answer is None:
            return False
        left.remove(answer)
    return not left


@settings(deadline=None)
@given(edits, edits)
def test_contracts_there_and_back(one: list[Edit], other: list[Edit]) -> None:
    old, new = shop(one).registry(), shop(other).registry()
    assert contract_changes(old, old) == []
    assert reverses(contract_changes(old, new), contract_changes(new, old))
    if shop(one) == shop(other):
        assert contract_changes(old, new) == []


NAMES = st.sampled_from(string.ascii_lowercase[:4])
TYPES = ("Int", "Int!", "[Int!]", "A", "[A]!", "E")
GIVEN = ("Int", "Int!", "[Int]", "E!", "I")
auth = st.sampled_from(
    ("", '@auth(level: "user")', '@auth(level: "admin")', "@authenticated", '@pii(classes: ["x"])')
)


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """Small schemas of the same few names."""

    def taken(kinds: tuple[str, ...]) -> str:
        made = draw(st.dictionaries(NAMES, st.sampled_from(kinds), min_size=1, max_size=3))
        return " ".join(f"{name}: {kind} {draw(auth)}" for name, kind in made.items())

    def told() -> str:
        made = draw(st.dictionaries(NAMES, st.sampled_from(TYPES), min_size=1, max_size=3))
        return " ".join(
            f"{name}{draw(st.sampled_from(('', f'({taken(GIVEN)})')))}: {kind} {draw(auth)}"
            for name, kind in made.items()
        )

    values = " ".join(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    return (
        f"type Query {{ {told()} a1: A e1(i: I): E }} type A {{ {told()} }} "
        f"input I {{ {taken(GIVEN)} }} enum E {{ {values} }}"
    )


@settings(deadline=None)
@given(schemas(), schemas())
def test_schemas_there_and_back(old: str, new: str) -> None:
    assert changes_between(old, old) == []
    assert reverses(changes_between(old, new), changes_between(new, old))
