"""The GraphQL documents of the commands; each has one field."""

_EXECUTION = (
    "executionId intentId planId runId status riskTier requiresApproval createdAt updatedAt"
    " allowedActions"
)
_STEP = (
    "stepId key contract status verdict riskTier dependsOn input output problem reasons attempt"
    " attempts { number status startedAt endedAt problem } retryAt startedAt endedAt allowedActions"
)
_PLAN = (
    "planId executionId deterministicHash verdict compiledAt verifiedAt policyVersion"
    f" steps {{ {_STEP} }} edges {{ source target path }}"
)
_OWN = (
    "executionId status riskTier createdAt updatedAt problem allowedActions"
    " steps { stepId key contract status output problem allowedActions }"
)
_APPROVAL = (
    "approvalId executionId stepId contract requestedBy arguments reason risk requestedAt expiresAt"
    " status approverRole quorum approvals votes { by at note } escalatedTo note allowedActions"
)
_TRACE = "entries { timestamp stage status actorId metadata }"


def _query(field: str, selection: str) -> str:
    return _operation("query", field, f"found: {field}(input: $input) {{ {selection} }}")


def _command(field: str, selection: str) -> str:
    return _operation("mutation", field, f"done: {field}(input: $input) {{ {selection} }}")


def _operation(kind: str, field: str, body: str) -> str:
    """An operation of one field, under the name of that field."""
    name = f"{field[0].upper()}{field[1:]}"
    return f"{kind} {name}($input: {name}Input!) {{ {body} }}"


LIST = _query("controlPlaneExecutionList",
    "total items { executionId status riskTier requestedBy updatedAt allowedActions }")  # fmt: skip
MINE = _query("controlPlaneExecutionMine",
    "total items { executionId status riskTier updatedAt allowedActions }")  # fmt: skip
OWN = _query("controlPlaneExecutionMine", f"total items {{ {_OWN} }}")
GET = _query("controlPlaneExecutionGet", f"execution {{ {_EXECUTION} }}")
PLAN = _query("controlPlanePlanGet", _PLAN)
TRACE = _query("controlPlaneTraceGet", f"executionId {_TRACE}")
REPLAY = _query("controlPlaneTraceReplay",
    "executionId identical deterministicHash recomputedHash recordedPolicyVersion policyVersion"
    " differences { kind stepId path recorded replayed message }")  # fmt: skip
APPROVALS = _query("controlPlaneApprovalList", f"total items {{ {_APPROVAL} }}")
EXPLAIN = _query("policyDecisionExplain",
    "decision verdict reasons policyVersion matchedAll roles { role via path }"
    " treatments { field treatment }"
    " matchedRules { model file line text effect decides field }"
    " nearest { model file line text effect gaps { kind wanted message } }"
    " required { model outcome needs { kind name message quorum } }")  # fmt: skip
_EVENT = "cursor id type version occurredAt executionId runId payload"
EVENTS = _query("controlPlaneEventList", f"cursor items {{ {_EVENT} }}")
FOLLOW = (
    "subscription ControlPlaneEvents($filter: ControlPlaneEventFilterInput, $after: String)"
    f" {{ event: controlPlaneEvents(filter: $filter, after: $after) {{ {_EVENT} }} }}"
)

SKILLS = _query("controlPlaneSkillList",
    "total items { skillKey version status verified publisher provenance installedAt }"
    )  # fmt: skip

SUBMIT = _command("controlPlaneIntentSubmit", "executionId intentId status receivedAt")
COMPILE = _command("controlPlanePlanCompile", "planId compiledAt stepCount deterministicHash")
VERIFY = _command("controlPlanePlanVerify", "verdict requiresApproval blockedReasons verifiedAt")
START = _command("controlPlaneExecutionStart", "runId status startedAt")
DECIDE = _command("controlPlaneApprovalDecide",
    "results { executionId stepId status decided decidedAt problem }"
    )  # fmt: skip
CANCEL = _command("controlPlaneExecutionCancel", "executionId status cancelledAt")
PAUSE = _command("controlPlaneExecutionPause", "runId status pausedAt")
RESUME = _command("controlPlaneExecutionResume", "runId status resumedAt")
RETRY = _command("controlPlaneExecutionRetry", "runId status phase retriedAt")
ABORT = _command("controlPlaneExecutionAbort", "runId status abortedAt")
SHUTDOWN = _command("controlPlaneExecutionShutdown", "runId status shutdownAt")
COMPENSATE = _command("controlPlaneExecutionCompensate",
    "runId compensationExecutionId compensationRunId status stepCount startedAt")  # fmt: skip
RECONCILE = _command("controlPlaneStepReconcile",
    "runId stepId status executionStatus reconciledAt")  # fmt: skip
EXPORT_EVIDENCE = _command("controlPlaneExecutionEvidenceExport",
    "runId evidenceBundleCount exportedAt")  # fmt: skip
INSTALL_SKILL = _command("controlPlaneSkillInstall",
    "installationId skillKey version verified signatureVerified publisherTrusted"
    " compatibilityVerified manifestDigest provenance issues { code message } status"
    " installedAt")  # fmt: skip


def documents() -> tuple[str, ...]:
    """Every document of the commands, to the letter as it is sent."""
    return (
        *(LIST, MINE, OWN, GET, PLAN, TRACE, REPLAY, APPROVALS, EXPLAIN, EVENTS, FOLLOW),
        *(SUBMIT, COMPILE, VERIFY, START, DECIDE, CANCEL),
        *(PAUSE, RESUME, RETRY, ABORT, SHUTDOWN, COMPENSATE, RECONCILE),
        *(SKILLS, INSTALL_SKILL, EXPORT_EVIDENCE),
    )
