"""Whether skills stand in the record, which another process may have changed just now."""

from collections.abc import Collection

from gateway.contracts import Registry
from gateway.model.ports import Journal, Records
from gateway.model.problem import refuse
from gateway.pipeline.call import Admitted


def require_standing(
    records: Records, registry: Registry, workspace: str, refs: Collection[str]
) -> None:
    """Refuse contracts of skills that the workspace may not use any more, or not yet.

    ``registry`` follows the record a moment later; what was disabled must not begin meanwhile.

    Raises:
        ProblemError: PRECONDITION_FAILED for what no enabled skill brings, SERVICE_UNAVAILABLE for
            what was installed elsewhere and is not known here yet.
    """
    brought = [ref for ref in refs if ref not in registry.base.operations]
    if not brought:
        return
    offered = registry.of(workspace).operations
    skills = [one for one in records.all_skills() if one.workspace == workspace and one.is_enabled]
    for ref in brought:
        bringing = [one for one in skills if ref in one.contracts]
        if not bringing:
            raise refuse(
                "PRECONDITION_FAILED",
                f"{ref} may not be used any more: its skill is disabled, or its file is gone.",
            )
        if ref not in offered and not all(registry.has_taken_up(one.id) for one in bringing):
            raise refuse("SERVICE_UNAVAILABLE", f"The skill of {ref} is being taken up. Try again.")


def require_taken_up(records: Records, registry: Registry, workspace: str) -> None:
    """Refuse to say that there is no such contract while skills of the workspace are not known yet.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    for one in records.all_skills():
        if one.workspace == workspace and one.is_enabled and not registry.has_taken_up(one.id):
            raise refuse("SERVICE_UNAVAILABLE", f"{one.ref} is being taken up. Try again.")


async def require_standing_now(journal: Journal, registry: Registry, admitted: Admitted) -> None:
    """``require_standing`` for a query, which has no transaction.

    Raises:
        ProblemError: PRECONDITION_FAILED or SERVICE_UNAVAILABLE.
    """
    workspace, ref = admitted.principal.workspace, admitted.contract.ref
    if ref not in registry.base.operations:
        await journal.read(lambda records: require_standing(records, registry, workspace, (ref,)))
