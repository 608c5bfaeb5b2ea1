"""Verify: what policy says of every step of a plan, before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.contract import OperationContract, Risk
from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.plan import Plan, PlanStep
from gateway.model.principal import Principal
from gateway.model.problem import refuse
from gateway.policy import Policies
from gateway.runtime.pii_copies import copies
from gateway.runtime.pii_flow import COPIED, leaks
from gateway.runtime.pii_read import PiiRead
from gateway.runtime.references import references, without_references
from gateway.runtime.requester import requester_access


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What verification says of one step: policy's two decisions and the flow of PII into it."""

    step: PlanStep
    access: AccessDecision
    decision: VerdictDecision
    flowing: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()

    @property
    def leaks(self) -> tuple[str, ...]:
        """Where PII would go that may not go there: by a reference, or copied into a literal."""
        return (*self.flowing, *self.copied)

    @property
    def verdict(self) -> Verdict:
        """Blocked where access is denied or PII would leak; else what the decision says."""
        if not self.access.allowed or self.leaks:
            return Verdict.BLOCKED
        return self.decision.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences: what blocks, or else what the decision says."""
        denied = () if self.access.allowed else (self.access.reason,)
        decided = self.decision.reasons
        if (denied or self.leaks) and self.decision.verdict is not Verdict.BLOCKED:
            decided = ()
        return (*denied, *self.leaks, *decided)

    def to_json(self) -> JsonObject:
        """The decision as it is recorded with the plan."""
        return {
            **({COPIED: True} if self.copied else {}),
            **self.decision.to_json(),
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "access": self.access.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict of a plan: that of its worst step. ``risk`` is the highest of its contracts."""

    steps: tuple[StepVerdict, ...]
    risk: Risk
    revision: str

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any step."""
        return max((step.verdict for step in self.steps), key=lambda verdict: verdict.rank)

    @property
    def blocked_reasons(self) -> list[str]:
        """Why steps are blocked, each sentence with its step's key."""
        return [
            f"{step.step.key}: {reason}"
            for step in self.steps
            if step.verdict is Verdict.BLOCKED
            for reason in step.reasons
        ]

    def decisions(self) -> JsonObject:
        """The recorded decisions by step id."""
        return {step.step.id: step.to_json() for step in self.steps}


@dataclass(frozen=True, slots=True)
class Verifier:
    """Decides plans for their requester under the policy in force."""

    registry: Registry
    policies: Policies

    def verify(
        self,
        plan: Plan,
        requester: Principal,
        within: Registry | None = None,
        read: Sequence[PiiRead] = (),
    ) -> Verification:
        """Decide every step of ``plan`` (unsealed) for the principal who submitted the intent.

        Contracts are looked up ``within`` what the requester's workspace may use now, unless the
        caller says otherwise. ``read`` is PII that was read before, which no literal may repeat.

        Raises:
            ProblemError: PRECONDITION_FAILED if a contract of the plan is not there any more.
        """
        contracts = self.contracts(plan, within or self.registry.of(requester.workspace))
        verdicts = tuple(self._verify_step(step, contracts, requester, read) for step in plan.steps)
        risk = max((contract.risk for contract in contracts.values()), key=lambda risk: risk.rank)
        return Verification(verdicts, risk, self.policies.revision)

    def contracts(self, plan: Plan, within: Registry) -> dict[str, OperationContract]:
        """The contracts of a plan by the keys of its steps, exactly as it was compiled.

        Raises:
            ProblemError: PRECONDITION_FAILED if one is not among those ``within`` any more.
        """
        return {step.key: _contract(step, within) for step in plan.steps}

    def _verify_step(
        self,
        step: PlanStep,
        contracts: dict[str, OperationContract],
        requester: Principal,
        read: Sequence[PiiRead],
    ) -> StepVerdict:
        contract = contracts[step.key]
        # A direct call's plan has no dependencies, so nothing in its input is read as a reference.
        found = list(references(step.input)) if step.depends_on else []
        unknown = frozenset(reference.dotted for reference in found)
        known = without_references(step.input) if unknown else step.input
        flowing = (
            leak.told(reference.source, source_of, step.key, contract)
            for reference in found
            for source_of in [contracts[reference.source]]
            for leak in leaks(source_of, reference.field, contract, reference.path)
        )
        return StepVerdict(
            step=step,
            access=requester_access(self.policies, requester, contract),
            decision=self.policies.verdict(requester, contract, known, unknown),
            flowing=tuple(flowing),
            copied=tuple(copies(step, contract, read)),
        )


def _contract(step: PlanStep, within: Registry) -> OperationContract:
    contract = within.operations.get(step.contract)
    if contract is None or contract.digest != step.contract_digest:
        raise refuse(
            "PRECONDITION_FAILED",
            f"{step.contract} is not the contract that the plan was compiled against any more: it "
            "was changed, or its skill is disabled. Compile the intent again.",
        )
    return contract
