"""How far the record is signed, and how far its checkpoints have come."""

from gateway.anchoring import Destinations, target_statuses
from gateway.health.report import RecordState
from gateway.journal import parsed_line
from gateway.model.ports import Records


def record_state(records: Records, destinations: Destinations) -> RecordState:
    """What the record says of its last checkpoint, and of what came since."""
    line = records.last_checkpoint()
    signed = parsed_line(line) if line is not None else None
    number = signed.number if signed is not None else 0
    covered = signed.position if signed is not None else 0
    return RecordState(
        position=records.last_position(),
        checkpoint=number,
        signed_at=signed.at if signed is not None else None,
        covered=covered,
        targets=target_statuses(records, destinations, number),
        unsigned_since=records.moment_behind(covered),
        restored_at=records.restored_before(),
    )
