"""The notation of conditions: the small language of a verdict rule's ``when`` column.

    amount > 100 && currency in ['EUR', 'USD'] && !(has(note) && startsWith(note, 'test'))

Read by recursive descent into the closures of ``conditions``; nothing is evaluated as Python.
"""

import operator
import re
from dataclasses import dataclass

from gateway.policy.rules.conditions import (
    ArgumentKind,
    Condition,
    Operand,
    Relation,
    Test,
    argument,
    junction,
    length,
    literal,
    membership,
    negation,
    prefix,
    presence,
    relation,
    truth,
)

MAX_LENGTH = 1_000
"""The longest condition that is read, in characters."""

MAX_NUMBER = 1e300
"""The largest number, up and down: what is reckoned with some of them stays finite."""

_MAX_DEPTH = 32


class ConditionSyntaxError(ValueError):
    """A condition that does not parse; ``column`` counts from 1 within the condition."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


def parse_condition(text: str) -> Condition:
    """The condition that ``text`` writes.

    Raises:
        ConditionSyntaxError: it does not parse; the message says what was expected.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionSyntaxError(f"a condition has at most {MAX_LENGTH} characters", MAX_LENGTH)
    parser = _Parser(text)
    test = parser.either(0)
    parser.expect_end()
    return Condition(text, {path: frozenset(kinds) for path, kinds in parser.reads.items()}, test)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<string>'[^'\\]*'|\"[^\"\\]*\")"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],]))",
    re.ASCII,
)

_ORDER: dict[str, Relation] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITY: dict[str, Relation] = {"==": operator.eq, "!=": operator.ne}
_BOOLEANS = {"true": True, "false": False}
_NO_ARGUMENTS = {"in", "true", "false", "null", "None", "and", "or", "not"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].lstrip()
            column = len(text) - len(rest) + 1
            raise ConditionSyntaxError(f"{rest[:8]!r} is not understood", column)
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        position = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


class _Parser:
    """``a || b``, ``a && b``, ``!a``, parentheses, comparisons, ``in`` and three functions."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self.reads: dict[str, set[ArgumentKind]] = {}

    def expect_end(self) -> None:
        """Refuse whatever follows a whole condition."""
        if self._next.kind != "end":
            raise self._expected("'&&', '||' or the end")

    def either(self, depth: int) -> Test:
        """``a || b || c``."""
        if depth > _MAX_DEPTH:
            raise self._error(f"conditions nest at most {_MAX_DEPTH} deep")
        parts = [self._both(depth)]
        while self._take("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else junction(parts, settles=True)

    def _both(self, depth: int) -> Test:
        parts = [self._single(depth)]
        while self._take("&&"):
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else junction(parts, settles=False)

    def _single(self, depth: int) -> Test:
        negated = False
        while self._take("!"):
            negated = not negated
        if self._take("("):
            test = self.either(depth + 1)
            self._expect(")")
        else:
            test = self._statement()
        return negation(test) if negated else test

    def _statement(self) -> Test:
        if self._call("has"):
            path = self._path(ArgumentKind.ANY)
            self._expect(")")
            return presence(path)
        if self._call("startsWith"):
            return self._starts_with()
        left = self._operand()
        if sign := self._take(*_ORDER):
            return self._compare(left, _ORDER[sign], ArgumentKind.NUMBER)
        if sign := self._take(*_EQUALITY):
            return self._compare(left, _EQUALITY[sign], None)
        if self._take("in"):
            return self._member(left)
        if not left.path and left.kind is not ArgumentKind.BOOLEAN:
            raise self._expected("a comparison such as '==' or 'in'")
        self._read(left, ArgumentKind.BOOLEAN)
        return truth(left)

    def _starts_with(self) -> Test:
        path = self._path(ArgumentKind.STRING)
        self._expect(",")
        start = self._operand()
        if not isinstance(start.literal, str):
            raise self._error("startsWith takes an argument and a string in quotes")
        self._expect(")")
        return prefix(path, start.literal)

    def _compare(self, left: Operand, holds: Relation, kind: ArgumentKind | None) -> Test:
        right = self._operand()
        kind = kind or left.kind or right.kind
        for side in (left, right):
            if not side.path and side.kind is not kind:
                raise self._error(f"a {kind} cannot be compared with a {side.kind}")
            self._read(side, kind or ArgumentKind.SCALAR)
        return relation(left, right, holds, kind)

    def _member(self, left: Operand) -> Test:
        values = self._list() if self._take("[") else argument(self._path(ArgumentKind.LIST))
        kind = literal(values.literal[0]).kind if values.literal else left.kind
        if left.kind not in (None, kind):
            raise self._error(f"a {left.kind} cannot be in a list of {kind}s")
        self._read(left, kind or ArgumentKind.SCALAR)
        return membership(left, values)

    def _list(self) -> Operand:
        items = [self._literal()]
        while self._take(","):
            items.append(self._literal())
        self._expect("]")
        if len({item.kind for item in items}) > 1:
            raise self._error("the values of a list must be of one type")
        values = [item.literal for item in items]
        return Operand(lambda _: values, literal=values)

    def _literal(self) -> Operand:
        item = self._operand()
        if item.literal is None:
            raise self._error("a list holds numbers, strings in quotes, true or false")
        return item

    def _operand(self) -> Operand:
        token = self._next
        if token.kind == "number":
            if abs(float(token.text)) > MAX_NUMBER:
                raise self._error(f"a number is at most {MAX_NUMBER:g}")
            self._at += 1
            return literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "string":
            self._at += 1
            return literal(token.text[1:-1])
        if token.text in _BOOLEANS:
            self._at += 1
            return literal(_BOOLEANS[token.text])
        if self._call("len"):
            measured = length(self._path(ArgumentKind.SIZED))
            self._expect(")")
            return measured
        return argument(self._path(None))

    def _path(self, kind: ArgumentKind | None) -> str:
        token = self._next
        if token.text in ("null", "None"):
            raise self._error("there is no null; ask has(argument) whether it is there")
        if token.kind != "name" or token.text in _NO_ARGUMENTS:
            raise self._expected("an argument, a number or a string")
        self._at += 1
        if kind:
            self.reads.setdefault(token.text, set()).add(kind)
        return token.text

    def _read(self, operand: Operand, kind: ArgumentKind) -> None:
        if operand.path:
            self.reads.setdefault(operand.path, set()).add(kind)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _call(self, function: str) -> bool:
        if self._next.text == function and self._tokens[self._at + 1].text == "(":
            self._at += 2
            return True
        return False

    def _take(self, *signs: str) -> str | None:
        token = self._next
        if token.kind in ("sign", "name") and token.text in signs:
            self._at += 1
            return token.text
        return None

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._expected(repr(sign))

    def _expected(self, what: str) -> ConditionSyntaxError:
        found = f"not {self._next.text!r}" if self._next.text else "but the condition ends"
        return self._error(f"{what} is expected here, {found}")

    def _error(self, message: str) -> ConditionSyntaxError:
        return ConditionSyntaxError(message, self._next.column)
