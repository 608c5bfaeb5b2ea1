"""From policy files to a revision: read a folder, lint everything, then build."""

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.contracts import Registry
from gateway.model.system import form_of
from gateway.policy.contents.content import (
    CASES,
    MODEL_FILES,
    RULE_FILES,
    SEPARATION,
    UNFINISHED,
    Edited,
    PolicyContent,
)
from gateway.policy.deriving import book_after
from gateway.policy.engine.book import ModelText, RuleBook, Rules, graph_of
from gateway.policy.engine.index import RuleIndex
from gateway.policy.policies import Policies
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.conditions import Condition
from gateway.policy.rules.findings import FILE, POLICIES_INVALID, Findings, files_invalid
from gateway.policy.rules.lint import (
    compile_conditions,
    compile_selectors,
    lint_conditions,
    lint_contracts,
    lint_rows,
    lint_terms,
)
from gateway.policy.rules.lint_models import lint_model
from gateway.policy.rules.models import ACCESS, MODELS, VERDICT, ModelSpec
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import Selector

_LOOKS = 5
"""How often files are read that change meanwhile."""


def load_policies(folder: Path, registry: Registry) -> Policies:
    """The policies in ``folder``, held against the contracts that are loaded.

    Raises:
        ProblemError: POLICIES_INVALID, with every issue of every file; an issue's path is
            ``file:line:column``.
    """
    return Policies(build_revision(read_content(folder), registry, folder))


def read_content(folder: Path) -> PolicyContent:
    """The policy files in ``folder``, as they are; what is missing is left out.

    Raises:
        ProblemError: POLICIES_INVALID for a file that cannot be read, and where not all files are
            known to be of one revision.
    """
    for _ in range(_LOOKS):
        before = _standing(folder)
        content = _read_once(folder)
        if _standing(folder) == before:  # else some may have been exchanged behind others
            return content
    findings = Findings()
    findings.add(FILE, folder, "the files changed while they were read; try again")
    raise files_invalid(POLICIES_INVALID, "policies", findings.issues)


def _read_once(folder: Path) -> PolicyContent:
    findings = Findings()
    if os.path.lexists(folder / UNFINISHED):
        told = (
            "an export to this folder is under way or has ended early, so that its files may be of "
            "two revisions; run `gateway policy export --force` to this folder again"
        )
        findings.add(FILE, folder / UNFINISHED, told)
    _tell_hidden_cases(folder, findings)
    texts = {name: findings.text_of(folder / name) for name in _names_in(folder)}
    if findings.issues:
        raise files_invalid(POLICIES_INVALID, "policies", findings.issues)
    return PolicyContent({name: text for name, text in texts.items() if text is not None})


def build_revision(content: PolicyContent, registry: Registry, where: Path) -> PolicyRevision:
    """A revision from its content; ``where`` is the folder that issues name.

    ``PolicyRevision.notes`` then holds what is worth a line in the log and refuses nothing.

    Raises:
        ProblemError: POLICIES_INVALID, with every issue of every file; an issue's path is
            ``file:line:column``.
    """
    findings = Findings()
    rows: dict[str, list[Row]] = {spec.name: [] for spec in MODELS}
    for name in content.files:
        if not _is_known(name):
            told = f"the file would not be read; rules go into {', '.join(RULE_FILES)}"
            findings.add(FILE, where / name, told)
    for spec in MODELS:
        model, rules = (_text(content, name, where, findings) for name in _files_of(spec))
        if model is not None:
            lint_model(spec, where / spec.model_file, model, findings)
        if rules is not None:
            rows[spec.name] = lint_rows(spec, where / spec.rule_file, rules, findings)
    selectors, conditions = _compile(where, rows, registry, findings)
    if findings.issues:
        raise files_invalid(POLICIES_INVALID, "policies", findings.issues)
    book = RuleBook.compiled(_rules_of(content, rows, selectors, conditions), tuple(findings.notes))
    return PolicyRevision(content, book, registry)


def derive_revision(before: PolicyRevision, edited: Edited, where: Path) -> PolicyRevision:
    """The revision that edits make of the one ``before``; ``where`` is the folder issues name.

    It equals a build from scratch. Where the edits are of single rows and in order, only these
    rows are read.

    Raises:
        ProblemError: POLICIES_INVALID, as ``build_revision``.
    """
    if edited.lines is not None:
        operations = before.registry.operations
        book = book_after(before.book, edited.lines, operations, where)
        if book is not None:
            return PolicyRevision(edited.content, book, before.registry)
    return build_revision(edited.content, before.registry, where)


def _rules_of(
    content: PolicyContent,
    rows: Mapping[str, list[Row]],
    selectors: dict[str, Selector],
    conditions: dict[str, Condition],
) -> Rules:
    assignments = tuple(row for row in rows[ACCESS.name] if row.kind == "g")
    return Rules(
        models={spec.name: ModelText.read(spec, content.files[spec.model_file]) for spec in MODELS},
        indexes={spec.name: RuleIndex(spec, _rules(rows[spec.name]), selectors) for spec in MODELS},
        assignments=assignments,
        graph=graph_of(assignments),
        selectors=selectors,
        conditions=conditions,
    )


def _names_in(folder: Path) -> list[str]:
    """The names of the policy files in a folder."""
    found = [path.name for path in folder.glob("*") if path.suffix in (".csv", ".conf")]
    found += [SEPARATION] if os.path.lexists(folder / SEPARATION) else []
    found += [f"{CASES}{path.name}" for path in folder.glob(f"{CASES}*.yaml")]
    return sorted(found)


def _tell_hidden_cases(folder: Path, findings: Findings) -> None:
    """Tell where cases are, or were, but cannot be looked for: none of them would be run."""
    cases = folder / CASES.rstrip("/")
    if os.path.lexists(cases):
        try:
            next(cases.iterdir(), None)
        except OSError as error:
            told = f"the folder of cases cannot be read ({error.strerror}); mend or remove it"
            findings.add(FILE, cases, told)


def _standing(folder: Path) -> dict[str, tuple[int, int, int] | None]:
    """What tells a file that was exchanged or written from the one before, for each in a folder."""
    return {name: form_of(folder / name) for name in _names_in(folder)}


def _is_known(name: str) -> bool:
    is_case = name.startswith(CASES) and name.endswith(".yaml") and name.count("/") == 1
    return is_case or name in (*RULE_FILES, *MODEL_FILES, SEPARATION)


def _files_of(spec: ModelSpec) -> tuple[str, str]:
    return spec.model_file, spec.rule_file


def _text(content: PolicyContent, name: str, where: Path, findings: Findings) -> str | None:
    text = content.files.get(name)
    if text is None:
        told = "the file is missing; the shipped policies folder has a model"
        findings.add(FILE, where / name, told)
    return text


def _compile(
    where: Path,
    rows: Mapping[str, list[Row]],
    registry: Registry,
    findings: Findings,
) -> tuple[dict[str, Selector], dict[str, Condition]]:
    """The selectors and conditions of all rules, checked against the loaded contracts."""
    operations = registry.operations
    brought = operations.keys() - registry.base.operations.keys()
    selectors: dict[str, Selector] = {}
    for spec in MODELS:
        path, rules = where / spec.rule_file, _rules(rows[spec.name])
        selectors |= compile_selectors(rules, path, findings)
        lint_contracts(rules, selectors, operations, path, findings)
    path, rules = where / VERDICT.rule_file, rows[VERDICT.name]
    lint_terms(rules, path, findings)
    conditions = compile_conditions(rules, path, findings)
    lint_conditions(rules, selectors, conditions, operations, brought, path, findings)
    return selectors, conditions


def _rules(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.kind == "p"]
