"""The garbage collector of a process that serves for long."""

import gc

_YOUNG = 20_000
_YOUNG_PER_MIDDLE = 20
_MIDDLE_PER_OLD = 50
"""CPython's own are 700, 10 and 10: a single long list makes it look twice, while all that a call
leaves behind is nearly always freed as soon as the last reference to it goes."""


def spare_what_is_loaded() -> None:
    """Have the collector leave alone what is there now, and look more seldom at what comes.

    To be called once all is loaded, which lives as long as the process: a collector that walked it
    again and again would hold up every caller for a tenth of a second each time. Switches the
    collector on.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, _YOUNG_PER_MIDDLE, _MIDDLE_PER_OLD)
    gc.enable()
