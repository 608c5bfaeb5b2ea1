"""Rules for what a contract says of itself and demands of its callers."""

from gateway.contracts.changes.change import Rule
from gateway.contracts.changes.remedies import (
    KEEP,
    PRIVACY,
    RIGHTS,
    TEXT,
    breaking,
    dangerous,
    safe,
)

DEMAND_RULES: tuple[Rule, ...] = (
    dangerous(
        "deprecated",
        "It is deprecated.",
        "Tell those who use it what to use instead.",
        "undeprecated",
    ),
    safe("undeprecated", "It is deprecated no longer.", TEXT, "deprecated"),
    dangerous(
        "auth-raised",
        "A call asks for a higher level of authentication.",
        f"Callers below it are denied. {RIGHTS}",
        "auth-lowered",
    ),
    dangerous(
        "auth-lowered",
        "A call asks for a lower level of authentication; more callers may make it.",
        f"Have it approved by whoever answers for access. {RIGHTS}",
        "auth-raised",
    ),
    dangerous(
        "risk-raised",
        "A call counts as riskier: it may wait for people, or be blocked.",
        RIGHTS,
        "risk-lowered",
    ),
    dangerous(
        "risk-lowered",
        "A call counts as less risky: it may run without being asked about.",
        f"Have it approved by whoever answers for the risk. {RIGHTS}",
        "risk-raised",
    ),
    dangerous(
        "capability-changed",
        "It belongs to another capability, or to none.",
        f"Tokens that are limited to capabilities must name the new one. {RIGHTS}",
        "capability-changed",
    ),
    safe("stability-raised", "It is more settled.", TEXT, "stability-lowered"),
    dangerous(
        "stability-lowered",
        "It is less settled.",
        "Tell those who rely on it.",
        "stability-raised",
    ),
    safe("owners-changed", "It has other owners.", TEXT, "owners-changed"),
    dangerous(
        "pii-declared",
        "A field is personal data now: sealed, shown as policy has it, nullable in an output.",
        f"See that callers can do with less of it. {PRIVACY}",
        "pii-undeclared",
    ),
    breaking(
        "pii-undeclared",
        "A field that stays is personal data no longer: not sealed, not masked, not erased.",
        f"Declare it. If it is none, say so with notPii and a reason. {PRIVACY}",
        "pii-declared",
    ),
    dangerous(
        "pii-classes-changed",
        "Personal data is of other classes: rules by class treat it differently.",
        PRIVACY,
        "pii-classes-changed",
    ),
    breaking(
        "domain-changed",
        "It is in another domain: its GraphQL types have other names.",
        KEEP,
        "domain-changed",
    ),
    breaking(
        "idempotence-lost",
        "Repeating a call may do harm now.",
        "Have callers send idempotency keys; runs leave what is unknown to operators.",
        "idempotence-gained",
    ),
    dangerous(
        "idempotence-gained",
        "Repeating a call does no harm now.",
        "See that it does none: attempts of unknown outcome are repeated.",
        "idempotence-lost",
    ),
    dangerous(
        "rate-limit-tightened",
        "Fewer calls are let through.",
        "Have callers heed Retry-After.",
        "rate-limit-loosened",
    ),
    safe(
        "rate-limit-loosened",
        "More calls are let through.",
        "See that the handler bears them.",
        "rate-limit-tightened",
    ),
    dangerous(
        "rate-limit-shared-otherwise",
        "Others share the rate limit.",
        "See that callers stay below it.",
        "rate-limit-shared-otherwise",
    ),
    dangerous(
        "cost-changed",
        "A call weighs otherwise in what one request may cost (docs/limits.md).",
        "See that clients' operations stay within it; `gateway documents check` tells of those"
        " that are registered.",
        "cost-changed",
    ),
    dangerous(
        "approval-demanded",
        "Every call asks a person now.",
        "See that there are approvers, and that callers can wait.",
        "approval-waived",
    ),
    dangerous(
        "approval-waived",
        "The contract itself asks no person any more: policy alone decides.",
        f"Have it approved by whoever answers for the risk. {RIGHTS}",
        "approval-demanded",
    ),
    dangerous(
        "consent-demanded",
        "Calls are refused without the consent of the person.",
        "Record consents before (docs/privacy.md).",
        "consent-waived",
    ),
    dangerous(
        "consent-waived",
        "Calls need the consent of the person no longer.",
        PRIVACY,
        "consent-demanded",
    ),
    dangerous(
        "consent-purpose-changed",
        "Calls need consent to another purpose.",
        "Record consents to it before (docs/privacy.md).",
        "consent-purpose-changed",
    ),
    dangerous(
        "subject-changed",
        "The data belong to somebody else, with whom they are sealed, exported and erased.",
        PRIVACY,
        "subject-changed",
    ),
    safe(
        "not-pii-changed",
        "What is said not to be personal data, or why, is another.",
        TEXT,
        "not-pii-changed",
    ),
    dangerous(
        "tags-changed",
        "It has other tags: rules that select by them apply differently.",
        RIGHTS,
        "tags-changed",
    ),
)
