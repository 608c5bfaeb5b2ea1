"""Arrays as they go over the wire, against a real server."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal.postgres.values import rows_of
from gateway.journal.postgres.wire import Wire
from gateway.model.problem import ProblemError

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_SPECIAL = st.sampled_from(["", "NULL", "{}", '"', "\\", '\\"', "a,b", " a ", "\n\t", "é€🙂", "'"])


@pytest.fixture(scope="module")
def wire(postgres) -> Iterator[Wire]:
    made = Wire(postgres.url("postgres"), "test")
    yield made
    made.close()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.none() | _SPECIAL | _TEXTS, max_size=8))
def test_texts_come_back_from_an_array_as_they_were(wire: Wire, texts: list[str | None]) -> None:
    wire.send("SELECT unnest($1::text[])", (tuple(texts),))
    assert rows_of(wire.answers()[0]) == [(text,) for text in texts]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=8))
def test_numbers_come_back_from_an_array_as_they_were(
    wire: Wire, numbers: list[int | None]
) -> None:
    wire.send("SELECT unnest($1::bigint[])", (tuple(numbers),))
    assert rows_of(wire.answers()[0]) == [(number,) for number in numbers]


def test_a_nul_is_refused_also_within_an_array(wire: Wire) -> None:
    with pytest.raises(ProblemError) as refused:
        wire.send("SELECT $1::text[]", (("a\0",),))
    assert refused.value.problem.code == "VALIDATION_FAILED"
