"""New files of commands: whole, and never in the place of another."""

import errno
import os
from pathlib import Path

import pytest

from gateway.cli.new_files import new_file


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    with pytest.raises(FileExistsError), new_file(path):
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_not_even_one_that_came_at_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "export.csv", os.link

    def late(begun: Path, to: Path) -> None:
        path.write_bytes(b"theirs")
        link(begun, to)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(FileExistsError), new_file(path) as file:
        file.write(b"ours")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links_takes_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(begun: Path, to: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(begun))

    monkeypatch.setattr(os, "link", link)
    with new_file(tmp_path / "export.csv") as file:
        file.write(b"ours")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"ours"]
