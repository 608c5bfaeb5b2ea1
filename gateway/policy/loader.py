"""Loading a folder of policies: read, lint everything, then build one revision."""

from collections.abc import Mapping
from pathlib import Path

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.json import digest
from gateway.policy.conditions import Condition
from gateway.policy.enforcer import RuleEnforcer
from gateway.policy.findings import FILE, POLICIES_INVALID, Findings, files_invalid
from gateway.policy.lint import (
    compile_conditions,
    compile_selectors,
    lint_conditions,
    lint_contracts,
    lint_model,
    lint_rows,
    lint_terms,
)
from gateway.policy.matcher import matcher_functions
from gateway.policy.models import ACCESS, MODELS, PII, VERDICT, ModelSpec
from gateway.policy.policies import Policies, RuleBook
from gateway.policy.roles import USER_PREFIX, RoleGraph
from gateway.policy.rows import Row
from gateway.policy.selectors import Selector


def load_policies(folder: Path, registry: Registry) -> Policies:
    """The policies in ``folder``, held against the contracts that are loaded.

    ``Policies.notes`` then holds what is worth a line in the log and refuses nothing.

    Raises:
        ProblemError: POLICIES_INVALID, with every issue of every file; an issue's path is
            ``file:line:column``.
    """
    findings = Findings()
    texts = _read(folder, findings)
    rows: dict[str, list[Row]] = {spec.name: [] for spec in MODELS}
    for spec in MODELS:
        if (model := texts.get(spec.model_file)) is not None:
            lint_model(spec, folder / spec.model_file, model, findings)
        if (rules := texts.get(spec.rule_file)) is not None:
            rows[spec.name] = lint_rows(spec, folder / spec.rule_file, rules, findings)
    selectors, conditions = _compile(folder, rows, registry.operations, findings)
    if findings.issues:
        raise files_invalid(POLICIES_INVALID, "policies", findings.issues)
    book = _build(texts, rows, selectors, conditions, tuple(findings.notes))
    return Policies(book, registry)


def _read(folder: Path, findings: Findings) -> dict[str, str]:
    """The text of every policy file that can be read, by its name."""
    names = [name for spec in MODELS for name in (spec.model_file, spec.rule_file)]
    for path in sorted(folder.glob("*")):
        if path.suffix in (".csv", ".conf") and path.name not in names:
            findings.add(
                FILE, path, f"the file would not be read; rules go into {', '.join(names)}"
            )
    texts = {name: findings.text_of(folder / name) for name in names}
    return {name: text for name, text in texts.items() if text is not None}


def _compile(
    folder: Path,
    rows: Mapping[str, list[Row]],
    operations: Mapping[str, OperationContract],
    findings: Findings,
) -> tuple[dict[str, Selector], dict[str, Condition]]:
    """The selectors and conditions of all rules, checked against the loaded contracts."""
    selectors: dict[str, Selector] = {}
    for spec in MODELS:
        path, rules = folder / spec.rule_file, _rules(rows[spec.name])
        selectors |= compile_selectors(rules, path, findings)
        lint_contracts(rules, selectors, operations, path, findings)
    path, rules = folder / VERDICT.rule_file, rows[VERDICT.name]
    lint_terms(rules, path, findings)
    conditions = compile_conditions(rules, path, findings)
    lint_conditions(rules, selectors, conditions, operations, path, findings)
    return selectors, conditions


def _rules(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.kind == "p"]


def _build(
    texts: Mapping[str, str],
    rows: Mapping[str, list[Row]],
    selectors: dict[str, Selector],
    conditions: dict[str, Condition],
    notes: tuple[str, ...],
) -> RuleBook:
    graph = RoleGraph()
    functions = matcher_functions(selectors)

    def enforcer(spec: ModelSpec) -> RuleEnforcer:
        used = {name: functions[name] for name in spec.functions - {"g"}}
        roles = graph if spec.roles else None
        return RuleEnforcer(texts[spec.model_file], rows[spec.name], used, roles)

    access = enforcer(ACCESS)
    rules = [row for spec in MODELS for row in _rules(rows[spec.name])]
    subjects = {row["sub"] for row in rules if row["sub"].startswith(USER_PREFIX)}
    workspaces = {row["dom"] for row in rules} | graph.named_workspaces()
    return RuleBook(
        revision=f"sha256:{digest(dict(texts))}",
        access=access,
        verdict=enforcer(VERDICT),
        pii=enforcer(PII),
        graph=graph,
        access_rows=tuple(_rules(rows[ACCESS.name])),
        verdict_rows=tuple(sorted(rows[VERDICT.name], key=lambda row: int(row["priority"]))),
        selectors=selectors,
        conditions=conditions,
        named=frozenset(subjects | workspaces | graph.named_users()),
        notes=notes,
    )
