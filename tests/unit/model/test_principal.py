"""Who may be the same person: one must never count as two."""

import pytest

from gateway.model.principal import is_among

COMPOSED, DECOMPOSED = "Jos\u00e9", "Jose\u0301"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("stra\u00dfe", "STRASSE"),
        (COMPOSED, DECOMPOSED),
        (COMPOSED, "\uff2aosé"),
        (COMPOSED.lower(), DECOMPOSED.upper()),
        ("\u1e9b\u0323", "\u1e69"),
        ("\u0345\u03b1", "\u03b9\u03b1"),
    ],
)
def test_spellings_of_one_name_are_one_person(one: str, other: str) -> None:
    assert is_among(one, ["bob", other])
    assert is_among(other, [one])


@pytest.mark.parametrize("other", ["jose", "jos", "josé ", "alice"])
def test_other_names_are_other_people(other: str) -> None:
    assert not is_among(COMPOSED, [other])
    assert not is_among(COMPOSED, [])
