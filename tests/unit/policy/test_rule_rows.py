"""Rule files: rows with the place of every field, and strict quotes."""

import time

import pytest

from gateway.policy.rules.rows import Row, RowError, read_rows


def read(text: str) -> list[Row | RowError]:
    return list(read_rows("x.csv", text, {"p": ("sub", "when")}))


def test_a_row_knows_its_values_and_places() -> None:
    (row,) = read('# a comment\n\n  p,  admin ,"a in [\'x\', ""y""]"  \r\n')
    assert isinstance(row, Row)
    assert row.kind == "p"
    assert row.values == ("admin", "a in ['x', \"y\"]")
    assert row["sub"] == "admin"
    assert (row.line, row.columns) == (3, (7, 15))
    assert row.rule.ref == "x.csv:3"
    assert row.rule.text == 'p,  admin ,"a in [\'x\', ""y""]"'


def test_an_empty_field_is_kept() -> None:
    (row,) = read("p,,x,")
    assert isinstance(row, Row)
    assert row.values == ("", "x", "")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('p, "admin', 3),
        ('p, ad"min', 3),
        ('p, "admin" x, y', 3),
        ('p, " admin", y', 5),
        ('p, "admin ", y', 5),
        ("p, " + "x" * 5_000, 4_096),
    ],
)
def test_a_row_that_could_hide_something_is_refused(text: str, column: int) -> None:
    (error,) = read(text)
    assert isinstance(error, RowError)
    assert (error.line, error.column) == (1, column)


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_no_row_takes_long_to_refuse(blank: str) -> None:
    """Blanks before a stray quote can be shared out in more ways than anybody waits for."""
    began = time.process_time()
    (error,) = read("p," + blank * 3_000 + 'x"')
    assert isinstance(error, RowError)
    assert time.process_time() - began < 2
