"""The garbage collector of a process that serves for long."""

import gc

_THRESHOLDS = (10_000, 5, 5)
"""So many objects more than before have it look at the young ones, every fifth look at those that
outlived one, and every fifth of these at all. CPython's own are 700, 10 and 10: a single long list
makes it look twice, while nearly all that a call leaves behind goes with the last reference to it.
What goes in circles alone waits for a quarter of a million objects at most."""


def spare_what_is_loaded() -> None:
    """Have the collector leave alone what is there now, and look more seldom at what comes.

    To be called once all is loaded, which lives as long as the process: a collector that walked it
    again and again would hold up every caller for a tenth of a second each time. Switches the
    collector on.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
