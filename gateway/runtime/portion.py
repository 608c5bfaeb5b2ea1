"""How much one turn takes of the steps that are ready.

A turn is one unit of work, which must end long before the lease of its run does. What a step costs
there grows with its input, and one large answer may go into hundreds of steps that become ready at
once. So a turn takes a portion of them, and the next one goes on behind it.
"""

from gateway.model.json import encoded
from gateway.model.plan import PlanStep
from gateway.runtime.memory import RunMemory
from gateway.runtime.references import resolve

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of inputs after which a turn takes no further step."""


class Portion:
    """What one turn takes. Steps that still wait after they were looked at are not looked at again
    before the others had their turn; these are in ``memory.taken``."""

    def __init__(self, memory: RunMemory) -> None:
        self._memory = memory
        self._own: set[str] = set()
        self._left = MOST_BYTES
        self._is_full = False

    def takes(self, step: PlanStep) -> bool:
        """Whether this turn looks at a step that is ready."""
        if step.id in self._own:
            return True
        if self._is_full or step.id in self._memory.taken:
            return False
        size = _size(step, self._memory)
        if size > self._left and self._own:
            self._is_full = True
            return False
        self._left -= size
        self._own.add(step.id)
        return True

    def close(self) -> bool:
        """Note what was taken; True where the next turn must not wait, since steps are left, or
        somebody woke the run after the first of them were looked at."""
        memory = self._memory
        if self._is_full:
            if not memory.taken:
                memory.taken_from = memory.wake_seq
            memory.taken |= self._own
            return True
        is_stale = bool(memory.taken) and memory.taken_from != memory.wake_seq
        memory.taken = set()
        return is_stale


def _size(step: PlanStep, memory: RunMemory) -> int:
    """Bytes of what a step is given; nothing where all of it stands in the plan, which is small."""
    return len(encoded(resolve(step.input, memory.outputs))) if step.depends_on else 0
