"""privacy.subject.export and privacy.retention.list"""

import asyncio
from dataclasses import dataclass
from functools import partial

from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, invalid
from gateway.model.rights import SubjectKind
from gateway.operations.common import present
from gateway.operations.privacy_common import named_by
from gateway.operations.privacy_erasures import bind_erasures
from gateway.operations.privacy_holds import bind_holds
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.rights import Held, Holdings, Named, Overdue, Rights, document_of
from gateway.runtime import Loop

MAX_ITEMS = 5_000
_DEFAULT = 1_000


def bind_privacy(loop: Loop, rights: Rights) -> Bindings:
    """The handlers of the contracts about the rights of people."""
    handlers = _Handlers(loop, rights)
    return {
        **bind_erasures(loop, rights),
        **bind_holds(loop, rights),
        "privacy.subject.export@1.0.0": Command(
            handlers.export, handlers.find, recorded=what_was_exported
        ),
        "privacy.retention.list@1.0.0": Query(handlers.retention, handlers.overdue),
    }


@dataclass(frozen=True, slots=True)
class _Found:
    named: Named
    holdings: Holdings


@dataclass(frozen=True, slots=True)
class _Handlers:
    loop: Loop
    rights: Rights

    async def find(self, admitted: Admitted) -> _Found:
        """What is held, read beside the writer.

        Raises:
            ProblemError: VALIDATION_FAILED, NOT_FOUND.
        """
        after, limit = admitted.value.get("after") or 0, admitted.value.get("limit")
        limit = _DEFAULT if limit is None else limit
        if not 1 <= limit <= MAX_ITEMS:
            told = f"Ask for 1 to {MAX_ITEMS} items at a time."
            raise invalid([Issue("/input/limit", "OUT_OF_RANGE", told)])
        if after < 0:
            raise invalid([Issue("/input/after", "OUT_OF_RANGE", "A position is 0 or more.")])
        named = await self.loop.journal.read(partial(named_by, self.rights, admitted))
        holdings = self.rights.exporting.holdings
        found = await asyncio.to_thread(holdings, named.subject, after, limit)
        return _Found(named, found)

    def export(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """What is held, once it is recorded that it was asked for."""
        found: _Found = admitted.prepared
        subject, holdings = found.named.subject, found.holdings
        person = subject.kind is SubjectKind.PERSON
        shown = found.named.name or f"execution {subject.target}"
        return present(
            {
                "kind": subject.kind.value.upper(),
                "pseudonym": subject.target if person else None,
                "exportedAt": tx.now,
                "total": holdings.total,
                "executions": holdings.executions,
                "bundles": holdings.bundles,
                "counts": list(holdings.counts),
                "items": [_item(item) for item in holdings.items],
                "next": holdings.next,
                "document": document_of(shown, holdings, tx.now),
            }
        )

    async def overdue(self, admitted: Admitted) -> Overdue:
        """What is kept longer than the rules say, counted now."""
        return await self.rights.sweeper.overdue(admitted.principal.workspace)

    def retention(self, admitted: Admitted, _records: Records) -> JsonObject:
        """The rules in force, and what is overdue."""
        overdue: Overdue = admitted.prepared
        items = [
            present(
                {
                    "contract": rule.contract,
                    "piiClass": rule.cls.value if rule.cls else None,
                    "keep": rule.keep,
                    "seconds": rule.seconds,
                }
            )
            for rule in self.rights.retention.rules
        ]
        return {"items": items, "overdue": overdue.keys, "held": overdue.held}


def what_was_exported(answer: JsonObject) -> JsonObject:
    """What the record keeps of an export: whose it was and how much, and no value."""
    names = ("kind", "pseudonym", "total", "executions", "counts")
    kept = {name: answer[name] for name in names if name in answer}
    return {**kept, "items": len(answer["items"])}


def _item(held: Held) -> JsonObject:
    return present(
        {
            "position": held.position,
            "at": held.at,
            "entry": held.entry,
            "executionId": held.execution_id,
            "contract": held.contract,
            "field": held.field,
            "classes": list(held.classes),
            "own": held.own,
            "value": held.value,
        }
    )
