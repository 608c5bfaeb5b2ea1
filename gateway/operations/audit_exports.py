"""Exports of the record, page by page through governed calls: each is decided and recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.auditing import RECORD, REVIEW, exported
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.pipeline import Call, Pipeline

REPORTS = {report.name: report for report in (RECORD, REVIEW)}


@dataclass(frozen=True, slots=True)
class AuditExports:
    """Exports what audit queries answer."""

    pipeline: Pipeline

    async def export(
        self, principal: Principal, report: str, shape: str, asked: JsonObject, trace_id: str | None
    ) -> AsyncIterator[bytes]:
        """The pieces of an export, of the ``report`` ``record`` or ``review``; ``shape`` is ``csv``
        or ``jsonl``, ``asked`` the input of its query.

        The next page is asked for when the one before was taken, as the caller's call of the query:
        whoever may not ask gets nothing, and each page is recorded before it leaves.

        Raises:
            ProblemError: whatever the query is refused with, at any page.
        """
        wanted = REPORTS[report]
        contract = self.pipeline.registry.operations[wanted.contract]

        async def ask(value: JsonObject) -> JsonObject:
            return await self.pipeline.call(Call(contract, value, principal, None, trace_id))

        async for piece in exported(wanted, shape, ask, asked):
            yield piece.content
