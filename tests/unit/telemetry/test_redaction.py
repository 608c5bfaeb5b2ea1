"""Text that is redacted."""

import time

import pytest

from gateway.telemetry import redacted
from gateway.telemetry.redaction import MOST

SECRETS = [
    ("Authorization: Bearer abc.def.ghi", "abc"),
    ("headers {'authorization': 'Basic QWxpY2U6c2VjcmV0'} sent", "QWxp"),
    ("(b'cookie', b'session=s3cr3t; other=x')", "s3cr3t"),
    ("set-cookie: id=s3cr3t", "s3cr3t"),
    ("X-Api-Key: s3cr3t", "s3cr3t"),
    ("sent bearer s3cr3t-token to it", "s3cr3t"),
    ("token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl was", "eyJ"),
    ("cut token eyJhbGciOiJFZERTQSJ9.eyJzdWIi", "eyJ"),
    ("password=s3cr3t&x=1", "s3cr3t"),
    ('"client_secret": "s3cr3t"', "s3cr3t"),
    ("access_token: s3cr3t", "s3cr3t"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIA"),
    ("key ghp_0123456789abcdef0123456789abcdef0123", "ghp_"),
    ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----", "MC4C"),
    ("-----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw", "MC4C"),
    ("GET https://alice:s3cr3t@example.com/a?token=x#frag failed", "s3cr3t"),
    ("GET https://example.com/a?name=Alice failed", "Alice"),
    ("wss://example.com/graphql#Alice", "Alice"),
    ('"GET /graphql?query={a(n:"Alice")} HTTP/1.1"', "query="),
    ("sent to alice.smith+news@mail.example.co.uk now", "alice"),
    ("sent to alice@127.0.0.1", "alice"),
    ("sent to älice@exämple.de", "lice"),
    ("IBAN DE89 3704 0044 0532 0130 00 is", "3704"),
    ("iban de89370400440532013000", "3704"),
    ("GB29NWBK60161331926819", "NWBK"),
    ("call +49 151 12345678 now", "151"),
    ("call +1 (415) 555-0132", "555"),
    ("call (415) 555-0132", "555"),
    ("call 415.555.0132", "555"),
    ("call 0151 23456789", "23456789"),
    ("card 4111 1111 1111 1111 is", "4111"),
    ("card 4111-1111-1111-1111", "4111"),
    ("card 378282246310005", "3782"),
]

HARMLESS = [
    "run run_0198c0ffee0198c0ffee0198c0ffee01 is advanced by another process now",
    (
        "the policy files are in force as revision "
        "sha256:b4cbff165f6974826a8445426c60b8b78b1d799fdf0869270d1be8a1e709283c"
    ),
    "gateway listening on http://127.0.0.1:8000",
    "2026-11-28T19:44:40.163Z took 12.5 ms, 16384 bytes",
    "support.refund.issue@1.0.0: The connection failed before the request was sent (ConnectError).",
    "internal error 73163cf4ddb76a45 in field shopPing: ValueError at gateway/app.py:12 go",
    "192.168.100.12:50123",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_and_personal_data_of_known_shapes_are_taken_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_operators_need_stays(text: str) -> None:
    assert redacted(text) == text


def test_the_host_and_path_of_a_url_stay() -> None:
    assert redacted("see https://a:b@example.com:8443/orders?x=1#y.") == (
        "see https://example.com:8443/orders"
    )


def test_the_text_is_bounded() -> None:
    assert len(redacted("word " * MOST)) == MOST + len("...")


@pytest.mark.parametrize(
    "text",
    [
        "0" * 20_000, "0 " * 10_000, "a@" * 10_000, "a." * 10_000, "eyJaaaaaa." * 2000,
        "+1 " * 9000, "DE89 " * 4000, "://" * 9000, "/a?" * 9000, "-----BEGIN PRIVATE KEY-" * 900,
        "cookie: " * 3000, "x-" * 10_000, "a" * 20_000, "(" * 20_000, "01 " * 9000,
    ],
)  # fmt: skip
def test_no_text_keeps_redaction_busy(text: str) -> None:
    began = time.process_time()
    redacted(text)
    assert time.process_time() - began < 0.25
