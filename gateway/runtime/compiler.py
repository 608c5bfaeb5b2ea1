"""Compile: a draft becomes a typed DAG, or all that is wrong with it is said at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.contracts import Registry, pii_of
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.plan import Edge, Plan, PlanStep
from gateway.model.ports import Sealer
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.model.scrubbing import scrub, values_at
from gateway.runtime.draft import COMPENSATE, DraftStep, compensates, read_draft
from gateway.runtime.hashing import plan_hash, step_id
from gateway.runtime.order import topological
from gateway.runtime.references import (
    Reference,
    misfit,
    references,
    type_at,
    without_references,
)

_NAMED = 10
"""How many steps of a cycle are named in a message."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles drafts of a workspace against the contracts that are loaded."""

    registry: Registry
    sealer: Sealer
    new_plan_id: Callable[[], str]

    def compile(
        self,
        workspace: str,
        draft: JsonObject,
        base: str = "/input/draft",
        within: Registry | None = None,
    ) -> Plan:
        """The plan of a draft. ``base`` is the JSON pointer to the draft.

        Contracts are looked up ``within`` what the workspace may use now, unless the caller says
        otherwise.

        Raises:
            ProblemError: VALIDATION_FAILED with every issue of the whole draft.
        """
        drafted, issues = read_draft(draft, base)
        contracts = self._contracts(within or self.registry.of(workspace), drafted, issues)
        checks = _Checks(self.registry, {step.key: step for step in drafted}, contracts)
        for step in drafted:
            issues.extend(checks.issues_of(step))
        graph = {step.key: set(checks.depends_on(step)) for step in drafted}
        order, cycles = topological(graph)
        issues.extend(_cycle_issues(drafted, cycles))
        if issues:
            told = invalid(issues).problem
            raise ProblemError(scrub(told, _private(drafted, contracts)))
        by_key = {step.key: step for step in drafted}
        steps = [
            self._step(by_key[key], contracts[key], checks.depends_on(by_key[key])) for key in order
        ]
        return self._plan(workspace, steps, checks, compensate=compensates(draft))

    def single(self, workspace: str, contract: OperationContract, value: JsonObject) -> Plan:
        """The plan of a direct call: one step with this validated input and no reference."""
        step = PlanStep(
            *("", "call", contract.ref, contract.digest, value, (), pii_of(contract, "input")),
            contract.policy.subject,
        )
        return self._plan(workspace, [step], None)

    def _contracts(
        self, within: Registry, drafted: list[DraftStep], issues: list[Issue]
    ) -> dict[str, OperationContract]:
        found: dict[str, OperationContract] = {}
        for step in drafted:
            contract = within.resolve(step.contract)
            if contract is None:
                told = f"There is no contract {step.contract!r}. Use a loaded key or key@version."
                issues.append(Issue(f"{step.at}/contract", "UNKNOWN_CONTRACT", told))
            elif contract.handler is None:
                told = f"{contract.key} is performed by the gateway itself and cannot be a step."
                issues.append(Issue(f"{step.at}/contract", "NOT_PLANNABLE", told))
            else:
                found[step.key] = contract
        return found

    def _step(
        self, drafted: DraftStep, contract: OperationContract, depends_on: tuple[str, ...]
    ) -> PlanStep:
        return PlanStep(
            id="",
            key=drafted.key,
            contract=contract.ref,
            contract_digest=contract.digest,
            input=drafted.input,
            depends_on=depends_on,
            pii=pii_of(contract, "input"),
            subject=contract.policy.subject,
        )

    def _plan(
        self,
        workspace: str,
        steps: list[PlanStep],
        checks: "_Checks | None",
        *,
        compensate: bool = False,
    ) -> Plan:
        hashed = plan_hash(self.sealer, workspace, steps, compensate=compensate)
        numbered = tuple(replace(step, id=step_id(hashed, step.key)) for step in steps)
        edges = tuple(edge for step in numbered for edge in _edges(step)) if checks else ()
        return Plan(self.new_plan_id(), hashed, numbered, edges, compensate)


@dataclass(frozen=True, slots=True)
class _Checks:
    """What one step says of the others, checked."""

    registry: Registry
    steps: dict[str, DraftStep]
    contracts: dict[str, OperationContract]

    def depends_on(self, step: DraftStep) -> tuple[str, ...]:
        """The keys that a step waits for: those it names and those it refers to."""
        named = {*step.depends_on, *(found.source for found in references(step.input))}
        return tuple(sorted(named))

    def issues_of(self, step: DraftStep) -> Iterator[Issue]:
        """Everything wrong with the dependencies and the input of a step."""
        for index, name in enumerate(step.depends_on):
            if name not in self.steps:
                told = f"There is no step {name!r} in this draft."
                yield Issue(f"{step.at}/dependsOn/{index}", "UNKNOWN_STEP", told)
        contract = self.contracts.get(step.key)
        if contract is None:
            return
        found = list(references(step.input))
        for reference in found:
            reason = self._reference_issue(reference, contract)
            if reason is not None:
                yield Issue(f"{step.at}/input{reference.pointer}", *reason)
        yield from self._literal_issues(step, contract, {item.pointer for item in found})

    def _reference_issue(
        self, reference: Reference, contract: OperationContract
    ) -> tuple[str, str] | None:
        if reference.in_list:
            return "REFERENCE_MISPLACED", "A reference stands for a field, not an item of a list."
        if reference.source not in self.steps:
            return "UNKNOWN_STEP", f"There is no step {reference.source!r} in this draft."
        source_of = self.contracts.get(reference.source)
        if source_of is None:
            return None
        field = ".".join(reference.field)
        source = type_at(source_of, source_of.output, reference.field)
        if source is None:
            return "UNKNOWN_FIELD", f"{source_of.key} has no output field {field!r}."
        target = type_at(contract, contract.input, reference.path)
        if target is None:
            return "UNKNOWN_FIELD", f"{contract.key} has no input field {reference.dotted!r}."
        reason = misfit(source.as_read, source_of, target.type, contract)
        if reason is None:
            return None
        return "TYPE_MISMATCH", f"{reference.source}.{field} does not fit: {reason}."

    def _literal_issues(
        self, step: DraftStep, contract: OperationContract, referred: set[str]
    ) -> Iterator[Issue]:
        base = f"{step.at}/input"
        try:
            self.registry.input_of(contract).check(without_references(step.input), base)
        except ProblemError as error:
            for issue in error.problem.issues:
                where = issue.path.removeprefix(base)
                if issue.code == "REQUIRED" and where in referred:
                    continue
                yield issue


def _private(
    drafted: list[DraftStep], contracts: dict[str, OperationContract]
) -> Iterator[JsonValue]:
    """The PII among the literals of a draft."""
    for step in drafted:
        contract = contracts.get(step.key)
        if contract is not None:
            yield from values_at(step.input, contract.policy.pii)


def _edges(step: PlanStep) -> Iterator[Edge]:
    flowing = set()
    for found in references(step.input):
        flowing.add(found.source)
        yield Edge(found.source, step.key, ".".join(found.field))
    for name in step.depends_on:
        if name not in flowing:
            yield Edge(name, step.key)


def _cycle_issues(drafted: list[DraftStep], cycles: list[list[str]]) -> Iterator[Issue]:
    named = {key: _named(cycle) for cycle in cycles for key in cycle}
    for step in drafted:
        if step.key in named:
            told = f"These steps wait for one another: {named[step.key]}. Remove one dependency."
            yield Issue(step.at, "CYCLE", told)


def _named(cycle: list[str]) -> str:
    more = len(cycle) - _NAMED
    return ", ".join(cycle[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def draft_of(plan: Plan) -> JsonObject:
    """The draft that a plan was compiled from, with its contracts pinned to their versions."""
    asked: JsonObject = {"onFailure": COMPENSATE} if plan.compensate else {}
    return {
        **asked,
        "steps": [
            {
                "key": step.key,
                "contract": step.contract,
                "input": step.input,
                "dependsOn": list(step.depends_on),
            }
            for step in plan.steps
        ],
    }
