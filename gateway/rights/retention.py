"""Retention: for how long what is sealed is kept, by contract and PII class.

The rules stand in ``retention.yaml`` in the folder of policies, which is read at start. They say
with which keys new data is sealed; what was sealed before keeps the lifetime that it was given.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.contracts import Registry
from gateway.contracts.findings import Findings
from gateway.contracts.yaml_source import MAX_BYTES, Node, parse_yaml
from gateway.model.pii import PiiClass
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.model.system import read_regular

RETENTION_FILE = "retention.yaml"
"""The file of the rules within the folder of policies."""

INVALID = "RETENTION_INVALID"

MAX_RULES = 1_000
MAX_SECONDS = 100 * 366 * 86_400
"""A hundred years: what is kept longer needs no rule."""

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_KEEP = re.compile(r"([1-9][0-9]{0,9})([smhd])")
_PATTERN = re.compile(r"\*|[A-Za-z][A-Za-z0-9.]{0,118}[A-Za-z0-9](?:\.\*)?")
_CLASSES = tuple(one.value for one in PiiClass)
_RIGHTS = "privacy."
_CACHED = 20_000


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Data of the contracts ``contract`` (a key, ``prefix.*`` or ``*``), of one PII class or of
    all, is kept for ``keep`` (as written), which is ``seconds``.

    ``*`` does not cover the contracts of the rights themselves: whom a hold or a consent is about
    is kept until they are erased.
    """

    contract: str
    cls: PiiClass | None
    keep: str
    seconds: int

    def covers(self, key: str, classes: Iterable[PiiClass]) -> bool:
        """True for a field of these classes of the contract of this key."""
        if self.cls is not None and self.cls not in classes:
            return False
        if self.contract == "*":
            return not key.startswith(_RIGHTS)
        if self.contract.endswith(".*"):
            return key.startswith(self.contract[:-1])
        return key == self.contract


class Retention:
    """The rules in force, over the contracts that are loaded."""

    def __init__(self, rules: tuple[RetentionRule, ...], registry: Registry) -> None:
        self.rules = rules
        self._registry = registry
        self._known: dict[tuple[str, str], int | None] = {}

    def lifetime(self, contract: str, field: str) -> int | None:
        """For how many seconds a field of a contract (``key@version``) is kept, the least that any
        rule says; None for good."""
        if not self.rules:
            return None
        asked = (contract, field)
        if asked not in self._known:
            if len(self._known) >= _CACHED:
                self._known.clear()
            key, classes = contract.partition("@")[0], self.classes(contract, field)
            kept = [rule.seconds for rule in self.rules if rule.covers(key, classes)]
            self._known[asked] = min(kept, default=None)
        return self._known[asked]

    def classes(self, contract: str, field: str) -> frozenset[PiiClass]:
        """The PII classes of a field (``input.<path>``, ``output.<path>``, ``payload.<path>``)."""
        side, _, path = field.partition(".")
        if side == "payload" and (event := self._registry.events.get(contract)):
            declared = event.pii_classes
            emitting = (
                one.policy.pii_classes
                for one in self._registry.operations.values()
                if contract in one.emits
            )
            found = [declared.get(path), *(other.get(path) for other in emitting)]
            return frozenset().union(*(one for one in found if one))
        operation = self._registry.operations.get(contract)
        return frozenset(operation.policy.pii_classes.get(path, ()) if operation else ())


def class_names(retention: Retention, contract: str, field: str) -> list[str]:
    """The names of the PII classes of a field."""
    return sorted(one.value for one in retention.classes(contract, field))


def load_retention(policies: Path) -> tuple[RetentionRule, ...]:
    """The rules in a folder of policies; an absent file keeps everything.

    Raises:
        ProblemError: POLICIES_INVALID with every fault of the file; an issue's path is
            ``file:line:column``.
    """
    path = policies / RETENTION_FILE
    try:
        content = read_regular(path, MAX_BYTES)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return ()
        told = f"the file cannot be read ({error.strerror}); check its permissions, or its link"
        raise _refused([Issue(f"{path}:1:1", INVALID, told)]) from error
    issues: list[Issue] = []
    rules = read_retention(content, str(path), issues)
    if issues:
        raise _refused(issues)
    return rules


def read_retention(content: bytes, name: str, issues: list[Issue]) -> tuple[RetentionRule, ...]:
    """The rules that a YAML text says; every fault of it is added to ``issues``."""
    if len(content) > MAX_BYTES:
        issues.append(Issue(f"{name}:1:1", INVALID, f"the file is over {MAX_BYTES} bytes"))
        return ()
    syntax = Findings()
    root = parse_yaml(content, name, syntax)
    issues += [Issue(one.path, INVALID, one.message) for one in syntax.issues]
    if root is None or issues:
        return ()
    return tuple(_Reader(issues).rules(root))


class _Reader:
    """Reads nodes and notes everything that is wrong with them."""

    def __init__(self, issues: list[Issue]) -> None:
        self._issues = issues

    def rules(self, root: Node) -> list[RetentionRule]:
        members = self._members(root, ("rules",), ("rules",))
        node = members.get("rules")
        if node is None:
            return []
        if not isinstance(node.value, list):
            self._note(node.at, f"'rules' is a list, this is {node.kind}")
            return []
        if len(node.value) > MAX_RULES:
            self._note(node.at, f"there are more than {MAX_RULES} rules; join some of them")
        found: dict[tuple[str, PiiClass | None], RetentionRule] = {}
        for item in node.value[:MAX_RULES]:
            rule = self._rule(item)
            if rule is None:
                continue
            if (rule.contract, rule.cls) in found:
                self._note(item.at, "a rule of this contract and class is here; keep one of them")
            found[rule.contract, rule.cls] = rule
        return list(found.values())

    def _rule(self, node: Node) -> RetentionRule | None:
        members = self._members(node, ("contract", "class", "keep"), ("contract", "keep"))
        contract = self._text(members.get("contract"), "contract")
        cls = self._text(members.get("class"), "class")
        keep = self._text(members.get("keep"), "keep")
        if contract is not None and not _PATTERN.fullmatch(contract):
            told = f"{contract[:100]!r} names no contracts; write a key, 'prefix.*' or '*'"
            self._note(members["contract"].at, told)
            contract = None
        if cls is not None and cls not in _CLASSES:
            told = f"there is no class {cls[:100]!r}; known are {', '.join(_CLASSES)}"
            self._note(members["class"].at, told)
            cls = contract = None
        seconds = self._seconds(members["keep"].at, keep) if keep is not None else None
        if contract is None or keep is None or seconds is None:
            return None
        return RetentionRule(contract, PiiClass(cls) if cls else None, keep, seconds)

    def _seconds(self, at: str, keep: str) -> int | None:
        found = _KEEP.fullmatch(keep)
        if found is None:
            self._note(at, f"{keep[:100]!r} is no duration; write 30d, 12h, 15m or 90s")
            return None
        seconds = int(found[1]) * _SECONDS[found[2]]
        if seconds > MAX_SECONDS:
            self._note(at, "that is over a hundred years; leave the rule out to keep data for good")
            return None
        return seconds

    def _text(self, node: Node | None, name: str) -> str | None:
        if node is None or isinstance(node.value, str):
            return node.value if node else None  # type: ignore[return-value] # narrowed
        self._note(node.at, f"'{name}' is a text, this is {node.kind}")
        return None

    def _members(
        self, node: Node, known: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self._note(node.at, f"a mapping of {', '.join(known)} stands here, not {node.kind}")
            return {}
        for name in node.value:
            if name not in known:
                told = f"there is no {name[:100]!r} here; known are {', '.join(known)}"
                self._note(node.key_place(name), told)
        for name in required:
            if name not in node.value:
                self._note(node.at, f"'{name}' is missing; add it")
        return {name: inner for name, inner in node.value.items() if name in known}

    def _note(self, at: str, message: str) -> None:
        self._issues.append(Issue(at, INVALID, message))


def _refused(issues: list[Issue]) -> ProblemError:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return ProblemError(
        Problem(
            code="POLICIES_INVALID",
            title="The retention rules cannot be used",
            status=422,
            detail=f"{first.path}: {first.message}{more}",
            category="validation",
            issues=tuple(issues),
        )
    )
