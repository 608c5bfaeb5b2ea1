# ruff: noqa: E501 - one row of a table stays on one line
"""The control-plane contracts as files, held to the surface they promise: names, types and policy.

The table writes types as the files do, so closed value sets stand as enums.
"""

import shutil
from pathlib import Path

import pytest

from gateway.contracts import load_contracts
from gateway.model.contract import AuthLevel, EnumType, ObjectType, Stability
from gateway.model.decision import Verdict
from gateway.model.execution import ApprovalStatus, ExecutionStatus, RunMode, StepStatus

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
    "skill.disable": ("command", "skill-registry", "skills governance", "skillKey: String!, version: String, disabledBy: ID!, reason: String", "skillKey: String!, version: String, status: String!, disabledAt: DateTime!"),
    "skill.install": ("command", "skill-registry", "skills", "skillKey: String!, version: String!, artifactDigest: String!, manifest: SkillManifest!, metadata: JSONObject", "installationId: ID!, skillKey: String!, version: String!, verified: Boolean!, signatureVerified: Boolean, publisherTrusted: Boolean, compatibilityVerified: Boolean, manifestDigest: String, provenance: String, issues: [SkillVerificationIssue!], status: String!, installedAt: DateTime!"),
    "execution.get": ("query", "core", "execution", "executionId: ID!", "execution: ExecutionRecord!"),
    "execution.lane.get": ("query", "audit", "execution lane", "runId: ID!", "run: ExecutionLaneDetail!"),
    "execution.lane.list": ("query", "audit", "execution lane", "laneKey: String, laneStatus: LaneStatus, limit: Int, offset: Int", "items: [ExecutionLaneSummary!]!, total: Int!"),
    "execution.list": ("query", "core", "execution", "workspaceId: ID, status: ExecutionStatus, limit: Int, offset: Int", "items: [ExecutionSummary!]!, total: Int!"),
    "policy.explain": ("query", "audit", "policy audit", "executionId: ID!, stepId: ID", "verdict: Verdict!, riskTier: RiskTier!, reasons: [String!], policyVersion: String!"),
    "skill.list": ("query", "skill-registry", "skills", "includeDisabled: Boolean, limit: Int, offset: Int", "items: [SkillSummary!]!, total: Int!"),
    "skill.verify": ("query", "skill-registry", "skills governance", "skillKey: String!, version: String!, artifactDigest: String!, manifest: SkillManifest!", "verified: Boolean!, signatureVerified: Boolean, publisherTrusted: Boolean, compatibilityVerified: Boolean, manifestDigest: String, issues: [SkillVerificationIssue!], reason: String, verifiedAt: DateTime!"),
    "trace.get": ("query", "audit", "trace audit", "executionId: ID!, includePayloads: Boolean", "executionId: ID!, entries: [TraceEntry!]!"),
}  # fmt: skip
ADDED = {
    "plan.get": ("query", "core", "plan", "executionId: ID!, planId: ID", "planId: ID!, executionId: ID!, deterministicHash: String!, verdict: Verdict, compiledAt: DateTime!, verifiedAt: DateTime, policyVersion: String, steps: [PlanStepRecord!]!, edges: [PlanEdge!]!"),
    "execution.mine": ("query", "core", "execution", "executionId: ID, status: ExecutionStatus, limit: Int, offset: Int", "items: [MyExecution!]!, total: Int!"),
    "trace.replay": ("query", "audit", "trace audit", "executionId: ID!, mode: ReplayMode", "executionId: ID!, identical: Boolean!, deterministicHash: String!, recomputedHash: String!, recordedPolicyVersion: String, policyVersion: String!, differences: [ReplayDifference!]!"),
    "approval.list": ("query", "approval", "approval", "executionId: ID, status: ApprovalStatus, limit: Int, offset: Int", "items: [ApprovalItem!]!, total: Int!"),
}  # fmt: skip
EMITS = {
    "intent.submit": ["intent.received"],
    "plan.compile": ["plan.compiled"],
    "skill.install": ["skill.installed", "skill.rejected"],
}
MODELS = {
    "ExecutionRecord": "executionId: ID!, intentId: ID, planId: ID, runId: ID, status: ExecutionStatus!, riskTier: RiskTier, requiresApproval: Boolean, lane: ExecutionLaneState, createdAt: DateTime!, updatedAt: DateTime!",
    "ExecutionLaneState": "laneKey: String, laneStatus: LaneStatus, lanePhase: String, ownerRole: String, evidenceBundleCount: Int, pendingApprovalCount: Int, recommendedNextLane: String",
    "ExecutionLaneSummary": "runId: ID!, laneKey: String!, laneStatus: LaneStatus!, lanePhase: String!, ownerRole: String!, objective: String!, evidenceCompleteness: Float!, terminalReadiness: TerminalReadiness, pendingApprovalCount: Int!, missingEvidenceCount: Int, missingApprovalCount: Int, recommendedNextLane: String, updatedAt: DateTime!",
    "ExecutionLaneDetail": "runId: ID!, laneKey: String!, laneStatus: LaneStatus!, lanePhase: String!, ownerRole: String!, objective: String!, teamStatus: String, completionPhase: String, terminalReadiness: TerminalReadiness, missingEvidence: [String!], missingApprovals: [String!], blockingRisks: [String!], recommendedNextLane: String, evidenceBundleCount: Int!, approvalCount: Int!, transitionCount: Int!, queueSkew: Int, cleanupStatus: String, retryCount: Int, snapshotRef: String, updatedAt: DateTime!",
    "ExecutionSummary": "executionId: ID!, status: ExecutionStatus!, riskTier: RiskTier, lane: ExecutionLaneState, updatedAt: DateTime!",
    "SkillSummary": "skillKey: String!, version: String!, status: String!, verified: Boolean!, publisher: String, provenance: String, installedAt: DateTime",
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
    "PlanStepRecord": "stepId: ID!, key: String!, contract: String!, status: StepStatus!, verdict: Verdict, riskTier: RiskTier!, dependsOn: [String!]!, input: JSONObject, output: JSONObject, problem: JSONObject, reasons: [String!], attempt: Int!, attempts: [StepAttempt!]!, retryAt: DateTime, startedAt: DateTime, endedAt: DateTime",
    "StepAttempt": "number: Int!, status: String!, startedAt: DateTime!, endedAt: DateTime, idempotencyKey: String!, problem: JSONObject",
    "PlanEdge": "source: String!, target: String!, path: String",
    "MyExecution": "executionId: ID!, status: ExecutionStatus!, riskTier: RiskTier, createdAt: DateTime!, updatedAt: DateTime!, steps: [MyStep!]!, problem: JSONObject",
    "MyStep": "stepId: ID!, key: String!, contract: String!, status: StepStatus!, output: JSONObject, problem: JSONObject",
    "ReplayDifference": "kind: ReplayMode!, stepId: ID, path: String!, recorded: JSON, replayed: JSON, message: String!",
    "ApprovalItem": "approvalId: ID!, executionId: ID!, stepId: ID!, contract: String!, requestedBy: ID!, arguments: JSONObject!, reason: String!, risk: RiskTier!, requestedAt: DateTime!, expiresAt: DateTime!, status: ApprovalStatus!, approverRole: String!, quorum: Int!, approvals: Int!",
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
    "LaneStatus": LANES.upper().split(),
    "TerminalReadiness": READINESS.upper().split(),
}


def told(fields):
    return ", ".join(f"{name}: {ref}" for name, ref in fields.items())


def refs(names):
    return tuple(f"controlPlane.{name}@1.0.0" for name in names.split())


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all")
    shutil.copytree(SCHEMA / "control-plane", folder / "loaded")
    shutil.copytree(SCHEMA / "_planned/control-plane", folder / "planned")
    return load_contracts([folder])


def test_the_surface_is_there_and_nothing_else(registry):
    assert (len(OPERATIONS), len(EVENTS), len(CAPABILITIES)) == (23, 10, 5)
    assert set(registry.operations) == set(refs(" ".join({**OPERATIONS, **ADDED})))
    assert set(registry.events) == set(refs(" ".join(EVENTS)))
    assert set(registry.capabilities) == {f"control-plane.{name}@1.0.0" for name in CAPABILITIES}
    assert not any(one.derived for one in registry.capabilities.values())


@pytest.mark.parametrize("name", [*OPERATIONS, *ADDED])
def test_an_operation_is_as_promised(name, registry):
    kind, capability, tags, given, answered = {**OPERATIONS, **ADDED}[name]
    contract = registry.operations[f"controlPlane.{name}@1.0.0"]
    assert (contract.kind, contract.capability) == (kind, f"control-plane.{capability}@1.0.0")
    assert (told(contract.input), told(contract.output)) == (given, answered)
    assert contract.meta.tags == ("automation", "control-plane", "agent-runtime", *tags.split())
    user = name in ("intent.submit", "execution.mine")
    assert contract.policy.auth is (AuthLevel.USER if user else AuthLevel.ADMIN)
    assert contract.policy.pii == (("text",) if name == "intent.submit" else ())
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
    assert models == MODELS
    assert {
        name: list(one.values) for name, one in types.items() if isinstance(one, EnumType)
    } == ENUMS


def test_what_is_planned_is_not_loaded_with_the_shipped_schema():
    registry = load_contracts([SCHEMA])
    shipped = {ref for ref in registry.operations if ref.startswith("controlPlane.")}
    assert len(shipped) == 15
    assert not any(".skill." in ref or ".lane." in ref for ref in shipped)
    assert len([ref for ref in registry.events if ref.startswith("controlPlane.")]) == 8


def test_file_names_follow_the_keys():
    for folder in ("control-plane", "_planned/control-plane"):
        for path in (SCHEMA / folder).rglob("*.yaml"):
            if "kind: types" in path.read_text():
                continue
            key = path.read_text().splitlines()[0].removeprefix("key: ")
            prefix = "control-plane." if path.parent.name == "capabilities" else "controlPlane."
            assert path.stem == key.removeprefix(prefix)
