"""Contracts and policies that many tests need, which never change: made once of the same files.

A test that alters one all the same does so by monkeypatch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from gateway.contracts import Registry
from gateway.contracts import load_contracts as read_contracts
from gateway.contracts.files import contract_files
from gateway.contracts.findings import Findings
from gateway.policy import Policies, build_revision, read_content
from gateway.policy.contents.content import PolicyContent
from gateway.policy.revision import PolicyRevision


@dataclass(frozen=True, slots=True)
class _Files:
    """Contract files by the names that faults give them, wherever they are."""

    content: tuple[tuple[str, bytes], ...]
    folders: tuple[Path, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Rules that contracts are held against; the folder only names faults."""

    revision: str
    registry: Registry
    content: PolicyContent = field(compare=False)
    folder: Path = field(compare=False)


def load_contracts(folders: Sequence[Path]) -> Registry:
    """The registry of these folders: the one of before if no byte of their files changed."""
    found = contract_files(folders, Findings())
    files = tuple((name, path.read_bytes()) for path, name in found)
    return _registry(_Files(files, tuple(folders)))


def load_policies(folder: Path, registry: Registry) -> Policies:
    """The policies of a folder, in an object of their own."""
    content = read_content(folder)
    return Policies(_revision(_Rules(content.revision, registry, content, folder)))


@lru_cache(maxsize=32)
def _registry(files: _Files) -> Registry:
    return read_contracts(files.folders)


@lru_cache(maxsize=32)
def _revision(rules: _Rules) -> PolicyRevision:
    return build_revision(rules.content, rules.registry, rules.folder)
