"""Attempts that are held back: whoever waits long before it sends asks once more whether it may."""

from gateway.model.action import ActionCall, Declined


class HeldBackError(Exception):
    """An attempt must not be sent any more; ``told`` is its outcome."""

    def __init__(self, told: Declined) -> None:
        super().__init__(told.code)
        self.told = told


def require_sendable(call: ActionCall) -> None:
    """Ask in the last moment before a call is sent.

    Raises:
        HeldBackError: it must not be.
    """
    told = call.held_back()
    if told is not None:
        raise HeldBackError(told)
