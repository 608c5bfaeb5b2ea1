"""What verification may find: sixteen codes, each an error that ``skill.install`` declares."""

from collections.abc import Iterable

from gateway.model.problem import MAX_ISSUES, Issue, Problem

SCHEMA_VERSION_INVALID = "SCHEMA_VERSION_INVALID"
MANIFEST_INVALID = "MANIFEST_INVALID"
SIGNATURE_MISSING = "SIGNATURE_MISSING"
SIGNATURE_INVALID = "SIGNATURE_INVALID"
PUBLISHER_UNTRUSTED = "PUBLISHER_UNTRUSTED"
KEY_UNTRUSTED = "KEY_UNTRUSTED"
PROVENANCE_UNTRUSTED = "PROVENANCE_UNTRUSTED"
SIGNATURE_EXPIRED = "SIGNATURE_EXPIRED"
ARTIFACT_DIGEST_MISMATCH = "ARTIFACT_DIGEST_MISMATCH"
CONTRACTS_SPEC_VERSION_MISSING = "CONTRACTS_SPEC_VERSION_MISSING"
CONTRACTS_SPEC_TOO_OLD = "CONTRACTS_SPEC_TOO_OLD"
CONTRACTS_SPEC_TOO_NEW = "CONTRACTS_SPEC_TOO_NEW"
CONTROL_PLANE_VERSION_MISSING = "CONTROL_PLANE_VERSION_MISSING"
CONTROL_PLANE_TOO_OLD = "CONTROL_PLANE_TOO_OLD"
CONTROL_PLANE_TOO_NEW = "CONTROL_PLANE_TOO_NEW"
CAPABILITY_MISSING = "CAPABILITY_MISSING"

STATUS: dict[str, int] = {
    SCHEMA_VERSION_INVALID: 400,
    MANIFEST_INVALID: 400,
    SIGNATURE_MISSING: 400,
    SIGNATURE_INVALID: 400,
    PUBLISHER_UNTRUSTED: 403,
    KEY_UNTRUSTED: 403,
    PROVENANCE_UNTRUSTED: 403,
    SIGNATURE_EXPIRED: 400,
    ARTIFACT_DIGEST_MISMATCH: 409,
    CONTRACTS_SPEC_VERSION_MISSING: 409,
    CONTRACTS_SPEC_TOO_OLD: 409,
    CONTRACTS_SPEC_TOO_NEW: 409,
    CONTROL_PLANE_VERSION_MISSING: 409,
    CONTROL_PLANE_TOO_OLD: 409,
    CONTROL_PLANE_TOO_NEW: 409,
    CAPABILITY_MISSING: 409,
}
"""The HTTP status of each code. Issues are told in this order, and the first one is the answer."""

SIGNATURE_CODES = frozenset({SIGNATURE_MISSING, SIGNATURE_INVALID})
TRUST_CODES = frozenset(
    {PUBLISHER_UNTRUSTED, KEY_UNTRUSTED, PROVENANCE_UNTRUSTED, SIGNATURE_EXPIRED}
)
COMPATIBILITY_CODES = frozenset(
    code for code in STATUS if code.startswith(("CONTRACTS_SPEC_", "CONTROL_PLANE_"))
) | {CAPABILITY_MISSING}

_RANK = {code: rank for rank, code in enumerate(STATUS)}


def in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """The distinct issues in the order of their codes; those of one code stay as found."""
    return tuple(sorted(dict.fromkeys(issues), key=lambda issue: _RANK[issue.code]))


def refusal(issues: tuple[Issue, ...]) -> Problem:
    """The problem of a skill that is not accepted: that of its first issue, with all of them."""
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return Problem(
        code=first.code,
        title="The skill is not accepted",
        status=STATUS[first.code],
        detail=f"{first.message}{more}",
        category="policy" if STATUS[first.code] == 403 else "validation",
        issues=issues[:MAX_ISSUES],
    )
