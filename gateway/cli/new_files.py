"""Files that a command writes for people to keep: each has its name once it is whole."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.model.system import behind_links, sync_folder, write_durably


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """What is written becomes the new file ``path``, durably, once the block has ended. Until then
    it ends in ``.part``, which is left alone where the process is killed: half a file must not
    pass for a whole one.

    Raises:
        FileExistsError: the file is there already.
        OSError: it cannot be written.
    """
    _require_new(path)
    begun = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")  # of this command alone
    try:
        with begun.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _give_name(begun, path)
    finally:
        begun.unlink(missing_ok=True)
    sync_folder(path.parent)


def put_file(path: Path, content: bytes) -> None:
    """Write a file as a whole and durably; of one that is there already nothing is lost before.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a device, which nothing can replace
        path.write_bytes(content)
        return
    place = behind_links(path)
    begun = place.with_name(f"{place.name}.{secrets.token_hex(8)}.part")
    try:
        write_durably(begun, content)
        begun.replace(place)
    finally:
        begun.unlink(missing_ok=True)
    sync_folder(place.parent)


def _give_name(begun: Path, path: Path) -> None:
    """Give a file its name, which nobody else has: a link, unlike a rename, replaces none."""
    try:
        os.link(begun, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links to files
        _require_new(path)
        begun.rename(path)


def _require_new(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
