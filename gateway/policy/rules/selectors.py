"""Selectors: how a rule names the contracts that it speaks of.

``*`` | ``support.refund.issue`` | ``support.refund.issue@1.0.0`` | ``support.*`` | ``auth:admin``
| ``tag:money`` | ``risk:high`` | ``capability:support.core`` | ``domain:support`` |
``kind:command``. A ``?`` after an exact name says that the contract need not be loaded.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.model.contract import AuthLevel, Kind, OperationContract, Risk

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?:@[0-9][A-Za-z0-9.+-]*)?", re.ASCII)
_GLOB = re.compile(r"[A-Za-z0-9_.*@+-]+", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9_.@+-]+", re.ASCII)

Match = Callable[[OperationContract], bool]

_CLOSED: dict[str, frozenset[str]] = {
    "auth": frozenset(AuthLevel),
    "risk": frozenset(Risk),
    "kind": frozenset(Kind),
}
_TRAITS: dict[str, Callable[[OperationContract, str], bool]] = {
    "auth": lambda contract, value: contract.policy.auth.value == value,
    "tag": lambda contract, value: value in contract.meta.tags,
    "risk": lambda contract, value: contract.risk.value == value,
    "capability": lambda contract, value: names_capability(contract, value),
    "domain": lambda contract, value: contract.meta.domain == value,
    "kind": lambda contract, value: contract.kind.value == value,
}


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector. ``exact`` is the one contract that it names (``key`` or
    ``key@version``), empty for a wider one; ``optional`` says that it need not be loaded."""

    text: str
    selects: Match = field(repr=False, compare=False)
    exact: str = ""
    optional: bool = False


def parse_selector(text: str) -> Selector:
    """The selector that ``text`` writes.

    Raises:
        ValueError: it is none; the message says which forms there are.
    """
    if text == "*":
        return Selector(text, lambda _: True)
    trait, colon, value = text.partition(":")
    if colon:
        return _by_trait(text, trait, value)
    if "*" in text and _GLOB.fullmatch(text):
        matches = glob(text)
        return Selector(text, lambda contract: matches(_named(contract, text)))
    name = text.removesuffix("?")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{text!r} selects no contract: write a key, key@version, a pattern such as "
            "'support.*', or one of auth:, tag:, risk:, capability:, domain:, kind:, or '*'"
        )
    return Selector(text, lambda contract: _named(contract, name) == name, name, text != name)


def _by_trait(text: str, trait: str, value: str) -> Selector:
    if trait not in _TRAITS:
        raise ValueError(f"{trait + ':'!r} is none of {', '.join(f'{name}:' for name in _TRAITS)}")
    allowed = _CLOSED.get(trait)
    if allowed and value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(sorted(allowed))}")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"{text!r} needs a plain name after the colon")
    has = _TRAITS[trait]
    return Selector(text, lambda contract: has(contract, value))


def _named(contract: OperationContract, pattern: str) -> str:
    """The name of the contract that a pattern speaks of: with its version if the pattern has."""
    return contract.ref if "@" in pattern else contract.key


def names_capability(contract: OperationContract, name: str) -> bool:
    """True if ``name`` (``key`` or ``key@version``) is the capability of the contract."""
    capability = contract.capability
    return bool(capability) and name in (capability, capability.partition("@")[0])


def glob(pattern: str) -> Callable[[str], bool]:
    """A match of whole strings in which ``*`` stands for any run of characters, dots included.

    Each part is looked for once, from left to right, so that no pattern takes long.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return lambda text: text == pattern
    *middle, last = rest

    def matches(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return matches
