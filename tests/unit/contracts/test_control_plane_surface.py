# ruff: noqa: E501 - one row of a table stays on one line
"""The control-plane contracts as files, held to the surface they promise: names, types and policy.

The table writes types as the files do, so closed value sets stand as enums.
"""

from pathlib import Path

import pytest

from gateway.model.contract import AuthLevel, EnumType, ObjectType, Stability
from gateway.model.decision import Verdict
from gateway.model.evidence import EvidenceKind
from gateway.model.execution import ApprovalStatus, ExecutionStatus, RunMode, StepStatus
from tests.loaded import load_contracts

SCHEMA = Path(__file__).parents[3] / "schema"
SKILL_ERRORS = {
    "SIGNATURE_INVALID": 400, "SIGNATURE_MISSING": 400, "MANIFEST_INVALID": 400,
    "SCHEMA_VERSION_INVALID": 400, "PUBLISHER_UNTRUSTED": 403, "KEY_UNTRUSTED": 403,
    "PROVENANCE_UNTRUSTED": 403, "ARTIFACT_DIGEST_MISMATCH": 409, "SIGNATURE_EXPIRED": 400,
    "CONTRACTS_SPEC_VERSION_MISSING": 409, "CONTRACTS_SPEC_TOO_OLD": 409,
    "CONTRACTS_SPEC_TOO_NEW": 409, "CONTROL_PLANE_VERSION_MISSING": 409,
    "CONTROL_PLANE_TOO_OLD": 409, "CONTROL_PLANE_TOO_NEW": 409, "CAPABILITY_MISSING": 409,
}  # fmt: skip

# kind, capability, further tags, input, output
OPERATIONS = {
    "execution.abort": ("command", "core", "execution lane", "runId: ID!, abortedBy: ID!, reason: String", "runId: ID!, status: ExecutionStatus!, abortedAt: DateTime!"),
    "execution.approve": ("command", "approval", "approval", "executionId: ID!, stepId: ID!, approvedBy: ID!, note: String", "executionId: ID!, stepId: ID!, status: ApprovalStatus!, approvedAt: DateTime!"),
    "execution.cancel": ("command", "core", "execution approval", "executionId: ID!, cancelledBy: ID!, reason: String", "executionId: ID!, status: ExecutionStatus!, cancelledAt: DateTime!"),
    "execution.evidence.export": ("command", "audit", "execution evidence", "runId: ID!, exportedBy: ID!", "runId: ID!, evidenceBundleCount: Int!, exportedAt: DateTime!"),
    "execution.pause": ("command", "core", "execution lane", "runId: ID!, pausedBy: ID!, reason: String", "runId: ID!, status: ExecutionStatus!, pausedAt: DateTime!"),
    "execution.reject": ("command", "approval", "approval", "executionId: ID!, stepId: ID!, rejectedBy: ID!, reason: String!", "executionId: ID!, stepId: ID!, status: ApprovalStatus!, rejectedAt: DateTime!"),
    "execution.resume": ("command", "core", "execution lane", "runId: ID!, resumedBy: ID!", "runId: ID!, status: ExecutionStatus!, resumedAt: DateTime!"),
    "execution.retry": ("command", "core", "execution lane", "runId: ID!, retriedBy: ID!", "runId: ID!, status: ExecutionStatus!, phase: String!, retriedAt: DateTime!"),
    "execution.shutdown": ("command", "core", "execution lane", "runId: ID!, shutdownBy: ID!, reason: String", "runId: ID!, status: ExecutionStatus!, shutdownAt: DateTime!"),
    "execution.start": ("command", "core", "execution", "executionId: ID!, planId: ID!, mode: RunMode", "runId: ID!, status: ExecutionStatus!, startedAt: DateTime!"),
    "intent.submit": ("command", "core", "intent", "workspaceId: ID!, actorId: ID, channelKey: String, text: String!, metadata: JSONObject, traceId: String", "executionId: ID!, intentId: ID!, status: ExecutionStatus!, receivedAt: DateTime!"),
    "plan.compile": ("command", "core", "plan", "executionId: ID!, intentId: ID!, plannerModel: String, draft: JSONObject", "planId: ID!, compiledAt: DateTime!, stepCount: Int!, deterministicHash: String!"),
    "plan.verify": ("command", "audit", "plan governance", "executionId: ID!, planId: ID!, policyVersion: String", "verdict: Verdict!, requiresApproval: Boolean!, blockedReasons: [String!], verifiedAt: DateTime!"),
    "skill.disable": ("command", "skill-registry", "skills governance", "skillKey: String!, version: String, disabledBy: ID!, reason: String", "skillKey: String!, version: String, status: SkillStatus!, disabledAt: DateTime!"),
    "skill.install": ("command", "skill-registry", "skills", "skillKey: String!, version: String!, artifactDigest: String!, manifest: SkillManifest!, metadata: JSONObject", "installationId: ID!, skillKey: String!, version: String!, verified: Boolean!, signatureVerified: Boolean, publisherTrusted: Boolean, compatibilityVerified: Boolean, manifestDigest: String, provenance: String, issues: [SkillVerificationIssue!], status: SkillStatus!, installedAt: DateTime!"),
    "execution.get": ("query", "core", "execution", "executionId: ID!", "execution: ExecutionRecord!"),
    "execution.lane.get": ("query", "audit", "execution lane", "runId: ID!", "run: ExecutionLaneDetail!"),
    "execution.lane.list": ("query", "audit", "execution lane", "laneKey: String, laneStatus: LaneStatus, limit: Int, offset: Int", "items: [ExecutionLaneSummary!]!, total: Int!"),
    "execution.list": ("query", "core", "execution", "workspaceId: ID, status: ExecutionStatus, limit: Int, offset: Int", "items: [ExecutionSummary!]!, total: Int!"),
    "policy.explain": ("query", "audit", "policy audit", "executionId: ID!, stepId: ID", "verdict: Verdict!, riskTier: RiskTier!, reasons: [String!], policyVersion: String!"),
    "skill.list": ("query", "skill-registry", "skills", "includeDisabled: Boolean, limit: Int, offset: Int", "items: [SkillSummary!]!, total: Int!"),
    "skill.verify": ("query", "skill-registry", "skills governance", "skillKey: String!, version: String!, artifactDigest: String!, manifest: SkillManifest!", "verified: Boolean!, signatureVerified: Boolean, publisherTrusted: Boolean, compatibilityVerified: Boolean, manifestDigest: String, issues: [SkillVerificationIssue!], reason: String, verifiedAt: DateTime!"),
    "trace.get": ("query", "audit", "trace audit", "executionId: ID!, includePayloads: Boolean", "executionId: ID!, entries: [TraceEntry!]!"),
}  # fmt: skip
# What this gateway offers beyond the promised surface; tests/golden holds their types.
ADDED = {
    "approval.decide": ("command", "approval", "approval"),
    "approval.list": ("query", "approval", "approval"),
    "contract.execution.list": ("query", "core", "contract execution"),
    "contract.get": ("query", "core", "contract"),
    "contract.list": ("query", "core", "contract"),
    "event.list": ("query", "audit", "events"),
    "evidence.attach": ("command", "core", "execution lane evidence"),
    "execution.breakGlass": ("command", "approval", "approval break-glass"),
    "execution.compensate": ("command", "core", "execution"),
    "execution.lane.approve": ("command", "approval", "execution lane approval"),
    "execution.lane.assign": ("command", "core", "execution lane"),
    "execution.lane.handover": ("command", "core", "execution lane"),
    "execution.mine": ("query", "core", "execution"),
    "grant.issue": ("command", "approval", "approval grant"),
    "grant.list": ("query", "approval", "approval grant"),
    "grant.revoke": ("command", "approval", "approval grant"),
    "health.get": ("query", "audit", "health"),
    "plan.get": ("query", "core", "plan"),
    "step.reconcile": ("command", "core", "execution"),
    "trace.replay": ("query", "audit", "trace audit"),
    "webhook.delivery.list": ("query", "audit", "webhook"),
    "webhook.delivery.replay": ("command", "audit", "webhook"),
}
ADDED_EVENTS = ("execution.override.used",)
EMITS = {
    "execution.breakGlass": ["execution.override.used"],
    "intent.submit": ["intent.received"],
    "plan.compile": ["plan.compiled"],
    "skill.install": ["skill.installed", "skill.rejected"],
}
MODELS = {
    "ExecutionRecord": "executionId: ID!, intentId: ID, planId: ID, runId: ID, status: ExecutionStatus!, riskTier: RiskTier, requiresApproval: Boolean, lane: ExecutionLaneState, requestedBy: ID!, createdAt: DateTime!, updatedAt: DateTime!, allowedActions: [String!]!",
    "ExecutionLaneState": "laneKey: String, laneStatus: LaneStatus, lanePhase: String, ownerRole: String, evidenceBundleCount: Int, pendingApprovalCount: Int, recommendedNextLane: String",
    "ExecutionLaneSummary": "runId: ID!, laneKey: String!, laneStatus: LaneStatus!, lanePhase: String!, ownerRole: String!, objective: String!, evidenceCompleteness: Float!, terminalReadiness: TerminalReadiness, pendingApprovalCount: Int!, missingEvidenceCount: Int, missingApprovalCount: Int, recommendedNextLane: String, updatedAt: DateTime!, allowedActions: [String!]!",
    "ExecutionLaneDetail": "runId: ID!, laneKey: String!, laneStatus: LaneStatus!, lanePhase: String!, ownerRole: String!, objective: String!, teamStatus: String, completionPhase: String, terminalReadiness: TerminalReadiness, missingEvidence: [String!], missingApprovals: [String!], blockingRisks: [String!], recommendedNextLane: String, evidenceBundleCount: Int!, approvalCount: Int!, transitionCount: Int!, queueSkew: Int, cleanupStatus: String, retryCount: Int, snapshotRef: String, updatedAt: DateTime!, allowedActions: [String!]!",
    "ExecutionSummary": "executionId: ID!, status: ExecutionStatus!, riskTier: RiskTier, lane: ExecutionLaneState, requestedBy: ID!, createdAt: DateTime!, updatedAt: DateTime!, allowedActions: [String!]!",
    "SkillSummary": "skillKey: String!, version: String!, status: SkillStatus!, verified: Boolean!, publisher: String, provenance: String, installedAt: DateTime",
    "TraceEntry": "timestamp: DateTime!, stage: TraceStage!, status: String!, actorId: ID, metadata: JSONObject",
    "SkillCapabilityRequirement": "key: String!, version: String",
    "SkillVersionRange": "minVersion: String, maxVersion: String",
    "SkillArtifactFile": "path: String!, digest: String!, size: Int!",
    "SkillSignature": "algorithm: String!, signature: String!, publicKey: String!, keyId: String, issuedAt: DateTime, expiresAt: DateTime, metadata: JSONObject",
    "SkillManifestSkill": "key: String!, version: String!, entryPoint: String!, description: String",
    "SkillManifestPublisher": "id: String!, provenance: String!, repositoryUrl: String",
    "SkillManifestArtifact": "digest: String!, files: [SkillArtifactFile!]",
    "SkillManifestCompatibility": "contractsSpec: SkillVersionRange, controlPlaneFeature: SkillVersionRange, requiredCapabilities: [SkillCapabilityRequirement!]",
    "SkillManifest": "schemaVersion: String!, skill: SkillManifestSkill!, publisher: SkillManifestPublisher!, artifact: SkillManifestArtifact!, compatibility: SkillManifestCompatibility!, metadata: JSONObject, signature: SkillSignature",
    "SkillVerificationIssue": "code: String!, message: String!",
}  # fmt: skip
EVENTS = {
    "intent.received": "executionId: ID!, intentId: ID!, receivedAt: DateTime!, actorId: ID, channelKey: String",
    "plan.compiled": "executionId: ID!, planId: ID!, compiledAt: DateTime!, stepCount: Int!",
    "plan.rejected": "executionId: ID!, planId: ID, rejectedAt: DateTime!, reasons: [String!]",
    "execution.step.started": "executionId: ID!, runId: ID!, stepId: ID!, startedAt: DateTime!",
    "execution.step.blocked": "executionId: ID!, runId: ID, stepId: ID, blockedAt: DateTime!, reason: String!",
    "execution.step.completed": "executionId: ID!, runId: ID!, stepId: ID!, completedAt: DateTime!",
    "execution.completed": "executionId: ID!, runId: ID!, completedAt: DateTime!, outcome: String",
    "execution.failed": "executionId: ID!, runId: ID, failedAt: DateTime!, errorCode: String!, errorMessage: String, problem: JSONObject",
    "skill.installed": "installationId: ID!, skillKey: String!, version: String!, installedAt: DateTime!, publisher: String, provenance: String, manifestDigest: String",
    "skill.rejected": "skillKey: String!, version: String, rejectedAt: DateTime!, reason: String!, provenance: String, manifestDigest: String, issues: [SkillVerificationIssue!]",
}  # fmt: skip
CAPABILITIES = {
    "core": ("integration", "", "intent.submit plan.compile execution.start execution.cancel execution.get execution.list", "intent.received plan.compiled"),
    "approval": ("integration", "core", "execution.approve execution.reject", "execution.step.blocked"),
    "audit": ("data", "core", "plan.verify trace.get policy.explain", "execution.failed execution.completed"),
    "skill-registry": ("integration", "", "skill.install skill.disable skill.list skill.verify", "skill.installed skill.rejected"),
    "channel-runtime": ("integration", "core audit", "", "execution.step.started execution.step.completed execution.step.blocked"),
}  # fmt: skip
LANES = "initialized running waiting paused completed blocked failed aborted superseded"
READINESS = "ready missing_artifact missing_evidence missing_approval stale_evidence blocked cleanup_pending not_ready"
ENUMS = {
    "ExecutionStatus": [one.name for one in ExecutionStatus],
    "StepStatus": [one.name for one in StepStatus],
    "ApprovalStatus": [one.name for one in ApprovalStatus],
    "RunMode": [one.name for one in RunMode],
    "Verdict": [one.name for one in Verdict],
    "RiskTier": ["LOW", "MEDIUM", "HIGH", "CRITICAL"],
    "TraceStage": ["INTENT", "COMPILE", "VERIFY", "APPROVE", "RUN", "CALL"],
    "ReplayMode": ["STRUCTURAL", "POLICY"],
    "EvidenceKind": [one.name for one in EvidenceKind],
    "LaneStatus": LANES.upper().split(),
    "TerminalReadiness": READINESS.upper().split(),
}


def told(fields):
    return ", ".join(f"{name}: {ref}" for name, ref in fields.items())


def refs(names):
    return tuple(f"controlPlane.{name}@1.0.0" for name in names.split())


@pytest.fixture(scope="module")
def registry():
    return load_contracts([SCHEMA / "control-plane"])


def test_the_surface_is_there_and_nothing_else(registry):
    assert (len(OPERATIONS), len(EVENTS), len(CAPABILITIES)) == (23, 10, 5)
    assert set(registry.operations) == set(refs(" ".join({**OPERATIONS, **ADDED})))
    assert set(registry.events) == set(refs(" ".join([*EVENTS, *ADDED_EVENTS])))
    assert set(registry.capabilities) == {f"control-plane.{name}@1.0.0" for name in CAPABILITIES}
    assert not any(one.derived for one in registry.capabilities.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_and_answers_what_is_promised(name, registry):
    *_, given, answered = OPERATIONS[name]
    contract = registry.operations[f"controlPlane.{name}@1.0.0"]
    assert (told(contract.input), told(contract.output)) == (given, answered)


@pytest.mark.parametrize("name", [*OPERATIONS, *ADDED])
def test_an_operation_is_governed_as_promised(name, registry):
    kind, capability, tags, *_ = {**OPERATIONS, **ADDED}[name]
    contract = registry.operations[f"controlPlane.{name}@1.0.0"]
    assert (contract.kind, contract.capability) == (kind, f"control-plane.{capability}@1.0.0")
    assert contract.meta.tags == ("automation", "control-plane", "agent-runtime", *tags.split())
    user = name in ("intent.submit", "execution.mine", "contract.list", "contract.get")
    assert contract.policy.auth is (AuthLevel.USER if user else AuthLevel.ADMIN)
    pii = {"intent.submit": ("text",), "evidence.attach": ("content", "note")}
    assert contract.policy.pii == pii.get(name, ())
    assert contract.policy.idempotent is (kind == "query")
    errors = {"plan.compile": {"INTENT_NOT_FOUND": 404}, "skill.install": SKILL_ERRORS}.get(
        name, {}
    )
    assert {code: error.http for code, error in contract.errors.items()} == errors
    assert contract.emits == refs(" ".join(EMITS.get(name, [])))
    assert contract.handler is None


def test_every_contract_says_who_owns_it_and_what_it_is_for(registry):
    for one in (*registry.operations.values(), *registry.events.values()):
        meta = one.meta
        assert (meta.domain, meta.owners) == ("control-plane", ("platform.core",))
        assert meta.stability is Stability.EXPERIMENTAL
        assert all((meta.title, meta.description, meta.goal, meta.context))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_carries_what_is_promised(name, registry):
    assert told(registry.events[f"controlPlane.{name}@1.0.0"].payload) == EVENTS[name]


@pytest.mark.parametrize("name", CAPABILITIES)
def test_a_capability_provides_what_is_promised(name, registry):
    kind, requires, operations, events = CAPABILITIES[name]
    capability = registry.capabilities[f"control-plane.{name}@1.0.0"]
    assert capability.type == kind
    assert capability.requires == tuple(f"control-plane.{one}@1.0.0" for one in requires.split())
    assert (capability.operations, capability.events) == (refs(operations), refs(events))


def test_nested_models_and_enums_are_as_promised(registry):
    types = registry.domain_types("control-plane")
    models = {name: told(one.fields) for name, one in types.items() if isinstance(one, ObjectType)}
    assert {name: models.get(name) for name in MODELS} == MODELS
    enums = {name: list(one.values) for name, one in types.items() if isinstance(one, EnumType)}
    assert {name: enums.get(name) for name in ENUMS} == ENUMS


def test_file_names_follow_the_keys():
    for path in (SCHEMA / "control-plane").rglob("*.yaml"):
        if "kind: types" in path.read_text():
            continue
        key = path.read_text().splitlines()[0].removeprefix("key: ")
        prefix = "control-plane." if path.parent.name == "capabilities" else "controlPlane."
        assert path.stem == key.removeprefix(prefix)
