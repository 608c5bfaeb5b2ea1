"""Whatever a caller writes into a document, and wherever, no log line has it."""

import io
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.model.principal import Principal, PrincipalType
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.operations.execution import Operation, choose_operation
from gateway.surfaces.graphql.operations.operation_log import OperationLine
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.sight import Sight
from gateway.surfaces.graphql.shapes import LazyShape, Vocabulary, normalised
from gateway.telemetry import handler
from tests.properties.amounts import examples
from tests.unit.graphql.support import Catalogue

SCHEMA = build_schema(Catalogue())
VOCABULARY = Vocabulary.of(SCHEMA)
WORD, NUMBER = "kanari", "77997799"
"""What each planted name or text, and each planted number, begins with."""
KNOWN = ("shopPing", "shopOrderGet", "items", "orderId", "done", "__typename", "__schema")
ASKER = Principal(PrincipalType.HUMAN, f"{WORD}@example.com", "acme")
PARTS = st.integers(0, 3)


def sees_all() -> Sight:
    """Who may ask for all of the schema."""
    return Sight(SCHEMA, is_open=True)


@dataclass
class Author:
    """Writes documents with something of its own in every place that the grammar has."""

    draw: Any
    planted: int = 0
    places: set[str] = field(default_factory=set)

    def plant(self, place: str) -> str:
        self.planted += 1
        self.places.add(place)
        return f"{WORD}{self.planted}"

    def is_so(self) -> bool:
        return bool(self.draw(st.booleans()))

    def name(self, place: str, known: tuple[str, ...]) -> str:
        return self.draw(st.sampled_from(known)) if self.is_so() else self.plant(place)

    def value(self, depth: int = 0, *, fixed: bool = False) -> str:
        """A value; a ``fixed`` one has no variables."""
        kind = self.draw(st.integers(0, 8 if depth < 3 else 6))
        if kind == 0:
            return f'"{self.plant("string")} \\" é {NUMBER}"'
        if kind == 1:
            return f'"""{self.plant("block string")}\n  {WORD} {NUMBER} """'
        if kind == 2:
            return f"{NUMBER}{self.draw(st.integers(0, 99))}"
        if kind == 3:
            return f"-{NUMBER}.5e{self.draw(st.integers(1, 9))}"
        if kind == 4:
            return self.plant("enum value")
        if kind == 5:
            return str(self.draw(st.sampled_from(["true", "false", "null"])))
        if kind == 6:
            return "3" if fixed else f"${self.plant('variable')}"
        inner = [self.value(depth + 1, fixed=fixed) for _ in range(self.draw(PARTS))]
        if kind == 7:
            return f"[{' '.join(inner)}]"
        return "{" + ", ".join(f"{self.plant('input field')}: {one}" for one in inner) + "}"

    def arguments(self, *, fixed: bool = False) -> str:
        count = self.draw(PARTS)
        known = ("input", "if", "name")
        told = [f"{self.name('argument', known)}: {self.value(fixed=fixed)}" for _ in range(count)]
        return f"({', '.join(told)})" if told else ""

    def directives(self, *, fixed: bool = False) -> str:
        if not self.is_so():
            return ""
        return f" @{self.name('directive', ('skip', 'include'))}{self.arguments(fixed=fixed)}"

    def comment(self) -> str:
        return f" # {self.plant('comment')} {NUMBER}\n" if self.is_so() else " "

    def type(self) -> str:
        name = self.name("type", ("ShopOrderGetInput", "String", "Query"))
        return str(self.draw(st.sampled_from(["{}", "{}!", "[{}]", "[[{}!]]!"]))).format(name)

    def selections(self, depth: int) -> str:
        parts = [self.selection(depth) for _ in range(1 + self.draw(PARTS))]
        return "{" + self.comment() + self.comment().join(parts) + "}"

    def selection(self, depth: int) -> str:
        kind = self.draw(st.integers(0, 5))
        if kind == 0:
            return f"...{self.plant('spread')}{self.directives()}"
        if kind == 1 and depth < 4:
            on = f" on {self.name('condition', ('Query',))}" if self.is_so() else ""
            return f"...{on}{self.directives()} {self.selections(depth + 1)}"
        alias = f"{self.plant('alias')}: " if self.is_so() else ""
        inner = f" {self.selections(depth + 1)}" if depth < 4 and self.is_so() else ""
        return f"{alias}{self.name('field', KNOWN)}{self.arguments()}{self.directives()}{inner}"

    def operation(self) -> str:
        kind = self.draw(st.sampled_from(["query", "mutation", "subscription"]))
        name = f" {self.plant('operation')}" if self.is_so() else ""
        defined = [
            f"${self.plant('definition')}: {self.type()} = {self.value(fixed=True)}"
            + self.directives(fixed=True)
            for _ in range(self.draw(PARTS))
        ]
        given = f"({', '.join(defined)})" if defined else ""
        said = f'"{self.plant("description")}" ' if self.is_so() else ""
        return f"{said}{kind}{name}{given}{self.directives()} {self.selections(1)}"

    def fragment(self) -> str:
        on = self.name("condition", ("Query",))
        head = f"fragment {self.plant('fragment')} on {on}{self.directives()}"
        return f"{head} {self.selections(1)}"

    def document(self) -> str:
        parts = [self.comment(), self.operation()]
        parts += [self.fragment() for _ in range(self.draw(PARTS))]
        if self.is_so():
            parts.append(
                f'"""{self.plant("comment of a type")}""" type {self.plant("sdl")} {{ a: Int }}'
            )
        return "\n".join(parts)


@st.composite
def documents(draw: Any) -> tuple[str, frozenset[str]]:
    author = Author(draw)
    return author.document(), frozenset(author.places)


@st.composite
def broken(draw: Any) -> str:
    """A document of which a part is missing, or stands in the wrong place."""
    text, _ = draw(documents())
    at, size = draw(st.integers(0, len(text))), draw(st.integers(1, 40))
    cut = text[:at] + text[at + size :]
    return cut + draw(st.sampled_from(["", "}", f'"{WORD}', f'"""{WORD}', "\ud800", f"{{{WORD}"]))


def told(source: str, name: str | None = None) -> dict[str, Any]:
    """The log line of an operation as the door makes it."""
    stream = io.StringIO()
    writes = handler("json", stream)
    log = logging.getLogger("gateway.operations")
    level, passes = log.level, log.propagate
    log.addHandler(writes)
    log.setLevel(logging.INFO)
    log.propagate = False
    kept = Documents(SCHEMA, Limits())
    parameters = Parameters(source, {WORD: NUMBER}, name)
    try:
        with OperationLine("http", None, None, parameters, ASKER) as line:
            document = kept.prepare(source, sees_all)
            definition = choose_operation(document, name)
            context: Any = None
            about = (parameters, context, Limits(), sees_all)
            line.operation = Operation(SCHEMA, document, definition, *about)
    except (RequestRefusedError, UnicodeEncodeError):
        pass
    finally:
        log.removeHandler(writes)
        log.setLevel(level)
        log.propagate = passes
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert WORD not in text
    found: dict[str, Any] = json.loads(text)
    assert NUMBER not in str({**found, "digest": "", "duration_ms": 0, "time": ""})
    return found


SLOW = settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW
@given(documents())
def test_a_normalised_document_has_nothing_of_its_author(written: tuple[str, set[str]]) -> None:
    source, places = written
    for place in places:
        event(place)
    tree = parse(source)
    text = normalised(tree, VOCABULARY)
    shape = LazyShape(tree, lambda: VOCABULARY)
    operations = [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]
    assert [shape.name_of(one) for one in operations] == [None] * len(operations)
    assert WORD not in text
    assert NUMBER not in text
    assert not {'"', "#", "true", "false", "null"} & set(text.replace("(", " ").split())
    found = told(source)
    assert found["digest"].startswith("sha256:")


@SLOW
@given(broken())
def test_a_broken_document_is_told_by_its_size_alone_or_as_a_whole_one(source: str) -> None:
    found = told(source)
    try:
        parse(source, max_lexical_tokens=Limits().tokens, max_comments=Limits().comments)
    except (GraphQLSyntaxError, RecursionError):
        assert "document" not in found
        assert found["unparsed_bytes"] == len(source.encode("utf-8", "surrogatepass"))


@SLOW
@given(documents(), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_what_the_author_chose(
    written: tuple[str, set[str]], random: Any
) -> None:
    source, _ = written
    other = source.replace(WORD, f"{WORD}{random.randint(1, 9)}x").replace(NUMBER, "7")
    assert normalised(parse(source), VOCABULARY) == normalised(parse(other), VOCABULARY)


@SLOW
@given(st.text(max_size=300).map(lambda text: f"{WORD}{text}{WORD}"))
def test_any_text_may_be_sent_as_a_document(source: str) -> None:
    told(source)
