"""What the tests of the command share."""

import pytest

from gateway import loading
from tests.loaded import load_contracts


@pytest.fixture(autouse=True)
def contracts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of this process would read a hundred contracts, mostly the same ones."""
    monkeypatch.setattr(loading, "load_contracts", load_contracts)
