"""The linting of model files: what a deployment's own matcher may say, and what it must."""

import ast
import re
from pathlib import Path

from gateway.policy.engine.enforcer import read_model
from gateway.policy.rules.findings import MODEL, Findings
from gateway.policy.rules.models import ModelSpec

_MATCHER_NODES = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.Compare, ast.Eq, ast.NotEq),
    *(ast.Name, ast.Load, ast.Constant, ast.Call),
)


def lint_model(spec: ModelSpec, path: Path, text: str, findings: Findings) -> None:
    """Hold a model file to its definition; its matcher may say what it likes within it."""
    try:
        found = read_model(text)
    except ValueError as error:
        findings.add(MODEL, path, f"Casbin cannot read the model: {error}")
        return
    expected = {
        "r": ", ".join(spec.request),
        "p": ", ".join(spec.columns),
        "e": spec.effect,
        **({"g": "_, _, _"} if spec.roles else {}),
    }
    for key, definition in expected.items():
        if _plain(found.get(key, "")) != _plain(definition):
            line = _line_of(text, key)
            findings.add(MODEL, path, f"{key!r} must be defined as: {key} = {definition}", line)
    for key in found.keys() - expected.keys() - {"m"}:
        findings.add(MODEL, path, f"{key!r} is not used here; remove it", _line_of(text, key))
    problem = _matcher_problem(spec, found.get("m", ""))
    if problem:
        findings.add(MODEL, path, f"the matcher {problem}", _line_of(text, "m"))


def _plain(definition: str) -> str:
    return re.sub(r"\s", "", definition).replace("p_", "p.").replace("r_", "r.")


def _line_of(text: str, key: str) -> int:
    """The line on which ``key`` is defined; the first if it is nowhere."""
    found = re.search(rf"^[^\S\n]*{re.escape(key)}[^\S\n]*=", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _matcher_problem(spec: ModelSpec, matcher: str) -> str | None:
    plain = re.sub(r"!(?!=)", " not ", matcher.replace("&&", " and ").replace("||", " or "))
    try:
        tree = ast.parse(plain.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "is missing or does not parse"
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    tokens = {f"r_{name}" for name in spec.request} | {f"p_{name}" for name in spec.columns}
    for node in nodes:
        if not isinstance(node, _MATCHER_NODES):
            return "may use only && || == != and functions: an undecided rule cannot be negated"
        if id(node) in called:
            if not isinstance(node, ast.Name) or node.id not in spec.functions:
                return f"may call only {', '.join(sorted(spec.functions))}"
        elif isinstance(node, ast.Name) and node.id not in tokens:
            return f"names {node.id.replace('_', '.', 1)!r}, which the model does not define"
        elif isinstance(node, ast.Compare) and any(map(_is_call, ast.iter_child_nodes(node))):
            return "compares the answer of a function; use the answer itself"
    return _matcher_shape(spec, tree.body) or _ignored_column(spec, nodes)


def _matcher_shape(spec: ModelSpec, matcher: ast.expr) -> str | None:
    """A rule must select the contract before anything else about it is asked."""
    parts: list[str] = []
    if isinstance(matcher, ast.BoolOp) and isinstance(matcher.op, ast.And):
        parts = [ast.unparse(part) for part in matcher.values]
    if "selects(r_obj, p_obj)" not in parts:
        return "must join its parts with &&, and selects(r.obj, p.obj) must be one of them"
    if "holds" in spec.functions and parts[-1] != "holds(p_when, r_args)":
        return "must end with && holds(p.when, r.args)"
    return None


def _ignored_column(spec: ModelSpec, nodes: list[ast.AST]) -> str | None:
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    for column in spec.tested:
        if f"p_{column}" not in used:
            return f"never looks at p.{column}, so that column would be ignored"
    return None


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)
