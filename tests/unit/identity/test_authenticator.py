"""The authenticator believes good tokens, refuses all others, and never repeats a token."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.identity import Authenticator, ClaimNames
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from tests.identity_provider import SetClock
from tests.unit.identity.door import KEY, Door, House, bearer, raw


@pytest.mark.parametrize("header", [None, "", "   "])
def test_without_a_token_the_caller_is_anonymous(header: str | None) -> None:
    assert Door().enter(header) is ANONYMOUS


def test_a_good_token_makes_a_principal() -> None:
    door = Door()
    token = door.token(roles=["user", "finance.lead"], capabilities=["pay@1.0.0"])
    assert door.enter(bearer(token)) == Principal(
        PrincipalType.HUMAN,
        "ada",
        "acme",
        frozenset({"user", "finance.lead"}),
        frozenset({"pay@1.0.0"}),
        "t1",
    )


def test_roles_capabilities_and_name_of_the_token_may_be_absent() -> None:
    door = Door()
    found = door.enter(bearer(door.token(roles=None, jti=None, nbf=None, iat=None)))
    assert (found.roles, found.capabilities, found.session) == (frozenset(), None, None)


def test_an_empty_list_of_capabilities_grants_none() -> None:
    door = Door()
    assert door.enter(bearer(door.token(capabilities=[]))).capabilities == frozenset()


@pytest.mark.parametrize("kind", ["human", "service", "agent", "tool"])
def test_a_token_names_the_kind_of_its_principal(kind: str) -> None:
    door = Door()
    assert door.enter(bearer(door.token(type=kind))).type.value == kind


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER   ", " Bearer "])
def test_the_scheme_is_read_as_rfc_9110_says(prefix: str) -> None:
    door = Door()
    assert door.enter(prefix + door.token()).subject == "ada"


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "token", "Bearertoken"])
def test_another_scheme_is_refused(header: str) -> None:
    assert "Bearer <token>" in Door().refusal(header).detail


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "a.b.c.d", "....", "é.é.é", "a b c"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert "not a signed JSON Web Token" in Door().refusal(bearer(token)).detail


def test_a_token_over_8_kib_is_refused_before_it_is_read() -> None:
    door = Door()
    assert door.enter(bearer(door.token(extra="x" * 5000))).subject == "ada"
    assert "longer than 8192" in door.refusal(bearer(door.token(extra="x" * 9000))).detail


@pytest.mark.parametrize(
    "payload",
    [
        "1",
        "null",
        "[]",
        '"text"',
        "{",
        "[" * 5000,
        '{"a":' * 1000,
        '{"iss": 9' + "9" * 5000 + "}",
    ],
)
def test_a_payload_that_is_no_object_is_refused(payload: str) -> None:
    header = '{"alg":"EdDSA","kid":"k1"}'
    assert "not a signed" in Door().refusal(bearer(raw(header, payload))).detail


@pytest.mark.parametrize("header", ["1", "null", "[]", "{", "[" * 4000, '{"kid":1,"alg":"EdDSA"}'])
def test_a_header_that_is_no_good_object_is_refused(header: str) -> None:
    door = Door()
    door.refusal(bearer(raw(header, json.dumps(door.claims()))))


def test_a_token_without_a_signature_is_refused() -> None:
    door = Door()
    token = jwt.encode(door.claims(), "", algorithm="none", headers={"kid": "k1"})
    assert "algorithm is not allowed" in door.refusal(bearer(token)).detail
    head, body, _ = door.token().split(".")
    door.refusal(bearer(f"{head}.{body}."))


def test_the_public_key_is_no_shared_secret() -> None:
    """The classic confusion: HMAC with the published key as its secret (RFC 8725, section 2.1)."""
    door = Door()
    secret = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = ({"alg": "HS256", "kid": "k1"}, door.claims())
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, signed, hashlib.sha256)
    token = b".".join([signed, urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    assert "algorithm is not allowed" in door.refusal(bearer(token)).detail
    assert door.house.asked == 0


def test_a_token_of_another_key_is_refused() -> None:
    door = Door()
    other = Ed25519PrivateKey.generate()
    token = jwt.encode(door.claims(), other, algorithm="EdDSA", headers={"kid": "k1"})
    assert "signature is not that of its issuer" in door.refusal(bearer(token)).detail


def test_a_changed_claim_breaks_the_signature() -> None:
    door = Door()
    head, _, signature = door.token().split(".")
    _, body, _ = door.token(roles=["admin"]).split(".")
    assert "signature" in door.refusal(bearer(f"{head}.{body}.{signature}")).detail


def test_a_key_that_the_issuer_does_not_know_is_refused() -> None:
    door = Door()
    assert "does not publish" in door.refusal(bearer(door.token({"kid": "k2"}))).detail


def test_an_extension_that_must_be_understood_is_refused() -> None:
    door = Door()
    header = {"alg": "EdDSA", "kid": "k1", "crit": ["x"], "x": 1}
    token = raw(json.dumps(header), json.dumps(door.claims()))
    door.refusal(bearer(token))


@pytest.mark.parametrize("issuer", ["https://id.example.com/", "https://evil.example", None, 1, []])
def test_an_unknown_issuer_is_refused(issuer: Any) -> None:
    door = Door()
    header = '{"alg":"EdDSA","kid":"k1"}'
    token = raw(header, json.dumps(door.claims() | {"iss": issuer}))
    door.refusal(bearer(token))
    assert door.house.asked == 0


@pytest.mark.parametrize("audience", ["other", ["other"], None, [], 1, {"gateway": 1}, [1, ["x"]]])
def test_a_token_for_somebody_else_is_refused(audience: Any) -> None:
    door = Door()
    token = raw('{"alg":"EdDSA","kid":"k1"}', json.dumps(door.claims() | {"aud": audience}))
    assert "'aud'" in door.refusal(bearer(token)).detail


def test_one_of_several_audiences_is_enough() -> None:
    door = Door()
    assert door.enter(bearer(door.token(aud=["other", "gateway"]))).subject == "ada"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", None),
        ("sub", ""),
        ("sub", 7),
        ("sub", "x" * 257),
        ("sub", "a\nb"),
        ("sub", "a\u200bb"),
        ("sub", "a\u3164"),
        ("sub", "a\U000e0100"),
        ("sub", "a\ud800"),
        ("workspace", None),
        ("workspace", "Acme"),
        ("workspace", "acme\n"),
        ("workspace", "x" * 64),
        ("workspace", ["acme"]),
        ("type", None),
        ("type", "anonymous"),
        ("type", "robot"),
        ("type", ["human"]),
        ("roles", "admin"),
        ("roles", {"admin": True}),
        ("roles", ["Admin"]),
        ("roles", ["admin\n"]),
        ("roles", [1]),
        ("roles", ["x" * 65]),
        ("capabilities", "pay"),
        ("capabilities", [""]),
        ("capabilities", [None]),
        ("jti", 1),
        ("jti", ""),
    ],
)
def test_a_claim_that_is_missing_or_malformed_is_named(claim: str, value: Any) -> None:
    door = Door()
    claims = door.claims() | {claim: value}
    if value is None:
        del claims[claim]
    told = door.refusal(bearer(raw('{"alg":"EdDSA","kid":"k1"}', json.dumps(claims))))
    assert f"claim '{claim}'" in told.detail
    assert told.issues[0].code == "TOKEN_INVALID"


def test_a_token_lasts_until_its_expiry_and_the_leeway() -> None:
    door = Door(leeway=10)
    token = bearer(door.token())
    door.clock.move(609)
    assert door.enter(token).subject == "ada"
    door.clock.move(1)
    told = door.refusal(token)
    assert told.issues[0].code == "TOKEN_EXPIRED"


def test_an_expired_token_is_refused_at_first_sight_too() -> None:
    door = Door()
    assert door.refusal(bearer(door.token(exp=door.clock.seconds - 10))).issues[0].code == (
        "TOKEN_EXPIRED"
    )


@pytest.mark.parametrize(
    "expiry",
    ["null", '"tomorrow"', "true", "[]", "1e400", "-1e400", "NaN", "1e20", f"1{'0' * 400}"],
)
def test_a_token_needs_an_expiry_that_is_a_moment(expiry: str) -> None:
    door = Door()
    claims = json.dumps(door.claims(exp="EXP")).replace('"EXP"', expiry)
    told = door.refusal(bearer(raw('{"alg":"EdDSA","kid":"k1"}', claims)))
    assert "'exp'" in told.detail


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused_beyond_the_leeway(claim: str) -> None:
    door = Door(leeway=10)
    later = door.clock.seconds + 11
    token = bearer(door.token(None, **{claim: later}))
    assert f"'{claim}' lies in the future" in door.refusal(token).detail
    door.clock.move(1)
    assert door.enter(token).subject == "ada"


@pytest.mark.parametrize("leeway", [-1, 30.5, float("nan")])
def test_the_leeway_is_at_most_30_seconds(leeway: float) -> None:
    with pytest.raises(ValueError, match="leeway"):
        Door(leeway=leeway)


def test_two_issuers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Authenticator([House(), House()], SetClock())


def test_claims_can_be_named_otherwise_and_stand_deeper() -> None:
    names = ClaimNames("https://acme.example/ws", "/realm_access/roles", "/a~1b/0~0", "caps")
    door = Door(claims=names)
    claims = door.claims(
        workspace=None, roles=None, type=None, realm_access={"roles": ["admin"]}, caps=["x"]
    )
    claims |= {"https://acme.example/ws": "acme", "a/b": {"0~": "agent"}}
    found = door.enter(bearer(raw('{"alg":"EdDSA","kid":"k1"}', json.dumps(claims))))
    assert (found.workspace, found.type, found.roles, found.capabilities) == (
        "acme",
        PrincipalType.AGENT,
        frozenset({"admin"}),
        frozenset({"x"}),
    )


def test_a_path_through_something_else_finds_no_claim() -> None:
    door = Door(claims=ClaimNames(workspace="/acme/name"))
    claims = door.claims() | {"acme": "text"}
    assert (
        "'/acme/name'"
        in door.refusal(bearer(raw('{"alg":"EdDSA","kid":"k1"}', json.dumps(claims)))).detail
    )
