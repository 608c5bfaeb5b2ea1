"""What the two databases spell differently: text within text, and JSON that is kept as text."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, bindparam, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Select
from sqlalchemy.sql.functions import FunctionElement


class _Place(FunctionElement[int]):
    """Where a text first occurs in another, from 1; 0 where it does not."""

    inherit_cache = True
    type = Integer()


class _Items(FunctionElement[str]):
    """The items of a JSON list, a row each in the column ``value``."""

    inherit_cache = True
    type = Text()


class _Field(FunctionElement[str]):
    """A member of a JSON object, as text."""

    inherit_cache = False
    type = Text()

    def __init__(self, document: ColumnElement[Any], member: str) -> None:
        super().__init__(document)
        self.member = member


class _IsJson(FunctionElement[int]):
    """1 where a text is JSON, else 0."""

    inherit_cache = True
    type = Integer()


class _Told(FunctionElement[str]):
    """A text that is a parameter, also where nothing around it says that it is one."""

    inherit_cache = True
    type = Text()


class _Number(FunctionElement[int]):
    """The whole number that an item of a JSON list is."""

    inherit_cache = True
    type = BigInteger()


class _Bytes(FunctionElement[int]):
    """How many bytes a text has in UTF-8."""

    inherit_cache = True
    type = Integer()


class _Lower(FunctionElement[str]):
    """A text with the letters A to Z as a to z, and all others as they are."""

    inherit_cache = True
    type = Text()


def contains(text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether ``part`` occurs in ``text``, byte for byte."""
    return _Place(text, part) > 0


def field(document: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """A member of a JSON object: text as it is, anything else as it is written in JSON."""
    return _Field(document, name)


def is_json(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a text is JSON."""
    return _IsJson(text) == 1


def told(name: str) -> ColumnElement[Any]:
    """The parameter ``name``, a text or null, of which nothing else tells the type."""
    return _Told(bindparam(name))


def items(document: ColumnElement[Any]) -> Any:
    """The items of a JSON list as a table with the column ``value``."""
    return _Items(document).table_valued("value")


def listed(name: str) -> Select[Any]:
    """The texts of a JSON list given as the parameter ``name``."""
    return select(items(told(name)).c.value)


def listed_numbers(name: str) -> Select[Any]:
    """The whole numbers of a JSON list given as the parameter ``name``."""
    return select(_Number(items(told(name)).c.value))


def holds(document: ColumnElement[Any], member: str, name: str) -> ColumnElement[bool]:
    """Whether a JSON list holds the parameter ``name``: itself, or as that member of an item."""
    found = items(document)
    value = field(found.c.value, member) if member else found.c.value
    return select(1).select_from(found).where(value == bindparam(name)).exists()


def names_person(
    document: ColumnElement[Any], member: str, name: str, others: str
) -> ColumnElement[bool]:
    """As ``holds``, also where the parameter, whose case is folded, is written there in other
    letters (``Alice``). Letters beyond ASCII are not folded here: the parameter ``others`` is a
    JSON list of what is the same with such letters."""
    found = items(document)
    value = field(found.c.value, member) if member else found.c.value
    is_there = or_(_Lower(value) == _Lower(told(name)), value.in_(listed(others)))
    return select(1).select_from(found).where(is_there).exists()


def is_beyond_ascii(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a text has a letter that is not of ASCII."""
    return _Bytes(text) > func.length(text)


# --- how each database says it

READABLE_JSON = (
    r"CAST(CASE WHEN strpos({0}, '\u0000') = 0 THEN {0} ELSE"
    r" regexp_replace({0}, '(?<!\\)((\\\\)*)\\u0000', '\1\\ufffd', 'g') END AS JSON)"
)
"""A JSON text as PostgreSQL reads members of it: it refuses all of a document in which any text
holds U+0000, as JSON may, so the replacement character is read instead."""


def _spelling(template: str) -> Any:
    def spelled(element: Any, compiler: SQLCompiler, **given: Any) -> str:
        arguments = [compiler.process(one, **given) for one in element.clauses]
        return template.format(*arguments, member=getattr(element, "member", ""))

    return spelled


_SPELLED: dict[type[FunctionElement[Any]], dict[str, str]] = {
    _Place: {"sqlite": "instr({}, {})", "postgresql": "strpos({}, {})"},
    _Items: {"sqlite": "json_each({})", "postgresql": f"json_array_elements_text({READABLE_JSON})"},
    _Field: {
        "sqlite": "json_extract({}, '$.{member}')",
        "postgresql": f"(({READABLE_JSON} ->> '{{member}}') COLLATE \"C\")",
    },
    _IsJson: {"sqlite": "json_valid({})", "postgresql": "CAST(({} IS JSON) AS INTEGER)"},
    _Told: {"sqlite": "{}", "postgresql": "CAST({} AS TEXT)"},
    _Bytes: {"sqlite": "length(CAST({} AS BLOB))", "postgresql": "octet_length({})"},
    _Lower: {"sqlite": "lower({})", "postgresql": 'lower({} COLLATE "C")'},
    _Number: {"sqlite": "{}", "postgresql": "CAST({} AS BIGINT)"},
}
for _element, _templates in _SPELLED.items():
    for _dialect, _template in _templates.items():
        compiles(_element, _dialect)(_spelling(_template))
