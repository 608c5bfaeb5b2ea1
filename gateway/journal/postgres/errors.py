"""What PostgreSQL reports, sorted by what is to be done about it.

SQLSTATE codes: PostgreSQL documentation, appendix A.
"""

from gateway.journal.faults import RETRY_AFTER
from gateway.model.problem import ProblemError, refuse
from gateway.postgres import unreached

LOCKED = "55P03"
"""lock_not_available."""

_AGAIN = frozenset({"40001", "40P01", LOCKED})
"""serialization_failure, deadlock_detected, and the above."""

RESTORED = "GW001"
"""A code of our own: the record lacks what this process committed."""

_UNIQUE = "23505"
LOST = "08006"
"""connection_failure: also where the server did not say why."""

_TOO_LONG = "54000"
"""program_limit_exceeded: with the name of an index, a text in that is longer than it may be."""

STOOD_STILL = "25P03"
"""idle_in_transaction_session_timeout: nothing happened in a transaction for too long."""

_TOOK_LONG = "25P04"
"""transaction_timeout, which may end a session also once its commit is durable."""

_LOST = ("08", "57P", "53300", STOOD_STILL, _TOOK_LONG)
"""Classes of lost connections and of servers that stop, start or take no more connections."""

_REMEDIES = {
    "53100": "its disk is full: free space on the volume of the database",
    _TOO_LONG: "it has reached a limit of its own: look at the log of the database server",
    "53200": "its memory is short: give the database server more",
    "25006": "it takes no writes (a standby, or one in recovery): name the primary",
    "42501": "its user lacks a privilege: grant it what docs/postgres.md lists",
    "57014": "a statement took longer than is allowed: look at the load of the database server",
}


class PostgresError(Exception):
    """A statement failed; ``sqlstate`` says how. What was in the statement is not told."""

    def __init__(self, sqlstate: str, constraint: str = "") -> None:
        super().__init__(f"PostgreSQL reports {sqlstate}{constraint and f' ({constraint})'}")
        self.sqlstate = sqlstate
        self.constraint = constraint

    @property
    def is_collision(self) -> bool:
        """True where another process was at the same rows: run it again and it will see them."""
        return self.sqlstate in _AGAIN

    @property
    def is_duplicate(self) -> bool:
        """True where a row with this key is there already."""
        return self.sqlstate == _UNIQUE

    @property
    def stood_still(self) -> bool:
        """True where the server ended a transaction in which nothing happened for too long."""
        return self.sqlstate == STOOD_STILL

    @property
    def is_lost(self) -> bool:
        """True where the connection is gone, or the server takes none."""
        return self.sqlstate.startswith(_LOST)


class LostConnectionError(PostgresError):
    """The connection broke, or could not be made; ``sqlstate`` is 08006 where none was told."""

    def __init__(self, sqlstate: str = LOST) -> None:
        super().__init__(sqlstate)


def unavailable(error: PostgresError) -> ProblemError:
    """SERVICE_UNAVAILABLE for a database that could not do what was asked of it; VALIDATION_FAILED
    where it never could."""
    if error.sqlstate == _TOO_LONG and error.constraint:
        told = "A text by which this is found again (an idempotency key, say) is too long: shorten "
        return refuse("VALIDATION_FAILED", f"{told}it to some hundreds of characters.")
    if error.sqlstate == RESTORED:
        remedy = (
            "it lacks entries that this gateway wrote, so it was restored from the past. Stop "
            "every gateway and worker, then see RECORD_RESTORED"
        )
    elif isinstance(error, LostConnectionError) or error.is_lost:
        remedy = f"it cannot be reached: {unreached(error.__cause__)}"
    else:
        remedy = _REMEDIES.get(
            error.sqlstate, "look up the code in PostgreSQL's manual and into its log"
        )
    return refuse(
        "SERVICE_UNAVAILABLE",
        f"The record is not available (SQLSTATE {error.sqlstate}): {remedy}.",
        retry_after=RETRY_AFTER,
    )


def busy() -> ProblemError:
    """SERVICE_UNAVAILABLE for a unit that other processes kept from its rows for too long."""
    return refuse(
        "SERVICE_UNAVAILABLE",
        "Other processes were at the same part of the record for too long; nothing was written. "
        "Try again.",
        retry_after=RETRY_AFTER,
    )


def outcome_unknown() -> ProblemError:
    """SERVICE_UNAVAILABLE for a commit of which nobody could ask what became of it."""
    return refuse(
        "SERVICE_UNAVAILABLE",
        "The database was lost while this was made durable, and did not come back as it was while "
        "the gateway waited. It may have been recorded: look before you repeat it.",
    )
