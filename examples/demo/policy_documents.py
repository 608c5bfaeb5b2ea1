"""The GraphQL documents and the edits of the demo's chapter on policy."""

_SUMMARY = """{ changesetId status base revision
    findings { severity code at message } cases { passed failed failures { name messages } } }"""

REFUND = """mutation ($input: SupportRefundIssueInput!) {
  supportRefundIssue(input: $input) { refundId status } }"""
DRAFT = f"""mutation ($input: PolicyChangesetDraftInput!) {{
  policyChangesetDraft(input: $input) {_SUMMARY} }}"""
REVISE = f"""mutation ($input: PolicyChangesetReviseInput!) {{
  policyChangesetRevise(input: $input) {_SUMMARY} }}"""
ANALYZE = """mutation ($input: PolicyChangesetAnalyzeInput!) {
  policyChangesetAnalyze(input: $input) { analysis } }"""
ANALYSIS = """query ($input: PolicyChangesetAnalysisGetInput!) {
  policyChangesetAnalysisGet(input: $input) { analysis problem report } }"""
CONSENT = """mutation ($input: PolicyChangesetApproveInput!) {
  policyChangesetApprove(input: $input) { status } }"""
ACTIVATE = """mutation ($input: PolicyChangesetActivateInput!) {
  policyChangesetActivate(input: $input) { status revision previous } }"""
RESTORE = f"""mutation ($input: PolicyRevisionRestoreInput!) {{
  policyRevisionRestore(input: $input) {_SUMMARY} }}"""
EXPLAIN = """query ($input: PolicyDecisionExplainInput!) {
  policyDecisionExplain(input: $input) {
    verdict reasons matchedRules { model file line text decides }
    required { outcome needs { message } } } }"""
WHO_CAN = """query ($input: PolicyAccessSearchInput!) {
  policyAccessSearch(input: $input) { everybody items { subject kind } } }"""
ACTIVATIONS = """query ($input: PolicyRevisionListInput!) {
  policyRevisionList(input: $input) { items { number revision source changesetId by } } }"""

EARLIER_LIMIT = 100
_BY_ITSELF = "p, 200, type:agent, *, support.refund.issue?, *, amount <= {}, autonomous, -, -, -, -"
_ASKS = "p, 210, type:agent, *, support.refund.issue?, *, amount > {}, assist, approver, 1, 24h, -"


def agents_refund_up_to(limit: int) -> list[dict[str, str]]:
    """The edits that lower what agents pay back without asking, in whole euros."""
    return [
        {
            "file": "verdict.csv",
            "remove": row.format(EARLIER_LIMIT),
            "add": row.format(limit),
        }
        for row in (_BY_ITSELF, _ASKS)
    ]
