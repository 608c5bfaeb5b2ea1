"""Every log call of the package has a constant template, and arguments that are no free text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"_log", "log", "logger", "_logger"}
TEXTS = {"detail", "message", "reason", "text", "query", "variables", "subject", "body", "payload"}
"""Attributes that hold what somebody wrote."""
CAUGHT = {"error", "exc", "refused", "failed"}
"""Names of exceptions: their texts hold values."""


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in LOGGERS
        ):
            yield node


def constants(tree: ast.AST) -> set[str]:
    """Local names that only ever stand for a literal."""
    given: dict[str, list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    given.setdefault(target.id, []).append(isinstance(node.value, ast.Constant))
    return {name for name, literal in given.items() if all(literal)}


def faults(tree: ast.AST) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return [fault for scope in functions or [tree] for fault in faults_in(scope)]


def faults_in(scope: ast.AST) -> list[str]:
    found = []
    known = constants(scope)
    for call in log_calls(scope):
        assert isinstance(call.func, ast.Attribute)
        template, *given = call.args[1:] if call.func.attr == "log" else call.args
        if not (
            isinstance(template, ast.Constant)
            or (isinstance(template, ast.Name) and template.id in known)
        ):
            found.append(f"{call.lineno}: the template is {ast.unparse(template)}")
        for argument in given:
            found += [
                f"{call.lineno}: {ast.unparse(argument)}"
                for node in ast.walk(argument)
                if isinstance(node, ast.JoinedStr) or is_text(node, argument)
            ]
    return found


def is_text(node: ast.AST, argument: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in TEXTS
    return isinstance(node, ast.Name) and node.id in CAUGHT and node is argument


@pytest.mark.parametrize(
    ("source", "is_fault"),
    [
        ('_log.info("a %s", one.id)', False),
        ('_log.info("a %s", error.problem.code)', False),
        ('told = "a %s"\n_log.info(told, one)', False),
        ('_log.log(level, "a")', False),
        ('_log.info(f"a {one}")', True),
        ("_log.info(told)", True),
        ('def a():\n    told = "a"\n    _log.info(told)\ndef b():\n    told = f()', False),
        ('told = "a" + one\n_log.info(told)', True),
        ('_log.info("a %s", error)', True),
        ('_log.info("a %s", str(error.problem.detail))', True),
        ('_log.info("a %s", f"{one}")', True),
        ('_log.exception("a", principal.subject)', True),
    ],
)
def test_the_search_finds_what_it_is_for(source: str, is_fault: bool) -> None:
    assert bool(faults(ast.parse(source))) is is_fault


def test_no_log_call_of_the_package_could_carry_what_somebody_wrote() -> None:
    trees = {
        path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "gateway").rglob("*.py"))
    }
    calls = {path: len(list(log_calls(tree))) for path, tree in trees.items()}
    assert sum(calls.values()) > 40
    found = {str(path): faults(trees[path]) for path, count in calls.items() if count}
    assert {path: lines for path, lines in found.items() if lines} == {}
