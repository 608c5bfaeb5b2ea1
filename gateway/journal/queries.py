"""The reading statements behind ``Records``. Columns come in the order of the table."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, literal, null, select

from gateway.journal.functions import listed
from gateway.journal.statement import Statement
from gateway.journal.tables import call, entry, execution, plan, policy_head, step

LOOKED_AT = 1_000
"""Among how many of the newest executions of a workspace the steps of a contract are sought: no
index leads from a contract to its steps."""


def _rows(table: Table, *wheres: ColumnElement[bool]) -> Select[Any]:
    return select(*table.columns).where(*wheres)


class Listing:
    """A paged list for each set of filters: the page, and how many rows there are in all."""

    __slots__ = ("_statements",)

    def __init__(self, table: Table, *order: ColumnElement[Any], by: tuple[str, ...]) -> None:
        self._statements: dict[frozenset[str], tuple[Statement, Statement]] = {}
        for chosen in _subsets(by):
            wheres = [table.columns[name] == bindparam(name) for name in ("workspace", *chosen)]
            page = _rows(table, *wheres).order_by(*order)
            self._statements[frozenset(chosen)] = (
                Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
                Statement(select(func.count()).select_from(table).where(*wheres)),
            )

    def of(self, filters: dict[str, str]) -> tuple[Statement, Statement]:
        """The page and the count for these filters."""
        return self._statements[frozenset(filters)]


def _subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not names:
        return [()]
    rest = _subsets(names[1:])
    return rest + [(names[0], *chosen) for chosen in rest]


EXECUTION = Statement(
    _rows(
        execution,
        execution.c.workspace == bindparam("workspace"),
        execution.c.id == bindparam("of_id"),
    )
)
EXECUTION_OF_RUN = Statement(_rows(execution, execution.c.run_id == bindparam("of_run")))
_OF_ORIGIN = ("id", "workspace", "subject", "run_id", "mode")
ORIGINS = Statement(
    select(*(execution.c[name] for name in _OF_ORIGIN)).where(execution.c.id.in_(listed("ids")))
)
EXECUTIONS = Listing(
    *(execution, execution.c.created_at.desc(), execution.c.id.desc()), by=("status", "subject")
)
PLAN = Statement(_rows(plan, plan.c.id == bindparam("of_id")))
_of_plan = step.c.plan_id == bindparam("of_plan")
STEPS = Statement(_rows(step, _of_plan).order_by(step.c.place))
STATE_COLUMNS = tuple(
    null().label(one.name) if one.name in ("input", "output") else one for one in step.columns
)
"""The columns of a step, with nothing in those of which each may be large."""
STEP_STATES = Statement(select(*STATE_COLUMNS).where(_of_plan).order_by(step.c.place))
STEP = Statement(_rows(step, _of_plan, step.c.id == bindparam("of_id")))
OUTPUTS = Statement(
    select(step.c.id, step.c.output).where(_of_plan, step.c.status == literal("completed"))
)
_RECENT = (
    select(execution.c.plan_id, execution.c.created_at, execution.c.id)
    .where(execution.c.workspace == bindparam("workspace"))
    .order_by(execution.c.created_at.desc(), execution.c.id.desc())
    .limit(LOOKED_AT)
    .subquery("recent")
)
STEPS_OF_CONTRACT = Statement(
    select(*step.columns)
    .join_from(_RECENT, step, step.c.plan_id == _RECENT.c.plan_id)
    .where(step.c.contract == bindparam("contract"))
    .order_by(_RECENT.c.created_at.desc(), _RECENT.c.id.desc(), step.c.place)
    .limit(bindparam("at_most"))
)
ENTRIES = Statement(
    _rows(entry, entry.c.chain == bindparam("of_chain"), entry.c.seq > bindparam("after_seq"))
    .order_by(entry.c.seq)
    .limit(bindparam("at_most"))
)
ENTRIES_AFTER = Statement(
    _rows(entry, entry.c.position > bindparam("after_position"))
    .order_by(entry.c.position)
    .limit(bindparam("at_most"))
)
CHAIN_AFTER = Statement(
    _rows(
        entry,
        entry.c.chain == bindparam("of_chain"),
        entry.c.position > bindparam("after_position"),
    )
    .order_by(entry.c.seq)
    .limit(bindparam("at_most"))
)
LAST_POSITION = Statement(select(func.max(entry.c.position)))
LAST_ENTRY = Statement(
    select(entry.c.position, entry.c.hash).order_by(entry.c.position.desc()).limit(1)
)
CALL = Statement(
    _rows(
        call,
        call.c.workspace == bindparam("workspace"),
        call.c.subject == bindparam("subject"),
        call.c.contract == bindparam("contract"),
        call.c.idempotency_key == bindparam("key"),
    )
)
POLICY_HEAD = Statement(select(policy_head.c.revision))
