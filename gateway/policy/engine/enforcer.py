"""Casbin, behind one small class: the only module that imports it.

It reads the models, and it is the reference: the stock enforcer, to which the engine is held by
cases and tests. What is done here about the library: rules go in as they were linted (its own
adapter drops rows of unknown type), roles live in our own graph (its role manager is quadratic and
remembers every subject that was asked for), an empty rule set decides nothing (it would evaluate
the matcher over empty strings), and calls are serialised by a lock. Its request log prints what it
is given, so what goes in shows no values when it is printed. Its matcher is compiled once (it
would parse it for each request, and walk the tree for each rule).
"""

import ast
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from casbin import Enforcer
from casbin.model import Model
from casbin.persist import Adapter
from casbin.rbac import RoleManager

from gateway.policy.engine.matching import spaced
from gateway.policy.engine.roles import RoleGraph, Subject, has_link
from gateway.policy.rules.rows import Row

MatcherFunction = Callable[..., bool]


def read_model(text: str) -> dict[str, str]:
    """The definitions of a model file by their key (``r``, ``p``, ``g``, ``e``, ``m``).

    Raises:
        ValueError: Casbin cannot read it.
    """
    try:
        model = _model(text)
    except Exception as error:  # the library raises whatever its parser stumbles over
        raise ValueError(str(error)) from error
    return {
        key: definition.value for section in model.values() for key, definition in section.items()
    }


# Casbin logs its model at every start and each denied request in full: subjects and arguments.
logging.getLogger("casbin").setLevel(logging.CRITICAL)


class ReferenceEngine:
    """One Casbin model with its rules, decided by the stock enforcer: exact, and slow. Thread-safe;
    it never changes once built.

    ``model`` is the text of its file, ``effect`` what its effect means. ``rows`` are its rules in
    the order of their file, ``functions`` the matcher functions; ``graph``, if given, is asked
    about roles.
    """

    def __init__(
        self,
        model: str,
        effect: str,
        rows: Sequence[Row],
        functions: Mapping[str, MatcherFunction],
        graph: RoleGraph | None = None,
    ) -> None:
        self._rows = {row.values: row for row in rows}
        self._lock = threading.Lock()
        read = _model(model)
        # It knows effects and operators by their exact spelling; linting does not mind spaces.
        read["e"]["e"].value = effect.replace("p.", "p_")
        read["m"]["m"].value = spaced(read["m"]["m"].value)
        self._enforcer = _Enforcer(read)
        for name, function in functions.items():
            self._enforcer.add_function(name, function)
        if graph is not None:
            self._enforcer.set_role_manager(_GraphRoleManager(graph))
        self._enforcer.set_adapter(_LintedRows(rows))
        self._enforcer.load_policy()

    def decide(self, *request: object) -> tuple[bool, Row | None]:
        """Whether Casbin allows the request, and the rule that said so; None if none matched.

        Raises:
            Exception: whatever a matcher function raised. The caller must then deny.
        """
        if not self._rows:
            return False, None
        with self._lock:
            allowed, values = self._enforcer.enforce_ex(*request)
        return allowed, self._rows[tuple(values)] if values else None


def _model(text: str) -> Model:
    model = Model()
    model.load_model_from_text(text)
    return model


class _Enforcer(Enforcer):  # type: ignore[misc]  # casbin ships no types
    """The stock enforcer, for one matcher, which it reads once."""

    _expression: Any = None

    def _get_expression(self, expr: str, functions: Mapping[str, MatcherFunction]) -> Any:
        if self._expression is None:
            read = super()._get_expression(expr, functions)
            tree, known = read.ast_parsed_value, read.functions
            self._expression = _Expression(tree, known) if _is_simple(tree) else read
        return self._expression


class _Expression:
    """A matcher compiled by Python, whose values for it are those of Casbin's evaluator."""

    def __init__(self, tree: ast.expr, functions: Mapping[str, MatcherFunction]) -> None:
        self._code = compile(ast.Expression(tree), "<matcher>", "eval")
        self._known = {**functions, "__builtins__": {}}

    def eval(self, names: dict[str, object]) -> object:
        """Its value for a request and a rule."""
        return eval(self._code, self._known, names)  # noqa: S307 nothing but what is simple


_SIMPLE = (ast.BoolOp, ast.boolop, ast.Compare, ast.Eq, ast.NotEq, ast.Constant, ast.Name, ast.Load)


def _is_simple(tree: ast.expr) -> bool:
    """True if an expression only compares, joins, and calls functions by their name, as linted
    matchers do: the rest is left to Casbin's evaluator, which bounds and forbids."""
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    named = all(isinstance(call.func, ast.Name) and not call.keywords for call in calls)
    return named and all(isinstance(node, (*_SIMPLE, ast.Call)) for node in nodes)


class _LintedRows(Adapter):  # type: ignore[misc]  # casbin ships no types
    """Hands linted rows to Casbin at once; adding them one by one is quadratic."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def load_policy(self, model: Any) -> None:
        for row in self._rows:
            model[row.kind][row.kind].policy.append(list(row.values))


class _GraphRoleManager(RoleManager):  # type: ignore[misc]  # casbin ships no types
    """Casbin's view of a role graph; it also understands a ``Subject``."""

    def __init__(self, graph: RoleGraph) -> None:
        self._graph = graph

    def clear(self) -> None:
        """Nothing: the graph holds the links of the rules already."""

    def add_link(self, name1: str, name2: str, *domain: str) -> None:
        raise NotImplementedError("the rules of a revision never change")

    def delete_link(self, name1: str, name2: str, *domain: str) -> None:
        raise NotImplementedError("the rules of a revision never change")

    def has_link(self, name1: str | Subject, name2: str, *domain: str) -> bool:
        return has_link(self._graph, name1, name2, *domain)

    def print_roles(self) -> None:
        """Nothing: roles belong in no log."""
