"""Redaction of text: what looks like a secret or like personal data is taken out of it.

This is a second line of defence. The first is that no message is made of what callers send: shapes
can be recognised, a name or a diagnosis cannot.
"""

import re
from collections.abc import Callable

MOST = 4000
"""Characters of a text that are looked at and kept."""

_MARK = "[redacted]"
_Sub = str | Callable[[re.Match[str]], str]


def redacted(text: str) -> str:
    """``text`` without tokens, headers of credentials, secrets, the query strings and user names
    of URLs, e-mail addresses, account, card and phone numbers; cut at ``MOST`` characters."""
    told = text if len(text) <= MOST else f"{text[:MOST]}..."
    for pattern, instead in _RULES:
        told = pattern.sub(instead, told)
    return told


def _account(found: re.Match[str]) -> str:
    """An IBAN (ISO 13616) goes if it is in capitals, or if its check digits are right: a word in
    small letters may be a digest."""
    text = found[0].replace(" ", "")
    moved = text[4:] + text[:4]
    number = "".join(str(int(sign, 36)) for sign in moved)
    return "[account]" if text.isupper() or int(number) % 97 == 1 else found[0]


def _rule(pattern: str, instead: _Sub) -> tuple[re.Pattern[str], _Sub]:
    return re.compile(pattern, re.IGNORECASE), instead


_RULES: tuple[tuple[re.Pattern[str], _Sub], ...] = (
    _rule(
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?"
        r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
        "[private key]",
    ),
    _rule(
        r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,60}(?:key|token|secret))\b"
        r"[\"']{0,2}[\s:=,]+[^\r\n]*",
        rf"\1: {_MARK}",
    ),
    _rule(r"\b(bearer|basic|digest|dpop)\s+[\w.~+/=-]{6,}", rf"\1 {_MARK}"),
    _rule(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}", "[token]"),
    _rule(
        r"\b(pass(?:word|wd|phrase)|secret|client_secret|api[_-]?key|(?:access|refresh|id)?_?token)"
        r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;&]+",
        rf"\1={_MARK}",
    ),
    _rule(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b(?:gh[a-z]_|sk_live_|xox[a-z]-)[\w-]{10,}", _MARK),
    _rule(
        r"\b([a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#\"'<>]*@)?([^\s?#\"'<>]*)(?:[?#][^\s\"'<>]*)?",
        r"\1\2",
    ),
    _rule(r"(?<![\w?])(/[\w./%~:-]*)\?[^\s\"'<>]*", r"\1"),
    # What ends in three numbers is a contract with its version.
    _rule(
        r"[\w.+%'!#$&*/=^`{|}~-]+@(?!\d{1,5}\.\d{1,5}\.\d{1,5}(?![\w-]|\.\w))[\w-]+(?:\.[\w-]+)*",
        "[e-mail]",
    ),
    _rule(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _account),
    _rule(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])", "[number]"),
    _rule(r"(?<!\w)\+\d(?:[ ().\-/]{0,2}\d){6,14}(?!\w)", "[phone]"),
    _rule(r"(?<![\w.:-])\(?0\d{1,5}\)?[ /.-]?\d{3,}(?:[ /.-]?\d{2,}){0,3}(?![\w:])", "[phone]"),
    _rule(r"(?<![\w.-])(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])", "[phone]"),
)
"""What is looked for and what stands instead, in this order."""
