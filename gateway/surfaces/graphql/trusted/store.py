"""Where trusted documents are kept: manifests in a folder, read as a whole at start.

A file that ``gateway documents add`` wrote is named by the SHA-256 of its bytes, which is looked at
again whenever it is read. Files that somebody else deployed may have any name that ends in .json.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.model.problem import Issue, ProblemError
from gateway.model.system import leads_nowhere, locked_folder, sync_folder, write_durably
from gateway.surfaces.graphql.trusted.manifests import (
    MAX_BYTES,
    SHA256,
    Entry,
    documents_invalid,
    read_manifest,
)

MAX_DOCUMENTS = 10_000
"""How many documents of different texts there may be."""
MAX_TEXT_BYTES = 64 * 1024 * 1024
"""How long their texts may be together."""
MAX_FILES = 1000

_ENDING = ".json"
_DRAFT = re.compile(r"\.[0-9a-f]{64}\.json\.[0-9a-f]{16}", re.ASCII)
_BY_DIGEST = re.compile(r"[0-9a-f]{64}\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A text that is registered: its ``digest`` as ``sha256:`` with hexadecimal digits, and where
    it is registered, under which ids."""

    text: str
    digest: str
    entries: tuple[Entry, ...]

    @property
    def ids(self) -> list[str]:
        """The ids that manifests give it, in order."""
        return sorted({entry.id for entry in self.entries})


class DocumentStore:
    """Trusted documents by every name that they have, and by their texts."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Collect ``entries``.

        Raises:
            ProblemError: DOCUMENTS_INVALID where an id has two texts, or there are too many.
        """
        by_text: dict[str, list[Entry]] = {}
        for entry in entries:
            by_text.setdefault(entry.text, []).append(entry)
        issues = [*_too_much(by_text), *_ambiguous(by_text)]
        if issues:
            raise documents_invalid(issues)
        self._by_text = {text: _document(text, found) for text, found in by_text.items()}
        self._by_name = dict(_names(self._by_text.values()))

    def __len__(self) -> int:
        return len(self._by_text)

    def __iter__(self) -> Iterator[TrustedDocument]:
        return iter(self._by_text.values())

    def by_name(self, name: str) -> TrustedDocument | None:
        """The document of an id of a manifest, or of the SHA-256 of its text, with ``sha256:``
        before it or not."""
        return self._by_name.get(name)

    def by_text(self, text: str) -> TrustedDocument | None:
        """The document of this text, to the letter."""
        return self._by_text.get(text)


def _document(text: str, entries: list[Entry]) -> TrustedDocument:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return TrustedDocument(text, SHA256 + digest, tuple(entries))


def _names(documents: Iterable[TrustedDocument]) -> Iterator[tuple[str, TrustedDocument]]:
    """Every name of every document; no two are the same, as ids that look like digests are."""
    for document in documents:
        yield document.digest, document
        yield document.digest.removeprefix(SHA256), document
        for id_ in document.ids:
            yield id_, document


def _too_much(by_text: Mapping[str, list[Entry]]) -> Iterator[Issue]:
    """What is too much, told at the first document that is."""
    size = 0
    for count, (text, entries) in enumerate(by_text.items(), 1):
        size += len(text.encode())
        told = ""
        if count > MAX_DOCUMENTS:
            told = f"of {len(by_text)} documents this is the first beyond {MAX_DOCUMENTS}"
        elif size > MAX_TEXT_BYTES:
            told = f"with this, the documents have more than {MAX_TEXT_BYTES} bytes together"
        if told:
            remedy = "remove the manifests of clients that are gone"
            yield Issue(entries[0].at, "TOO_MANY", f"{told}; {remedy}")
            return


def _ambiguous(by_text: Mapping[str, list[Entry]]) -> Iterator[Issue]:
    first: dict[str, Entry] = {}
    for entries in by_text.values():
        for entry in entries:
            other = first.setdefault(entry.id, entry)
            if other.text != entry.text:
                message = f"the id names another text at {other.at}; give each text its own id"
                yield Issue(entry.at, "DOCUMENT_ID_TAKEN", message)


def entries_of(files: Iterable[Path], read: Callable[[Path], bytes]) -> tuple[Entry, ...]:
    """The documents of several manifests.

    Args:
        files: Their paths.
        read: Gives the content of each; it raises as ``read_bytes`` does.

    Raises:
        ProblemError: DOCUMENTS_INVALID with every issue of every file.
    """
    entries: list[Entry] = []
    issues: list[Issue] = []
    for path in files:
        try:
            entries += read_manifest(read(path), str(path))
        except ProblemError as refused:
            issues += refused.problem.issues
    if issues:
        raise documents_invalid(issues)
    return tuple(entries)


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """The documents of all manifests in ``folder``: its files whose names end in .json.

    Raises:
        ProblemError: DOCUMENTS_INVALID with every issue of every file; also where there is no such
            folder.
    """
    return entries_of(_manifests(folder), _kept_bytes)


def read_store(folder: Path) -> DocumentStore:
    """The documents of ``folder``. Raises as ``read_entries`` and ``DocumentStore`` do."""
    return DocumentStore(read_entries(folder))


def read_bytes(path: Path) -> bytes:
    """The content of a manifest, one byte more than may be where it is larger.

    Raises:
        ProblemError: DOCUMENTS_INVALID where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made if it is missing, against others who add to it; wait for them.

    Two who add at once would not see what the other adds: an id could get two texts, and one who
    fails and takes back what is new would take it from the other.

    Raises:
        ProblemError: DOCUMENTS_INVALID where it cannot be made or opened.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if held.enter_context(locked_folder(folder, waiting=True)):
                for path in folder.glob(".*"):  # what commands that were killed left
                    if _DRAFT.fullmatch(path.name):
                        path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from None
        yield


def keep_manifests(folder: Path, manifests: Sequence[bytes]) -> list[Path]:
    """Write manifests to ``folder``, which is made if it is missing; returns their paths.

    All are written aside before the first gets its name, so that nobody ever reads half of one,
    and that all of them are kept or none. They are there for good on return. Of a crash in between
    some may be left, each of them whole.

    Raises:
        ProblemError: DOCUMENTS_INVALID where there would be too many, or they cannot be written.
    """
    paths = [folder / f"{hashlib.sha256(raw).hexdigest()}{_ENDING}" for raw in manifests]
    present = _manifests(folder, may_be_missing=True)
    _refuse_too_many(folder, len({*present, *paths}))
    drafts = {path: folder / f".{path.name}.{secrets.token_hex(8)}" for path in paths}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for path, raw in zip(paths, manifests, strict=True):
                write_durably(drafts[path], raw)
            _publish(drafts)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return paths


def _publish(drafts: Mapping[Path, Path]) -> None:
    """Give drafts their names; where one cannot have its name, none keeps it that was new."""
    new = [path for path in drafts if not path.exists()]
    try:
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError:
        for path in new:
            path.unlink(missing_ok=True)
        raise


def _manifests(folder: Path, *, may_be_missing: bool = False) -> list[Path]:
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.name.endswith(_ENDING)
            and not path.name.startswith(".")
            and (path.is_file() or leads_nowhere(path))
        )
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            return []
        raise _unreadable(folder, error) from None
    _refuse_too_many(folder, len(found))
    return found


def _refuse_too_many(folder: Path, count: int) -> None:
    if count > MAX_FILES:
        message = (
            f"{count} manifests are more than {MAX_FILES}, the most that there may be; remove "
            "those of clients that are gone"
        )
        raise documents_invalid([Issue(str(folder), "TOO_MANY", message)])


def _kept_bytes(path: Path) -> bytes:
    """The content of a file of the folder; one that was added must be what its name says."""
    raw = read_bytes(path)
    is_named_by_digest = _BY_DIGEST.fullmatch(path.name) is not None
    if is_named_by_digest and hashlib.sha256(raw).hexdigest() != path.stem:
        message = (
            "the file is not the one that was added: its name is the SHA-256 of other bytes; "
            "remove it and add the manifest again"
        )
        raise documents_invalid([Issue(str(path), "DOCUMENT_DIGEST_MISMATCH", message)])
    return raw


def _unwritable(folder: Path, error: OSError) -> ProblemError:
    message = f"the manifests cannot be written ({error.strerror}); make the folder writable"
    return documents_invalid([Issue(str(folder), "PRECONDITION_FAILED", message)])


def _unreadable(path: Path, error: OSError) -> ProblemError:
    message = f"it cannot be read ({error.strerror}); name one that can"
    return documents_invalid([Issue(str(path), "NOT_FOUND", message)])
