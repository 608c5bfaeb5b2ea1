"""The garbage collector of a process that serves, tried in one of its own."""

import subprocess
import sys

from tests.processes import ROOT

_SCRIPT = """
import gc
from gateway.model.collector import spare_what_is_loaded

gc.disable()
spare_what_is_loaded()
print(gc.isenabled(), gc.get_freeze_count() > 1_000)

class Circle:
    pass

def circles(count):
    for _ in range(count):
        one = Circle()
        one.own = one

circles(300_000)
print(sum(type(one) is Circle for one in gc.get_objects()) < 100_000)
"""


def test_what_is_loaded_is_spared_and_circles_are_found() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["True", "True", "True"], "")
