"""Documents as logs may tell them: what of the schema is asked for, nothing of the caller's own.

A document is written anew from its tree, never copied. What stays are the kinds of its parts, and
the names that the schema knows: those of fields, arguments, types and directives. All else is
chosen by the caller and may carry a value: literals of every kind (booleans and enum values tell
of people as well as strings do), aliases, names of operations, fragments and variables, comments
and descriptions, and names that the schema does not know.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
    VariableNode,
)

LONGEST = 2000
"""Characters of a normalised document that are told. The digest is of all of it."""

DEEPEST = 64
"""Levels of a document that are told."""

VALUE = "?"
"""Stands for every value that is written in a document."""
UNKNOWN = "_"
"""Stands for every name that the schema does not know."""
_CUT = "..."

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,79}", re.ASCII)
_USUAL_WORDS = (
    "add all and by cancel change count create delete do edit fetch find for from get in "
    "introspection is latest list load many mine mutation my new next of on one operation or page "
    "query read refresh remove save search send set show start stop submit subscribe subscription "
    "the to update view watch with"
)
_SHORTEST_WORD = 3

_MARK_KEY = secrets.token_bytes(32)
"""Of this process alone: a plain hash of a text with a short value in it could be guessed."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of a schema, by what they are used for, and the words that they are made of."""

    fields: frozenset[str]
    arguments: frozenset[str]
    types: frozenset[str]
    directives: frozenset[str]
    words: frozenset[str]

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Vocabulary":
        """The vocabulary of ``schema``."""
        fields, arguments = {"__typename", "__schema", "__type"}, {"name"}
        for kind in schema.type_map.values():
            for name, one in getattr(kind, "fields", {}).items():
                fields.add(name)
                arguments.update(getattr(one, "args", ()))
        for directive in schema.directives:
            arguments.update(directive.args)
        names = fields | arguments | set(schema.type_map)
        found = (word for name in names for word in _words(name) if len(word) >= _SHORTEST_WORD)
        return cls(
            frozenset(fields),
            frozenset(arguments),
            frozenset(schema.type_map),
            frozenset(directive.name for directive in schema.directives),
            frozenset(found) | set(_USUAL_WORDS.split()),
        )

    def knows_words_of(self, name: str) -> bool:
        """True for a name that is made of words of the schema, with one short number at most."""
        if not _NAME.fullmatch(name):
            return False
        *words, last = _words(name) or [""]
        return all(word in self.words for word in words) and (
            last in self.words or (bool(words) and last.isdigit() and len(last) == 1)
        )


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is told of a document: its normalised form and the SHA-256 of that.

    Of one that could not be parsed, only its size in bytes and a mark, by which the same text is
    known again while this process lives.
    """

    document: str | None = None
    digest: str | None = None
    unparsed_bytes: int | None = None
    unparsed_mark: str | None = None


class LazyShape:
    """The shape of a parsed document, made when it is first asked for.

    ``vocabulary`` gives the names of the schema that the document was prepared for.
    """

    def __init__(self, tree: DocumentNode, vocabulary: Callable[[], Vocabulary]) -> None:
        self._tree = tree
        self._vocabulary = vocabulary

    @cached_property
    def shape(self) -> Shape:
        """The shape."""
        text = normalised(self._tree, self._vocabulary())
        digest = hashlib.sha256(text.encode()).hexdigest()
        shown = text if len(text) <= LONGEST else text[:LONGEST] + _CUT
        return Shape(shown, f"sha256:{digest}")

    def name_of(self, operation: OperationDefinitionNode) -> str | None:
        """The operation's name, where it is made of words of the schema alone."""
        name = operation.name.value if operation.name else ""
        return name if self._vocabulary().knows_words_of(name) else None


def unparsed(source: str) -> Shape:
    """What is told of a text that is no document, or was not looked at."""
    raw = source.encode("utf-8", "surrogatepass")
    mark = hashlib.blake2b(raw, key=_MARK_KEY, digest_size=8).hexdigest()
    return Shape(unparsed_bytes=len(raw), unparsed_mark=mark)


def normalised(tree: DocumentNode, vocabulary: Vocabulary) -> str:
    """The document of ``tree`` with nothing of the caller's own in it, on one line.

    Variables and fragments are numbered as they come, aliases are left out, lists and objects are
    one value each.
    """
    writer = _Writer(vocabulary)
    return " ".join("".join(writer.definition(node)) for node in tree.definitions)


@dataclass(slots=True)
class _Writer:
    """Writes parts of a document, and remembers how it numbered the caller's names."""

    names: Vocabulary
    variables: dict[str, int] = field(default_factory=dict)
    fragments: dict[str, int] = field(default_factory=dict)

    def definition(self, node: object) -> Iterator[str]:
        """One operation or fragment; whatever else stands in a document is told as unknown."""
        if isinstance(node, OperationDefinitionNode):
            yield node.operation.value
            defined = node.variable_definitions
            if defined:
                yield f"({', '.join(''.join(self._variable(one)) for one in defined)})"
        elif isinstance(node, FragmentDefinitionNode):
            yield f"fragment {self._fragment(node.name.value)} on {self._type(node.type_condition)}"
        else:
            yield UNKNOWN
            return
        yield from self._directives(node.directives)
        yield from self._selections(node.selection_set, 1)

    def _variable(self, node: VariableDefinitionNode) -> Iterator[str]:
        yield f"{self._number(node.variable)}: {self._type(node.type)}"
        if node.default_value is not None:
            yield f" = {VALUE}"
        yield from self._directives(node.directives)

    def _selections(self, node: SelectionSetNode | None, depth: int) -> Iterator[str]:
        if node is None:
            return
        if depth > DEEPEST:
            yield f"{{{_CUT}}}"
            return
        parts = ("".join(self._selection(one, depth)) for one in node.selections)
        yield f"{{{' '.join(parts)}}}"

    def _selection(self, node: SelectionNode, depth: int) -> Iterator[str]:
        if isinstance(node, FieldNode):
            yield _known(node.name.value, self.names.fields)
            yield from self._arguments(node.arguments)
        elif isinstance(node, FragmentSpreadNode):
            yield f"...{self._fragment(node.name.value)}"
        elif isinstance(node, InlineFragmentNode):
            on = node.type_condition
            yield f"... on {self._type(on)}" if on is not None else "..."
        yield from self._directives(node.directives)
        if isinstance(node, FieldNode | InlineFragmentNode):
            yield from self._selections(node.selection_set, depth + 1)

    def _arguments(self, nodes: tuple[ArgumentNode, ...] | None) -> Iterator[str]:
        if nodes:
            yield f"({', '.join(self._argument(node) for node in nodes)})"

    def _argument(self, node: ArgumentNode) -> str:
        value = node.value
        told = self._number(value) if isinstance(value, VariableNode) else VALUE
        return f"{_known(node.name.value, self.names.arguments)}: {told}"

    def _directives(self, nodes: tuple[DirectiveNode, ...] | None) -> Iterator[str]:
        for node in nodes or ():
            yield f" @{_known(node.name.value, self.names.directives)}"
            yield from self._arguments(node.arguments)

    def _type(self, node: TypeNode) -> str:
        """A type as it is written; lists within lists are as bounded as the document's tokens."""
        after, before = "", ""
        while not isinstance(node, NamedTypeNode):
            if isinstance(node, NonNullTypeNode):
                after, node = f"!{after}", node.type
            elif isinstance(node, ListTypeNode):
                before, after, node = f"{before}[", f"]{after}", node.type
            else:
                return UNKNOWN
        return f"{before}{_known(node.name.value, self.names.types)}{after}"

    def _number(self, node: VariableNode) -> str:
        return f"${self.variables.setdefault(node.name.value, len(self.variables) + 1)}"

    def _fragment(self, name: str) -> str:
        return f"F{self.fragments.setdefault(name, len(self.fragments) + 1)}"


def _known(name: str, names: frozenset[str]) -> str:
    return name if name in names else UNKNOWN
