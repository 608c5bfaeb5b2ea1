"""Exports of what is held on somebody."""

import pytest

from tests.unit.rights.rights_world import RightsWorld

pytestmark = pytest.mark.anyio


async def test_an_export_counts_nothing_whose_key_is_gone(rights: RightsWorld) -> None:
    """As where the key store is an older one, which never knew the keys of what came since."""
    await rights.mail("ada@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-older")
    await rights.start()
    await rights.mail("ada@x.org")
    await rights.stop()
    rights.restore(rights.folder / "keys-older", rights.key_dir)
    await rights.start()
    held = rights.rights.exporting.holdings(rights.named("ada@x.org").subject, 0, 1_000)
    assert held.items
    assert held.total == len(held.items)
    assert sum(one["values"] for one in held.counts) == len(held.items)
