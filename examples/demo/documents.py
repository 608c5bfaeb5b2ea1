"""The GraphQL documents of the demo, and the plan that its agent drafts."""

from typing import Any

SUBMIT = """mutation ($input: ControlPlaneIntentSubmitInput!) {
  controlPlaneIntentSubmit(input: $input) { executionId intentId status } }"""
COMPILE = """mutation ($input: ControlPlanePlanCompileInput!) {
  controlPlanePlanCompile(input: $input) { planId stepCount deterministicHash } }"""
VERIFY = """mutation ($input: ControlPlanePlanVerifyInput!) {
  controlPlanePlanVerify(input: $input) { verdict requiresApproval blockedReasons } }"""
START = """mutation ($input: ControlPlaneExecutionStartInput!) {
  controlPlaneExecutionStart(input: $input) { runId status } }"""
GET = """query ($input: ControlPlaneExecutionGetInput!) {
  controlPlaneExecutionGet(input: $input) { execution { status } } }"""
APPROVALS = """query ($input: ControlPlaneApprovalListInput!) {
  controlPlaneApprovalList(input: $input) { total items {
    stepId contract requestedBy arguments reason risk expiresAt } } }"""
APPROVE = """mutation ($input: ControlPlaneExecutionApproveInput!) {
  controlPlaneExecutionApprove(input: $input) { status approvedAt } }"""
TRACE = """query ($input: ControlPlaneTraceGetInput!) {
  controlPlaneTraceGet(input: $input) { entries { timestamp stage status actorId } } }"""
REPLAY = """query ($input: ControlPlaneTraceReplayInput!) {
  controlPlaneTraceReplay(input: $input) {
    identical deterministicHash recomputedHash differences { message } } }"""

REFUND_DRAFT: dict[str, Any] = {
    "steps": [
        {"key": "order", "contract": "support.order.lookup", "input": {"orderId": "o-1001"}},
        {
            "key": "refund",
            "contract": "support.refund.issue",
            "input": {
                "orderId": {"$from": "order.orderId"},
                "amount": {"$from": "order.amount"},
                "currency": {"$from": "order.currency"},
                "customerEmail": {"$from": "order.customerEmail"},
            },
        },
        {
            "key": "reply",
            "contract": "support.customer.reply",
            "input": {
                "ticketId": "t-1",
                "customerEmail": {"$from": "order.customerEmail"},
                "body": "Your money is on its way.",
            },
            "dependsOn": ["refund"],
        },
    ]
}

CLOSE_DRAFT: dict[str, Any] = {
    "steps": [
        {
            "key": "close",
            "contract": "support.account.close",
            "input": {
                "accountId": "a-1",
                "customerEmail": "alice@example.com",
                "reason": "CUSTOMER_REQUEST",
            },
        }
    ]
}
