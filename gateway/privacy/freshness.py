"""When a process may trust what it remembers of keys that another process may destroy.

What is remembered may be used for ``TRUST`` seconds after the moment at which the store was last
asked what was destroyed. Whoever destroys a key waits as long, once that is durable, before it says
so. So whatever is asked of any process after a destruction was confirmed rests on an answer of the
store that knew of it: an answer asked for earlier is too old by then. Nobody is told of anything,
nothing is lost with a message, and a process that cannot ask the store uses no key.

Seconds are counted on the clock that goes on while the machine sleeps, where there is one. They are
differences of one machine's clock, so that machines need not agree on the time.
"""

import time
from collections.abc import Callable, Sequence

from gateway.model.elapsed import elapsed
from gateway.privacy.key_store import KeyStore

TRUST = 0.5
"""Seconds for which what is remembered may be used."""

_MARGIN = 0.1
"""Seconds by which whoever destroys waits longer, for clocks that do not go equally fast."""

Forget = Callable[[Sequence[str] | None], None]
"""Drops what is remembered of these keys, or of all with None."""


class Freshness:
    """Asks a store, as often as needed, which keys were destroyed by other processes.

    Of a store that no other process uses it asks nothing.
    """

    def __init__(self, store: KeyStore, forget: Forget) -> None:
        self._store = store
        self._forget = forget
        self._mark = -1
        self._asked_at = float("-inf")

    def ensure(self) -> None:
        """Forget what was destroyed; afterwards what is remembered may be used.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the store cannot be asked.
        """
        if not self._store.is_shared or elapsed() - self._asked_at < TRUST:
            return
        # Under the lock of the store, under which whatever is read of it is also remembered: else a
        # key that was read before its destruction could be remembered after it was forgotten.
        with self._store.lock:
            begun = elapsed()
            if begun - self._asked_at < TRUST:
                return
            told = self._store.destroyed_since(self._mark)
            # Nothing is remembered before the first answer, so that one is only a mark.
            if self._mark >= 0:
                self._forget(told.ids)
            self._mark = max(told.mark, 0)
            self._asked_at = begun

    def wait_out(self) -> None:
        """Wait until no other process trusts what it knew before now."""
        if self._store.is_shared:
            time.sleep(TRUST + _MARGIN)
