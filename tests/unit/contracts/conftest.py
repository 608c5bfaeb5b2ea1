"""A small domain of contract files that tests load, whole or with one thing broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contracts import Registry, load_contracts
from gateway.model.problem import Issue, ProblemError

TYPES = """\
kind: types
domain: shop
types:
  Currencies: [EUR, CHF]
  Address:
    street: String!
    city: String
"""

ISSUE = """\
key: shop.refund.issue
version: 1.0.0
kind: command
title: Issue refund
description: Pays an order back.
goal: Make customers whole.
context: After a complaint.
domain: shop
owners: [shop.payments]
tags: [money]
stability: stable
capability: shop.core@1.0.0
risk: high
input:
  orderId: ID!
  amount: Float!
  currency: Currencies!
  customerEmail: EmailAddress
  shipTo: Address
output:
  refundId: ID!
  status: RefundStatus!
  lines: "[Line!]!"
types:
  RefundStatus: [PENDING, PAID]
  Line:
    sku: String!
    note: String
errors:
  ORDER_NOT_FOUND: {http: 404, description: There is no such order., when: The id is unknown.}
  ALREADY_REFUNDED: {http: 409, description: It was paid back before., retryable: false}
policy:
  auth: user
  pii: [customerEmail, shipTo.street, lines.note]
  idempotent: false
  rateLimit: {rpm: 60, key: user}
  escalate: human_review
emits: [shop.refund.issued@1.0.0]
handler:
  http:
    method: POST
    url: "https://pay.internal/orders/{orderId}/refunds"
    headers: {Authorization: "Bearer ${secret:PAY_TOKEN}"}
    timeout: 5s
    idempotencyKey: true
compensation: {contract: shop.refund.reverse@1.0.0, input: {refundId: {$from: output.refundId}}}
"""

REVERSE = """\
key: shop.refund.reverse
version: 1.0.0
kind: command
title: Reverse refund
description: Takes a refund back.
domain: shop
owners: [shop.payments]
risk: medium
input: {refundId: ID!, reason: String}
output: {refundId: ID!}
policy: {auth: user}
handler: {python: {target: "shop.handlers:reverse", timeout: 500ms}}
"""

ISSUED = """\
key: shop.refund.issued
version: 1.0.0
kind: event
title: Refund issued
description: An order was paid back.
domain: shop
owners: [shop.payments]
payload: {refundId: ID!, orderId: ID!, amount: Float}
"""

SHOP = {"types.yaml": TYPES, "issue.yaml": ISSUE, "reverse.yaml": REVERSE, "issued.yaml": ISSUED}

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below a fresh folder and returns the folder."""

    def files(contents: dict[str, str]) -> Path:
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return files


@pytest.fixture
def shop(write: Write) -> Registry:
    """The whole small domain, loaded."""
    return load_contracts([write(SHOP)])


@pytest.fixture
def issues_of(write: Write) -> Callable[[dict[str, str]], tuple[Issue, ...]]:
    """The issues of the small domain with some files replaced."""

    def issues(contents: dict[str, str]) -> tuple[Issue, ...]:
        with pytest.raises(ProblemError) as refused:
            load_contracts([write({**SHOP, **contents})])
        assert refused.value.problem.code == "CONTRACTS_INVALID"
        return refused.value.problem.issues

    return issues


@pytest.fixture
def shop_files() -> dict[str, str]:
    """The files of the small domain by name."""
    return dict(SHOP)
