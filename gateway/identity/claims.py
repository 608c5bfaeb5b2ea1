"""From verified claims to a principal: what they must hold, and what each may look like."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from gateway.identity.issuer import IssuerProfile, unauthenticated
from gateway.model.json import JsonObject, JsonValue
from gateway.model.principal import WORKSPACE_PATTERN, Principal, PrincipalType
from gateway.model.text import UNSEEN

ROLE_PATTERN = re.compile(r"[a-z][a-z0-9._-]{0,63}")
"""What a role may be called."""

TOKEN_TYPES = tuple(kind for kind in PrincipalType if kind is not PrincipalType.ANONYMOUS)
"""What kinds of principal a token may name."""

_MAX_TEXT = 256


def fault_of_subject(value: JsonValue) -> str | None:
    """What is wrong with a subject, or None."""
    return None if _is_name(value) else f"must be 1 to {_MAX_TEXT} visible characters"


def fault_of_session(value: JsonValue) -> str | None:
    """What is wrong with the name of a token (``jti``), or None; it may be absent."""
    return None if value is None else fault_of_subject(value)


def fault_of_type(value: JsonValue) -> str | None:
    """What is wrong with a principal type, or None."""
    known = [kind.value for kind in TOKEN_TYPES]
    return None if isinstance(value, str) and value in known else f"must be one of {_listed(known)}"


def fault_of_workspace(value: JsonValue) -> str | None:
    """What is wrong with a workspace, or None."""
    if isinstance(value, str) and WORKSPACE_PATTERN.fullmatch(value):
        return None
    return (
        "must be 1 to 63 lower-case letters, digits, dots, dashes and underscores, beginning with"
        " a letter or a digit"
    )


def fault_of_roles(value: JsonValue) -> str | None:
    """What is wrong with a list of roles, or None; without one there are no roles."""
    if value is None:
        return None
    if isinstance(value, list) and all(_is_role(item) for item in value):
        return None
    return (
        "must be a list of role names: a lower-case letter, then up to 63 lower-case letters,"
        " digits, dots, dashes and underscores"
    )


def fault_of_capabilities(value: JsonValue) -> str | None:
    """What is wrong with a list of capability grants, or None."""
    if value is None or (isinstance(value, list) and all(_is_name(item) for item in value)):
        return None
    return f"must be a list of capabilities, each 1 to {_MAX_TEXT} visible characters"


def principal_of(claims: JsonObject, profile: IssuerProfile) -> Principal:
    """The principal that verified claims describe.

    Raises:
        ProblemError: UNAUTHENTICATED when a claim is missing or not as it must be.
    """
    names = profile.claims
    kind = _checked(claims, names.type, fault_of_type)
    workspace = _checked(claims, names.workspace, fault_of_workspace)
    roles = _checked(claims, names.roles, fault_of_roles)
    capabilities = _checked(claims, names.capabilities, fault_of_capabilities)
    return Principal(
        type=PrincipalType(kind),
        subject=_checked(claims, "sub", fault_of_subject),
        workspace=workspace,
        roles=frozenset(roles or ()),
        capabilities=None if capabilities is None else frozenset(capabilities),
        session=_checked(claims, "jti", fault_of_session),
    )


def check_audience(claims: JsonObject, profile: IssuerProfile) -> None:
    """Refuse a token that is meant for somebody else (RFC 7519, section 4.1.3)."""
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else given
    if not isinstance(audiences, list) or not any(
        isinstance(item, str) and item in profile.audiences for item in audiences
    ):
        raise unauthenticated(
            f"The token is not meant for this gateway: its audience ('aud') must be"
            f" {_listed(sorted(profile.audiences))}."
        )


def check_times(claims: JsonObject, now: float, leeway: float) -> float:
    """Refuse a token that is over or not yet valid; returns when it ends, in seconds since 1970.

    ``now`` is in seconds since 1970, ``leeway`` the seconds by which clocks may differ.
    """
    expires = _moment(claims, "exp")
    if expires is None:
        raise unauthenticated("The token has no expiry: its claim 'exp' is required.")
    if now >= expires + leeway:
        raise unauthenticated("The token has expired. Get a new one.", "TOKEN_EXPIRED")
    for name in ("nbf", "iat"):
        begins = _moment(claims, name)
        if begins is not None and begins > now + leeway:
            raise unauthenticated(
                f"The token is not valid yet: its claim {name!r} lies in the future. Check the"
                " clocks of the issuer and of this machine."
            )
    return expires


def issued_at(claims: JsonObject) -> float | None:
    """When a token was issued, in seconds since 1970; None where it does not say.

    Raises:
        ProblemError: UNAUTHENTICATED for what is no moment.
    """
    return _moment(claims, "iat")


def _moment(claims: JsonObject, name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2)."""
    value = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # The bound comes first: an integer may be too large to be asked whether it is finite.
    if not is_number or abs(value) > _LAST_MOMENT or not math.isfinite(value):
        raise unauthenticated(f"The token's claim {name!r} must be a number of seconds since 1970.")
    return float(value)


_LAST_MOMENT = 253_402_300_799.0
"""The end of the year 9999, in seconds since 1970."""


def _checked(
    claims: JsonObject, name: str, fault_of: Callable[[JsonValue], str | None]
) -> JsonValue:
    value = _claim(claims, name)
    if fault := fault_of(value):
        raise unauthenticated(f"The token's claim {name!r} {fault}.")
    return value


def _claim(claims: JsonObject, name: str) -> JsonValue:
    """The claim of this name, or the value under this JSON pointer; None if it is absent."""
    if not name.startswith("/"):
        return claims.get(name)
    value: Any = claims
    for part in name[1:].split("/"):
        member = part.replace("~1", "/").replace("~0", "~")
        value = value.get(member) if isinstance(value, dict) else None
    return value


def _is_name(value: JsonValue) -> bool:
    """Visible text only: no control characters, no lone surrogates, nothing that nobody sees."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        return False
    return value.isprintable() and (value.isascii() or UNSEEN.search(value) is None)


def _is_role(value: JsonValue) -> bool:
    return isinstance(value, str) and ROLE_PATTERN.fullmatch(value) is not None


def _listed(words: Iterable[str]) -> str:
    *most, last = [f"'{word}'" for word in words]
    return f"{', '.join(most)} or {last}" if most else last
