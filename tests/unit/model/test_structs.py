"""Types that are made at run time: used by several threads, and gone when nobody needs them."""

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gateway.model.structs import struct


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def nested() -> tuple[Any, Any]:
    inner = struct([("size", int, msgspec.NODEFAULT)], takes_others=False)
    kind: Any = list[inner]  # type: ignore[valid-type] # made at run time
    return inner, struct([("in", kind | None, None), ("class", str, "")], takes_others=True)


def test_members_have_any_name_and_others_are_refused_or_left_out() -> None:
    inner, outer = nested()
    found = msgspec.convert({"in": [{"size": 1}], "more": 2, "class": "x"}, outer)
    assert msgspec.to_builtins(found) == {"in": [{"size": 1}], "class": "x"}
    assert msgspec.to_builtins(msgspec.convert({}, outer)) == {"in": None, "class": ""}
    for wrong in ({"size": 1, "more": 2}, {}, {"size": "1"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, inner)


def test_types_within_types_are_freed_with_them() -> None:
    inner, outer = map(weakref.ref, nested())
    gc.collect()
    assert inner() is None
    assert outer() is None


@pytest.mark.usefixtures("restless")
def test_several_threads_may_use_a_type_that_nobody_used_before() -> None:
    """Had msgspec not looked at it before, the process would end here, at once."""
    value = {"in": [{"size": 1}] * 9}
    found: list[Any] = []
    for _ in range(30):
        _, outer = nested()
        begin = threading.Barrier(4)

        def use(kind: Any = outer, begin: threading.Barrier = begin) -> None:
            begin.wait()
            found.append(msgspec.to_builtins(msgspec.convert(value, kind)))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [{**value, "class": ""}] * 120
