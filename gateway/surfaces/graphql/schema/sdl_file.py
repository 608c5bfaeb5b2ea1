"""A schema read from a file in GraphQL's schema definition language, as somebody else wrote it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    ExecutableDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    KnownDirectivesRule,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    UniqueDirectivesPerLocationRule,
    build_ast_schema,
    parse,
    validate_schema,
)
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import (
    ProvidedRequiredArgumentsOnDirectivesRule,
)
from graphql.validation.specified_rules import specified_sdl_rules
from graphql.validation.validate import validate_sdl

from gateway.model.problem import MAX_ISSUES, Issue, ProblemError, refused_files

MAX_BYTES = 16 * 1024 * 1024
"""Size of the largest file that is read, in bytes."""

TOKENS = 2_000_000
"""The most tokens of a schema that is read."""

_DEFINED: Mapping[type[TypeExtensionNode], type[TypeDefinitionNode]] = {
    EnumTypeExtensionNode: EnumTypeDefinitionNode,
    InputObjectTypeExtensionNode: InputObjectTypeDefinitionNode,
    InterfaceTypeExtensionNode: InterfaceTypeDefinitionNode,
    ObjectTypeExtensionNode: ObjectTypeDefinitionNode,
    ScalarTypeExtensionNode: ScalarTypeDefinitionNode,
    UnionTypeExtensionNode: UnionTypeDefinitionNode,
}

_OF_DIRECTIVES = (
    KnownDirectivesRule,
    UniqueDirectivesPerLocationRule,
    KnownArgumentNamesOnDirectivesRule,
    ProvidedRequiredArgumentsOnDirectivesRule,
)
_LENIENT = [rule for rule in specified_sdl_rules if rule not in _OF_DIRECTIVES]

_REMEDY = "correct it, or name another file"


def read_schema(path: Path, *, strictly: bool = False) -> GraphQLSchema:
    """The schema that a file describes.

    Args:
        path: The file; what else can be opened and read, such as a pipe, will do.
        strictly: Refuse what documents cannot be validated against, too. Else it may apply
            directives otherwise than it defines them, and lack what a subgraph leaves to others.

    Raises:
        ProblemError: SDL_INVALID with what is wrong, and where.
    """
    return schema_of(_text_of(path), str(path), strictly=strictly)


def schema_of(sdl: str, file: str, *, strictly: bool = False) -> GraphQLSchema:
    """The schema that ``sdl`` describes; ``file`` names it in places. See ``read_schema``.

    A type that is only extended is taken as defined so, as subgraphs have it.
    """
    try:
        document = parse(sdl, max_lexical_tokens=TOKENS)
    except GraphQLError as error:
        raise _invalid([_issue(file, error, "GRAPHQL_PARSE_FAILED")]) from None
    if any(isinstance(node, ExecutableDefinitionNode) for node in document.definitions):
        message = f"it is no schema: it holds an operation or a fragment; {_REMEDY}"
        raise _invalid([Issue(file, "GRAPHQL_VALIDATION_FAILED", message)])
    document = DocumentNode(definitions=tuple(_defined(document)))
    _refuse_errors(file, validate_sdl(document, rules=None if strictly else _LENIENT))
    schema = _built(document, file)
    if strictly:
        _refuse_errors(file, validate_schema(schema))
    return schema


def _defined(document: DocumentNode) -> Iterator[DefinitionNode]:
    """The definitions, with the first extension of what nobody defines as its definition.

    graphql-core passes over such extensions, whatever they hold.
    """
    known = {
        node.name.value for node in document.definitions if isinstance(node, TypeDefinitionNode)
    }
    for node in document.definitions:
        if isinstance(node, TypeExtensionNode) and node.name.value not in known:
            known.add(node.name.value)
            yield _DEFINED[type(node)](**{key: getattr(node, key) for key in node.keys})
        else:
            yield node


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        told = getattr(error, "strerror", None) or error
        message = f"it cannot be read ({told}); name a file that can"
        raise _invalid([Issue(str(path), "NOT_FOUND", message)]) from None
    if len(raw) > MAX_BYTES:
        message = f"it is larger than {MAX_BYTES >> 20} MiB; name a smaller file"
        raise _invalid([Issue(str(path), "LIMIT_EXCEEDED", message)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; name a file of SDL"
        raise _invalid([Issue(str(path), "INVALID_FORMAT", message)]) from None


def _built(document: DocumentNode, file: str) -> GraphQLSchema:
    try:
        return build_ast_schema(document, assume_valid_sdl=True)
    except GraphQLError as error:
        raise _invalid([_issue(file, error, "GRAPHQL_VALIDATION_FAILED")]) from None
    except (TypeError, RecursionError) as error:  # an unknown type; nested beyond all measure
        message = f"{str(error).rstrip('.')}; {_REMEDY}"
        raise _invalid([Issue(file, "GRAPHQL_VALIDATION_FAILED", message)]) from None


def _refuse_errors(file: str, errors: list[GraphQLError]) -> None:
    if errors:
        raise _invalid([_issue(file, error, "GRAPHQL_VALIDATION_FAILED") for error in errors])


def _issue(file: str, error: GraphQLError, code: str) -> Issue:
    place = next(iter(error.locations or ()), None)
    at = f"{file}:{place.line}:{place.column}" if place else file
    return Issue(at, code, f"{error.message.rstrip('.')}; {_REMEDY}")


def _invalid(issues: list[Issue]) -> ProblemError:
    return refused_files(
        "SDL_INVALID", "The file is no schema that can be used", "the schema", issues, MAX_ISSUES
    )
