"""Every row of a revision, with its place: what readers of the policies go by."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.models import ACCESS, CALL, MODELS, VERDICT
from gateway.policy.rules.rows import Row


@dataclass(frozen=True, slots=True)
class AllRows:
    """The rows of a revision: rules in the order in which they are read (those with a priority by
    priority), and ``assignments`` in the order of their file."""

    access: tuple[Row, ...]
    verdict: tuple[Row, ...]
    pii: tuple[Row, ...]
    assignments: tuple[Row, ...]

    def rules(self) -> Iterator[tuple[str, Row]]:
        """Every rule with the name of its model."""
        for spec in MODELS:
            for row in getattr(self, spec.name):
                yield spec.name, row


def all_rows(revision: PolicyRevision) -> AllRows:
    """The rows of a revision."""
    book = revision.book
    return AllRows(book.access_rows, book.verdict_rows, book.pii_rows, book.assignments)


def holds_in(row: Row, workspace: str) -> bool:
    """True if a rule counts in a workspace."""
    return row["dom"] in (ANYWHERE, workspace)


def speaks_of(revision: PolicyRevision, model: str, row: Row, contract: OperationContract) -> bool:
    """True if a rule of a model speaks of the contract, whoever asks and wherever."""
    if model == ACCESS.name and row["act"] not in (CALL, ANYWHERE):
        return False
    if model == VERDICT.name and row["risk"] not in (contract.risk.value, ANYWHERE):
        return False
    return revision.book.selectors[row["obj"]].selects(contract)
