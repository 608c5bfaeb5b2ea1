"""A gateway that starts while a command rotates keys in its folder."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.environment import load_settings
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, Keyring, KeyringSealer, KeyRotation

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


def _rotate_root(folder: Path) -> None:
    rotation = KeyRotation(folder, "file", SystemClock())
    rotation.root("file")
    rotation.close()


def _rotate_signer(folder: Path) -> None:
    keys = CheckpointKeys(folder)
    keys.next()
    keys.promote()


@pytest.mark.parametrize("has_workspaces", [True, False])
@pytest.mark.parametrize("rotate", [_rotate_root, _rotate_signer])
async def test_it_uses_no_key_that_was_replaced_after_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotate: Any, has_workspaces: bool
) -> None:
    """The command holds the data folder for its while, and ends before the gateway takes it."""
    folder, open_journal = tmp_path / "data-keys", app.open_journal
    keyring = Keyring.open(folder)
    if has_workspaces:
        KeyringSealer(keyring).commit("acme", "x")
    keyring.data.close()

    async def rotated_before(*given: Any, **named: Any) -> Any:
        rotate(folder)
        return await open_journal(*given, **named)

    monkeypatch.setattr(app, "open_journal", rotated_before)
    with pytest.raises(ProblemError) as refused:
        async with app.running(load_settings(data_dir=tmp_path / "data", port=0)):
            pass
    assert refused.value.problem.code == "KEYS_UNUSABLE"
    monkeypatch.undo()
    async with app.running(load_settings(data_dir=tmp_path / "data", port=0)):
        pass
