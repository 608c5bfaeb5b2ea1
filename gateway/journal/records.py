"""Records: answering questions from the tables, in one session and so at one consistent moment."""

from collections.abc import Callable, Iterable

from gateway.journal import queries
from gateway.journal.activity_records import SqlActivityRecords
from gateway.journal.anchors import SqlAnchorRecords
from gateway.journal.approval_records import SqlApprovalRecords
from gateway.journal.chain import execution_chain
from gateway.journal.claims import SqlClaimRecords
from gateway.journal.deliveries import SqlDeliveryRecords
from gateway.journal.evidence_items import SqlLaneRecords
from gateway.journal.grants import SqlGrantRecords
from gateway.journal.metered import MeteredSession
from gateway.journal.policy_records import SqlPolicyRecords
from gateway.journal.proofs import SqlTransparencyRecords
from gateway.journal.rights_records import SqlRightsRecords
from gateway.journal.session import Row, Session
from gateway.journal.skills import SqlSkillRecords
from gateway.journal.standing_records import SqlStandingRecords
from gateway.journal.stored_entries import SqlStoredRecords
from gateway.model.entry import Entry, EntryType
from gateway.model.event import Origin
from gateway.model.execution import (
    Call,
    Execution,
    ExecutionStatus,
    PlanRecord,
    RunMode,
    Step,
    StepStatus,
)
from gateway.model.json import JsonObject, JsonValue, decode, encode
from gateway.model.plan import Edge, Plan, PlanStep
from gateway.model.ports import ExecutionFilter, Page, Records
from gateway.model.principal import Principal


class SqlRecords(
    SqlActivityRecords,
    SqlAnchorRecords,
    SqlApprovalRecords,
    SqlClaimRecords,
    SqlGrantRecords,
    SqlSkillRecords,
    SqlLaneRecords,
    SqlStoredRecords,
    SqlTransparencyRecords,
    SqlDeliveryRecords,
    SqlPolicyRecords,
    SqlRightsRecords,
    SqlStandingRecords,
    Records,
):
    """``Records`` over a session on the journal's database."""

    __slots__ = ("_all", "_one", "_session")

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def __init__(self, session: Session) -> None:
        self._session = session
        self._one = session.one
        self._all = session.all

    def within(self, most: int) -> "SqlRecords":
        """These records, of which ``most`` bytes of JSON may be read.

        Asking for more raises a ProblemError: ANSWER_LIMIT_EXCEEDED.
        """
        return SqlRecords(MeteredSession(self._session, most))

    def _page(
        self, listing: queries.Listing, workspace: str, filters: dict[str, str | None], page: Page
    ) -> tuple[list[Row], int]:
        chosen = {name: value for name, value in filters.items() if value is not None}
        rows, count = listing.of(chosen)
        total = self._one(count, workspace=workspace, **chosen)
        window = {"at_most": page.limit, "skip": page.offset}
        found = self._all(rows, workspace=workspace, **chosen, **window)
        return found, total[0] if total else 0

    def execution(self, workspace: str, execution_id: str) -> Execution | None:
        """The execution of this id."""
        row = self._one(queries.EXECUTION, workspace=workspace, of_id=execution_id)
        return execution_of(row) if row else None

    def execution_of_run(self, run_id: str) -> Execution | None:
        """The execution that this run belongs to."""
        row = self._one(queries.EXECUTION_OF_RUN, of_run=run_id)
        return execution_of(row) if row else None

    def origins(self, execution_ids: Iterable[str]) -> dict[tuple[str, str | None], Origin]:
        """The origins of those of these executions that are there, by workspace and id."""
        rows = self._all(queries.ORIGINS, ids=encode(sorted(execution_ids)))
        return {
            (workspace, own): Origin(subject, run_id, RunMode(mode) if mode else None)
            for own, workspace, subject, run_id, mode in rows
        }

    def executions(self, which: ExecutionFilter, page: Page) -> tuple[list[Execution], int]:
        """A page of executions, newest first, and how many there are in all."""
        filters = {"status": which.status, "subject": which.submitter}
        rows, total = self._page(queries.EXECUTIONS, which.workspace, filters, page)
        return [execution_of(row) for row in rows], total

    def plan(self, plan_id: str) -> PlanRecord | None:
        """The stored plan of this id."""
        row = self._one(queries.PLAN, of_id=plan_id)
        return plan_of(row) if row else None

    def steps(self, plan_id: str) -> list[Step]:
        """The steps of a plan in its order."""
        return [step_of(row) for row in self._all(queries.STEPS, of_plan=plan_id)]

    def step_states(self, plan_id: str) -> list[Step]:
        """``steps`` without their inputs and outputs, of which each may be large."""
        return [step_of(row) for row in self._all(queries.STEP_STATES, of_plan=plan_id)]

    def step(self, plan_id: str, step_id: str) -> Step | None:
        """One step of a plan."""
        row = self._one(queries.STEP, of_plan=plan_id, of_id=step_id)
        return step_of(row) if row else None

    def outputs(self, plan_id: str) -> dict[str, JsonObject | None]:
        """What the completed steps of a plan answered, by step id; None where it was erased."""
        rows = self._all(queries.OUTPUTS, of_plan=plan_id)
        return {step_id: _json(output) for step_id, output in rows}

    def steps_of_contract(self, workspace: str, contract: str, limit: int) -> list[Step]:
        """The steps of a contract among those of a workspace's newest executions."""
        asked = {"workspace": workspace, "contract": contract, "at_most": limit}
        return [step_of(row) for row in self._all(queries.STEPS_OF_CONTRACT, **asked)]

    def entries(self, execution_id: str, after: int = 0, limit: int = 10_000) -> list[Entry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        chain = execution_chain(execution_id)
        rows = self._all(queries.ENTRIES, of_chain=chain, after_seq=after, at_most=limit)
        return [entry_of(row) for row in rows]

    def entries_after(
        self, position: int, limit: int, execution_id: str | None = None
    ) -> list[Entry]:
        """The entries behind ``position``, in order; none can still come before.

        They are those of all chains, or of one execution's.
        """
        window = {"after_position": position, "at_most": limit}
        if execution_id is None:
            rows = self._all(queries.ENTRIES_AFTER, **window)
        else:
            chain = execution_chain(execution_id)
            rows = self._all(queries.CHAIN_AFTER, of_chain=chain, **window)
        return [entry_of(row) for row in rows]

    def last_position(self) -> int:
        """The position of the newest entry, 0 where there is none."""
        row = self._one(queries.LAST_POSITION)
        return (row and row[0]) or 0

    def call(self, workspace: str, subject: str, contract: str, key: str) -> Call | None:
        """The recorded command of this idempotency key; ``contract`` is ``key@version``."""
        row = self._one(
            queries.CALL, workspace=workspace, subject=subject, contract=contract, key=key
        )
        return _call(row) if row else None

    def policy_head(self) -> str | None:
        """The policy revision in force, None before the first."""
        row = self._one(queries.POLICY_HEAD)
        return row[0] if row else None


def entry_of(row: Row) -> Entry:
    """The entry of a row with all columns of ``entry``."""
    position, chain, seq, _, at, kind, workspace, execution_id, actor, body, previous, own = row
    return Entry(
        position=position,
        chain=chain,
        seq=seq,
        at=at,
        type=EntryType(kind),
        workspace=workspace,
        execution_id=execution_id,
        actor=actor,
        body=decode(body),
        previous=previous,
        hash=own,
    )


def _json(text: str | None) -> JsonValue:
    return None if text is None else decode(text)


def execution_of(row: Row) -> Execution:
    """The execution of a row with all columns of ``execution``."""
    (own, workspace, status, submitter, _subject, intent_id, created_at, updated_at, *rest) = row
    (text, direct, channel, trace_id, metadata, plan_id, run_id, mode, starter, *rest) = rest
    (started_at, ended_at, risk, verdict, problem, stopping, retries, retried_at, *rest) = rest
    (lane, lane_transitions, gate, bundles, compensates, compensation_id) = rest
    return Execution(
        id=own,
        workspace=workspace,
        status=ExecutionStatus(status),
        submitter=Principal.from_json(decode(submitter)),
        intent_id=intent_id,
        created_at=created_at,
        updated_at=updated_at,
        text=decode(text),
        direct=bool(direct),
        channel=channel,
        trace_id=trace_id,
        metadata=_json(metadata),
        plan_id=plan_id,
        run_id=run_id,
        mode=RunMode(mode) if mode else None,
        starter=starter,
        started_at=started_at,
        ended_at=ended_at,
        risk=risk,
        verdict=verdict,
        problem=_json(problem),
        stopping=bool(stopping),
        retries=retries,
        retried_at=retried_at,
        lane=lane,
        lane_transitions=lane_transitions,
        gate=gate,
        bundles=bundles,
        compensates=compensates,
        compensation_id=compensation_id,
    )


def plan_of(row: Row) -> PlanRecord:
    """The plan of a row with all columns of ``plan``."""
    (own, execution_id, plan_hash, steps, edges, compiler, _planner, compensate, *rest) = row
    (compiled_at, verdict, decisions, revision, verified_at) = rest
    return PlanRecord(
        plan=Plan(
            id=own,
            hash=plan_hash,
            steps=tuple(PlanStep.from_json(step) for step in decode(steps)),
            edges=tuple(Edge(*edge) for edge in decode(edges)),
            compensate=bool(compensate),
        ),
        execution_id=execution_id,
        compiler=compiler,
        compiled_at=compiled_at,
        verdict=verdict,
        decisions=_json(decisions),
        revision=revision,
        verified_at=verified_at,
    )


def step_of(row: Row) -> Step:
    """The step of a row with all columns of ``step``."""
    (plan_id, own, execution_id, _place, key, contract, status, updated_at, attempt, *rest) = row
    (base, key_base, given, output, problem, decision, retry_at, started_at, ended_at) = rest
    return Step(
        execution_id=execution_id,
        plan_id=plan_id,
        id=own,
        key=key,
        contract=contract,
        status=StepStatus(status),
        updated_at=updated_at,
        attempt=attempt,
        base=base,
        key_base=key_base,
        input=_json(given),
        output=_json(output),
        problem=_json(problem),
        decision=_json(decision),
        retry_at=retry_at,
        started_at=started_at,
        ended_at=ended_at,
    )


def _call(row: Row) -> Call:
    workspace, subject, contract, key, input_digest, output, execution_id, at = row
    return Call(workspace, subject, contract, key, input_digest, _json(output), execution_id, at)
