"""A matcher, compiled once: into closures, and into what an index can answer beforehand.

A matcher is a chain of parts joined by ``&&``, read from left to right as Casbin reads it. Parts
that can neither fail nor be anything but true or false may be asked in any order, so those that
only compare a column of the rule with the request are answered by looking candidates up. The first
part that may fail ends that: it and what follows it is evaluated for each candidate in turn, which
fails exactly where Casbin would.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias

from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.rules.models import ModelSpec

Test: TypeAlias = Callable[[Sequence[Any], Sequence[str]], Any]
"""A part of a matcher over the values of a request and of a rule."""

_ASKED = object()
"""Stands for the request's own value among those that a part lets a column have."""


@dataclass(frozen=True, slots=True)
class Matching:
    """A compiled matcher.

    ``by_contract``, ``by_workspace`` and ``by_subject`` say that only rules can match whose
    selector selects the contract, whose workspace is that of the request or ``*``, and which speak
    of the subject. ``shared`` are parts that ask nothing of who calls and with what; ``others``
    are the parts that are left, in their order. ``constants`` are the values that the matcher
    itself names. ``by_place`` says that the workspace of a request is only ever compared with
    workspaces, so that all that nothing names are alike.
    """

    by_contract: bool
    by_workspace: bool
    by_subject: bool
    shared: tuple[Test, ...]
    others: tuple[Test, ...]
    constants: frozenset[str]
    by_place: bool


def spaced(matcher: str) -> str:
    """The matcher with its operators apart from names, so that every reader finds them."""
    return matcher.replace("&&", " && ").replace("||", " || ")


def compile_matcher(
    spec: ModelSpec, matcher: str, functions: Mapping[str, Callable[..., Any]]
) -> Matching:
    """The matcher of a linted model, as Casbin hands it over; ``functions`` are those it may call.

    Only comparisons, ``&&``, ``||`` and calls of ``functions`` are compiled.

    Raises:
        ValueError: it holds anything else, which linting refuses.
    """
    plain = spaced(matcher).replace("&&", "and").replace("||", "or")
    tree = ast.parse(re.sub(r"!(?!=)", "not ", plain).strip(), mode="eval").body
    reader = _Reader(spec, functions)
    parts = list(_conjuncts(tree))
    sound = list(takewhile(reader.is_sound, parts))
    answered = {reader.lookup(part) for part in sound}
    rest = [part for part in sound if reader.lookup(part) not in _LOOKUPS]
    shared = [part for part in rest if reader.is_shared(part)]
    others = [part for part in rest if not reader.is_shared(part)] + parts[len(sound) :]
    return Matching(
        "obj" in answered,
        not answered.isdisjoint(("dom", _NARROWER)),
        "sub" in answered,
        tuple(map(reader.compiled, shared)),
        tuple(map(reader.compiled, others)),
        frozenset(
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ),
        _is_by_place(tree),
    )


_LOOKUPS = ("obj", "dom", "sub")
"""The columns whose part is answered in full by looking candidates up."""

_NARROWER = "narrower"
"""Said of a part that lets in fewer workspaces than the index finds."""


_PLACES = ("r_dom", "p_dom")


def _is_by_place(tree: ast.expr) -> bool:
    """True if the matcher asks of the workspace of a request only whether it is another one that
    is named, or what somebody holds there."""
    asked = sum(isinstance(node, ast.Name) and node.id == "r_dom" for node in ast.walk(tree))
    return asked == sum(map(_times_by_place, ast.walk(tree)))


def _times_by_place(node: ast.AST) -> int:
    """How often a comparison or a call asks in such a way for it."""
    if isinstance(node, ast.Call) and _text(node.func) == "g":
        given = list(map(_text, node.args))
        return int(given[2:] == ["r_dom"] and "r_dom" not in given[:2])
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and _text(node.func) == "domain":
        sides = node.args
    else:
        return 0
    if not all(_text(side) in _PLACES or _names_something(side) for side in sides):
        return 0
    return sum(_text(side) == "r_dom" for side in sides)


def _names_something(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _conjuncts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _conjuncts(value)
    else:
        yield node


class _Reader:
    """Reads the parts of one matcher."""

    def __init__(self, spec: ModelSpec, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._request = {f"r_{name}": at for at, name in enumerate(spec.request)}
        self._rule = {f"p_{name}": at for at, name in enumerate(spec.columns)}
        self._shared = {"r_obj", *(f"r_{name}" for name in spec.shared)}
        self._functions = functions

    def lookup(self, part: ast.expr) -> str:
        """Which column of the index answers the part; empty if none does."""
        if _text(part) == "selects(r_obj, p_obj)":
            return "obj"
        if _ASKED in (self._admitted(part, "sub") or ()):
            return "sub"
        workspaces = self._admitted(part, "dom")
        if workspaces is None or not workspaces <= {_ASKED, ANYWHERE}:
            return ""
        return "dom" if len(workspaces) == 2 else _NARROWER

    def _admitted(self, part: ast.expr, column: str) -> frozenset[object] | None:
        """The values that the part lets a column have; None if it asks for anything else."""
        if isinstance(part, ast.BoolOp) and isinstance(part.op, ast.Or):
            found = [self._admitted(value, column) for value in part.values]
            known = [values for values in found if values is not None]
            return frozenset().union(*known) if len(known) == len(found) else None
        if column == "sub":
            return self._admitted_subjects(part)
        if _text(part) == "domain(r_dom, p_dom)":
            return frozenset({_ASKED, ANYWHERE})
        if not isinstance(part, ast.Compare) or not isinstance(part.ops[0], ast.Eq):
            return None
        sides = [part.left, *part.comparators]
        own = [side for side in sides if _text(side) == f"p_{column}"]
        other = [side for side in sides if _text(side) != f"p_{column}"]
        if len(own) != 1 or len(other) != 1:
            return None
        if _text(other[0]) == f"r_{column}":
            return frozenset({_ASKED})
        return frozenset({other[0].value}) if isinstance(other[0], ast.Constant) else None

    def _admitted_subjects(self, part: ast.expr) -> frozenset[object] | None:
        """Only what every subject plays may be let in beside the names that it plays itself."""
        if isinstance(part, ast.Call):
            plays = [_text(part.func), *map(_text, part.args[:2])]
            known = plays in (["plays", "r_sub", "p_sub"], ["g", "r_sub", "p_sub"])
            return frozenset({_ASKED}) if known else None
        everybody = (f"p_sub == '{ANYWHERE}'", f"'{ANYWHERE}' == p_sub")
        return frozenset({ANYWHERE}) if _text(part) in everybody else None

    def is_sound(self, part: ast.expr) -> bool:
        """True if the part cannot fail and is always true or false."""
        if isinstance(part, ast.BoolOp):
            return all(map(self.is_sound, part.values))
        if isinstance(part, ast.Compare):
            return all(map(_is_plain, [part.left, *part.comparators]))
        return isinstance(part, ast.Call) and self._is_sound_call(part)

    def _is_sound_call(self, call: ast.Call) -> bool:
        if not all(map(_is_plain, call.args)):
            return False
        name, given = _text(call.func), [_text(each) for each in call.args]
        if name == "domain":
            return len(given) == 2
        if name == "selects":
            return given == ["r_obj", "p_obj"]
        if name == "covers":
            return given == ["r_field", "p_field"]
        counts = {"plays": (2,), "g": (2, 3)}.get(name, ())
        named = len(given) > 1 and (given[1] in self._rule or given[1][0] in "'\"")
        return len(given) in counts and given[0] == "r_sub" and named

    def is_shared(self, part: ast.expr) -> bool:
        """True if the part asks nothing that differs from call to call."""
        names = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        return names & self._request.keys() <= self._shared

    def compiled(self, node: ast.expr) -> Test:
        """The part as a closure.

        Raises:
            ValueError: it is of no kind that a matcher may use.
        """
        if isinstance(node, ast.BoolOp):
            return _junction(list(map(self.compiled, node.values)), isinstance(node.op, ast.Or))
        if isinstance(node, ast.Compare):
            sides = [self.compiled(side) for side in [node.left, *node.comparators]]
            return _comparison(sides, [self._equal(each) for each in node.ops])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return _call(self._functions[node.func.id], list(map(self.compiled, node.args)))
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.Name):
            return self._token(node.id)
        raise ValueError(f"a matcher cannot use {type(node).__name__}")

    def _equal(self, operator: ast.cmpop) -> bool:
        if not isinstance(operator, ast.Eq | ast.NotEq):
            told = f"a matcher cannot use {type(operator).__name__}"
            raise ValueError(told)  # noqa: TRY004 - what is wrong is the text of the model
        return isinstance(operator, ast.Eq)

    def _token(self, name: str) -> Test:
        if name in self._request:
            asked = self._request[name]
            return lambda request, _: request[asked]
        told = self._rule[name]
        return lambda _, rule: rule[told]


def _text(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)  # unparsing is slow


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Constant)


def _constant(value: object) -> Test:
    return lambda _request, _rule: value


def _junction(tests: Sequence[Test], settles: bool) -> Test:
    """The first value that settles it, else the last one; as Casbin gives it, truth or not."""

    def test(request: Sequence[Any], rule: Sequence[str]) -> Any:
        value: Any = not settles
        for part in tests:
            value = part(request, rule)
            if bool(value) is settles:
                break
        return value

    return test


def _comparison(sides: Sequence[Test], equal: Sequence[bool]) -> Test:
    if len(sides) == 2:
        left, right, wanted = sides[0], sides[1], equal[0]
        if wanted:
            return lambda request, rule: left(request, rule) == right(request, rule)
        return lambda request, rule: left(request, rule) != right(request, rule)

    def chain(request: Sequence[Any], rule: Sequence[str]) -> Any:
        value, held = sides[0](request, rule), True
        for side, wanted in zip(sides[1:], equal, strict=True):
            before, value = value, side(request, rule)
            held = before == value if wanted else before != value
            if not held:
                break
        return held

    return chain


def _call(function: Callable[..., Any], given: Sequence[Test]) -> Test:
    if len(given) == 2:
        first, second = given
        return lambda request, rule: function(first(request, rule), second(request, rule))
    return lambda request, rule: function(*[each(request, rule) for each in given])
