"""The trust policy: whose skills may be installed, and the keys that they are pinned to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.contracts.findings import Findings
from gateway.contracts.yaml_source import Node, parse_yaml
from gateway.model.json import JsonObject, digest
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.model.system import read_regular
from gateway.skills.signatures import PublicKey, read_public_key

TRUST_FILE = "skills.yaml"
"""The file of the trust policy within the folder of policies."""

INVALID = "TRUST_POLICY_INVALID"

_MAX_BYTES = 256 * 1024
_TOP = ("publishers", "allowExpiredSignatures")
_PUBLISHER = ("id", "keyIds", "publicKeys", "provenancePrefixes", "secrets")
_LEVELS_UP = re.compile(r"(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#]|$)", re.IGNORECASE)
_NOT_IN_PROVENANCE = re.compile(r"[\x00-\x20\x7f\\]")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Somebody whose skills are trusted, if one of ``public_keys`` signed them.

    Where there are ``key_ids``, a signature must name one of them as well. ``secrets`` are the
    names of those that the contracts of these skills may use: nobody else's, and none otherwise.
    """

    id: str
    public_keys: tuple[PublicKey, ...]
    provenance_prefixes: tuple[str, ...]
    key_ids: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    def covers(self, provenance: str) -> bool:
        """True if the provenance lies under one of the prefixes.

        A prefix ends where a part of a path ends: ``https://good.example`` covers neither
        ``https://good.example.evil.com`` nor ``https://good.example@evil.com``, and what leads
        up again (``/../``) is covered by none.
        """
        if _NOT_IN_PROVENANCE.search(provenance) or _LEVELS_UP.search(provenance):
            return False
        return any(_lies_under(provenance, prefix) for prefix in self.provenance_prefixes)


def _lies_under(provenance: str, prefix: str) -> bool:
    rest = provenance.removeprefix(prefix)
    if not provenance.startswith(prefix):
        return False
    return not rest or prefix.endswith("/") or rest[0] in "/?#"


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Everybody who is trusted, by id. Nobody is where there is no file."""

    publishers: dict[str, Publisher]
    allow_expired_signatures: bool = False

    def secrets_of(self, publisher_id: str) -> tuple[str, ...]:
        """The names of the secrets that a publisher's skills may use."""
        publisher = self.publishers.get(publisher_id)
        return publisher.secrets if publisher is not None else ()

    @property
    def digest(self) -> str:
        """SHA-256 over what the policy says, in hex: recorded with every installation."""
        return digest(self._told())

    def _told(self) -> JsonObject:
        return {
            "publishers": {
                one.id: {
                    "keyIds": sorted(one.key_ids),
                    "publicKeys": sorted(key.spki.hex() for key in one.public_keys),
                    "provenancePrefixes": sorted(one.provenance_prefixes),
                    "secrets": sorted(one.secrets),
                }
                for one in self.publishers.values()
            },
            "allowExpiredSignatures": self.allow_expired_signatures,
        }


def load_trust(policies: Path) -> TrustPolicy:
    """The trust policy in a folder of policies; an absent file trusts nobody.

    Raises:
        ProblemError: POLICIES_INVALID with every fault of the file; an issue's path is
            ``file:line:column``.
    """
    path = policies / TRUST_FILE
    found: list[Issue] = []
    try:
        content = read_regular(path, _MAX_BYTES)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return TrustPolicy({})
        told = f"the file cannot be read ({error.strerror}); check its permissions, or its link"
        raise _refused([Issue(f"{path}:1:1", INVALID, told)]) from error
    policy = read_trust(content, str(path), found)
    if found:
        raise _refused(found)
    return policy


def read_trust(content: bytes, name: str, issues: list[Issue]) -> TrustPolicy:
    """The trust policy that a YAML text says; every fault of it is added to ``issues``."""
    syntax = Findings()
    if len(content) > _MAX_BYTES:
        issues.append(Issue(f"{name}:1:1", INVALID, f"the file is over {_MAX_BYTES} bytes"))
        return TrustPolicy({})
    root = parse_yaml(content, name, syntax)
    issues += [Issue(one.path, INVALID, one.message) for one in syntax.issues]
    if root is None:
        return TrustPolicy({})
    found: list[Issue] = []
    policy = _Reader(found).policy(root)
    issues += sorted(found, key=lambda one: [int(part) for part in one.path.split(":")[-2:]])
    return policy


class _Reader:
    """Reads nodes and notes everything that is wrong with them."""

    def __init__(self, issues: list[Issue]) -> None:
        self._issues = issues

    def policy(self, root: Node) -> TrustPolicy:
        members = self._mapping(root, _TOP, required=("publishers",))
        expired = members.get("allowExpiredSignatures")
        if expired is not None and not isinstance(expired.value, bool):
            self._note(expired, "'allowExpiredSignatures' is true or false")
        publishers: dict[str, Publisher] = {}
        for node in self._items(members.get("publishers"), "publishers"):
            one = self._publisher(node)
            if one.id and one.id in publishers:
                self._note(node, f"the publisher {one.id!r} is here twice; keep one of them")
            publishers[one.id] = one
        return TrustPolicy(publishers, expired is not None and expired.value is True)

    def _publisher(self, node: Node) -> Publisher:
        members = self._mapping(node, _PUBLISHER, ("id", "publicKeys", "provenancePrefixes"))
        name = members.get("id")
        if name is not None and not (isinstance(name.value, str) and name.value):
            self._note(name, "'id' is the publisher's id as a text")
        return Publisher(
            id=str(name.value) if name else "",
            public_keys=tuple(self._keys(members.get("publicKeys"))),
            provenance_prefixes=tuple(self._prefixes(members.get("provenancePrefixes"))),
            key_ids=tuple(text for text, _ in self._texts(members.get("keyIds"), "keyIds")),
            secrets=tuple(self._secrets(members.get("secrets"))),
        )

    def _keys(self, node: Node | None) -> Iterator[PublicKey]:
        for text, at in self._texts(node, "publicKeys"):
            try:
                yield read_public_key(text)
            except ValueError as error:
                self._note(at, f"the key cannot be used: {error}")

    def _prefixes(self, node: Node | None) -> Iterator[str]:
        for text, at in self._texts(node, "provenancePrefixes"):
            if _NO_HOST.fullmatch(text):
                self._note(at, f"{text!r} would cover everybody; name the host and a path")
            elif _NOT_IN_PROVENANCE.search(text) or _LEVELS_UP.search(text):
                self._note(at, "a prefix has no blanks, backslashes or '..'; write it plainly")
            else:
                yield text

    def _secrets(self, node: Node | None) -> Iterator[str]:
        for text, at in self._texts(node, "secrets"):
            if _SECRET.fullmatch(text):
                yield text
            else:
                self._note(at, "a secret is named by letters, digits and '_'")

    def _texts(self, node: Node | None, name: str) -> Iterator[tuple[str, Node]]:
        items = self._items(node, name)
        if node is not None and not items and isinstance(node.value, list):
            self._note(node, f"{name!r} is empty; list at least one, or leave the line out")
        for item in items:
            if isinstance(item.value, str) and item.value.strip():
                yield item.value, item
            else:
                what = "an empty one" if isinstance(item.value, str) else item.kind
                self._note(item, f"an item of {name!r} is a text, this is {what}")

    def _items(self, node: Node | None, name: str) -> list[Node]:
        if node is None or isinstance(node.value, list):
            return [] if node is None else node.value  # type: ignore[return-value]  # narrowed
        self._note(node, f"{name!r} is a list, this is {node.kind}")
        return []

    def _mapping(
        self, node: Node, known: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self._note(node, f"a mapping of {', '.join(known)} stands here, not {node.kind}")
            return {}
        for name in node.value:
            if name not in known:
                told = f"there is no {name!r} here; known are {', '.join(known)}"
                self._issues.append(Issue(node.key_place(name), INVALID, told))
        for name in required:
            if name not in node.value:
                self._note(node, f"{name!r} is missing; add it")
        return {name: inner for name, inner in node.value.items() if name in known}

    def _note(self, node: Node, message: str) -> None:
        self._issues.append(Issue(node.at, INVALID, message))


def _refused(issues: list[Issue]) -> ProblemError:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return ProblemError(
        Problem(
            code="POLICIES_INVALID",
            title="The trust policy cannot be used",
            status=422,
            detail=f"{first.path}: {first.message}{more}",
            category="validation",
            issues=tuple(issues),
        )
    )
