"""The linting of policy files: Casbin itself drops, ignores or postpones most mistakes in them."""

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.policy.conditions import Condition
from gateway.policy.enforcer import read_model
from gateway.policy.findings import CONDITION, CONTRACT, FILE, MODEL, ROW, VALUE, Findings
from gateway.policy.fit import misfits
from gateway.policy.grammar import ConditionSyntaxError, parse_condition
from gateway.policy.models import ASSIGNMENT, NONE, Check, ModelSpec, duration, escalation
from gateway.policy.rows import Row, RowError, read_rows
from gateway.policy.selectors import Selector, parse_selector
from gateway.policy.verdicts import DEFAULT_APPROVER, DEFAULT_EXPIRY

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
    found = re.search(rf"^\s*{re.escape(key)}\s*=", text, re.MULTILINE)
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


def lint_rows(spec: ModelSpec, path: Path, text: str, findings: Findings) -> list[Row]:
    """The rows of a rule file that are sound in themselves."""
    checks = {"p": spec.columns, **({"g": ASSIGNMENT} if spec.roles else {})}
    names = {kind: tuple(columns) for kind, columns in checks.items()}
    seen: dict[tuple[str, ...], int] = {}
    rows: list[Row] = []
    empty = True
    for row in read_rows(spec.rule_file, text, names):
        empty = False
        if isinstance(row, RowError):
            findings.add(ROW, path, str(row), row.line, row.column)
        elif _is_whole(row, checks, path, findings) and _is_new(row, spec, seen, path, findings):
            rows.append(row)
    if empty:
        findings.add(FILE, path, "the file holds no rule, so it would decide nothing")
    return rows


def _is_whole(
    row: Row, checks: Mapping[str, Mapping[str, Check]], path: Path, findings: Findings
) -> bool:
    if row.kind not in checks:
        known = " or ".join(repr(kind) for kind in checks)
        where = "; role assignments belong into access.csv" if row.kind == "g" else ""
        findings.add(ROW, path, f"a row begins with {known}, not {row.kind!r}{where}", row.line)
        return False
    if len(row.values) != len(row.names):
        findings.add(ROW, path, _wrong_count(row), row.line)
        return False
    sound = True
    for name, value, column in zip(row.names, row.values, row.columns, strict=True):
        wrong = checks[row.kind][name](value) if value else "is empty; write * or -"
        if wrong:
            findings.add(VALUE, path, f"{name}: {wrong}", row.line, column)
            sound = False
    return sound


def _wrong_count(row: Row) -> str:
    """A row has too few fields or too many; one of an earlier release lacks only the last."""
    if len(row.values) == len(row.names) - 1 and row.names[-1] == "escalation":
        return (
            "the row ends before its last field, escalation: add ', -' for none, or for example "
            "', 4h:manager' to let that role decide too after that time"
        )
    return (
        f"a {row.kind!r} row has {len(row.names)} fields after it "
        f"({', '.join(row.names)}), not {len(row.values)}; quote a field that holds a comma"
    )


def _is_new(
    row: Row, spec: ModelSpec, seen: dict[tuple[str, ...], int], path: Path, findings: Findings
) -> bool:
    matched = row.values if row.kind == "g" else tuple(row[name] for name in spec.matched_on)
    first = seen.setdefault((row.kind, *matched), row.line)
    if first != row.line:
        findings.add(ROW, path, f"the row on line {first} already says what applies here", row.line)
        return False
    return True


def lint_terms(rows: Iterable[Row], path: Path, findings: Findings) -> None:
    """A verdict rule says who approves exactly where somebody must."""
    for row in rows:
        verdict = row["verdict"]
        for name in ("approver", "quorum", "expiry"):
            column = row.column(name)
            if verdict == Verdict.ASSIST and row[name] == NONE:
                findings.add(VALUE, path, f"{name}: an assist rule must say it", row.line, column)
        for name in ("approver", "quorum", "expiry", "escalation"):
            if verdict == Verdict.BLOCKED and row[name] != NONE:
                told = f"{name}: what is blocked cannot be approved; write -"
                findings.add(VALUE, path, told, row.line, row.column(name))
        if verdict != Verdict.BLOCKED and row["escalation"] != NONE:
            wrong = _wrong_escalation(row)
            if wrong:
                findings.add(VALUE, path, wrong, row.line, row.column("escalation"))


def _wrong_escalation(row: Row) -> str | None:
    after, role = escalation(row["escalation"])
    expiry = DEFAULT_EXPIRY if row["expiry"] == NONE else row["expiry"]
    approver = DEFAULT_APPROVER if row["approver"] == NONE else row["approver"]
    if after >= duration(expiry):
        return f"escalation: it must come before the request expires ({expiry})"
    if role == approver:
        return f"escalation: {role} may decide from the beginning; name another role, or write -"
    return None


def compile_selectors(rows: Iterable[Row], path: Path, findings: Findings) -> dict[str, Selector]:
    """The selectors of all rules, by their text."""
    compiled: dict[str, Selector] = {}
    for row in rows:
        text = row["obj"]
        try:
            compiled[text] = compiled.get(text) or parse_selector(text)
        except ValueError as error:
            column = row.column("obj")
            findings.add(VALUE, path, f"obj: {error}", row.line, column)
    return compiled


def compile_conditions(rows: Iterable[Row], path: Path, findings: Findings) -> dict[str, Condition]:
    """The conditions of all verdict rules, by their text."""
    compiled: dict[str, Condition] = {}
    for row in rows:
        text = row["when"]
        try:
            compiled[text] = compiled.get(text) or parse_condition(text)
        except ConditionSyntaxError as error:
            column = row.column("when") + error.column - 1
            findings.add(CONDITION, path, f"when: {error}", row.line, column)
    return compiled


def lint_contracts(
    rows: Iterable[Row],
    selectors: Mapping[str, Selector],
    contracts: Mapping[str, OperationContract],
    path: Path,
    findings: Findings,
) -> None:
    """Every exact selector must name a loaded contract, unless its whole domain is not loaded."""
    keys = {contract.key for contract in contracts.values()}
    loaded = {key.partition(".")[0] for key in keys}
    waiting: dict[str, str] = {}
    for row in rows:
        selector = selectors.get(row["obj"])
        if selector is None or not selector.exact:
            continue
        key = selector.exact.partition("@")[0]
        if selector.exact in contracts or selector.exact in keys:
            continue
        column = row.column("obj")
        if selector.optional or key.partition(".")[0] not in loaded:
            waiting.setdefault(
                selector.exact, f"{path}:{row.line}: {selector.exact} is not loaded; its rules wait"
            )
            continue
        near = difflib.get_close_matches(selector.exact, [*keys, *contracts], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        findings.add(
            CONTRACT, path, f"obj: no contract {selector.exact!r} is loaded{hint}", row.line, column
        )
    findings.notes += waiting.values()


def lint_conditions(
    rows: Iterable[Row],
    selectors: Mapping[str, Selector],
    conditions: Mapping[str, Condition],
    contracts: Mapping[str, OperationContract],
    path: Path,
    findings: Findings,
) -> None:
    """A condition on one exact contract must read arguments that its input has."""
    for row in rows:
        selector, condition = selectors.get(row["obj"]), conditions.get(row["when"])
        if selector is None or condition is None or not selector.exact or not condition.reads:
            continue
        column = row.column("when")
        for contract in contracts.values():
            if selector.selects(contract):
                for misfit in misfits(condition, contract):
                    findings.add(CONDITION, path, f"when: {misfit}", row.line, column)
