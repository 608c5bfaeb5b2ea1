"""A cache that is bounded by bytes."""

from gateway.surfaces.graphql.kept import KeptBySize


def filled(keys: str = "abc") -> KeptBySize[str]:
    kept: KeptBySize[str] = KeptBySize(100)
    for key in keys:
        assert kept.put(key, key.upper(), 30) == key.upper()
    return kept


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = filled()
    assert kept.get("a") == "A"
    kept.put("d", "D", 40)
    assert [kept.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert (len(kept), kept.bytes) == (3, 100)


def test_what_is_larger_than_all_may_be_pushes_nothing_out() -> None:
    kept = filled()
    assert kept.put("e", "E", 101) == "E"
    assert [kept.get(key) for key in "abce"] == ["A", "B", "C", None]
    assert (len(kept), kept.bytes) == (3, 90)
    kept.put("b", "too large", 101)
    assert (kept.get("b"), len(kept), kept.bytes) == (None, 2, 60)


def test_what_takes_the_place_of_another_is_counted_once() -> None:
    kept = filled()
    kept.put("a", "other", 40)
    assert (kept.get("a"), len(kept), kept.bytes) == ("other", 3, 100)
    kept.put("d", "D", 10)
    assert [kept.get(key) for key in "abcd"] == ["other", None, "C", "D"]
