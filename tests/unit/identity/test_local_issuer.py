"""The local issuer: development tokens that say what they were asked to say."""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.identity import LocalIssuer
from gateway.model.problem import ProblemError
from tests.identity_provider import SetClock


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, unverified."""
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    return parts["header"], parts["payload"]


def test_a_token_holds_every_claim(tmp_path: Path) -> None:
    clock = SetClock()
    issuer = LocalIssuer.open(tmp_path, clock)
    token = issuer.issue("ada", "human", ["admin", "user", "admin"], "acme", 3600, ["pay@1.0.0"])
    header, claims = read(token)
    assert header["alg"] == "EdDSA"
    assert claims.pop("jti").startswith("tok_")
    assert claims == {
        "iss": "contract-gateway:local",
        "aud": "contract-gateway",
        "sub": "ada",
        "iat": clock.seconds,
        "nbf": clock.seconds,
        "exp": clock.seconds + 3600,
        "workspace": "acme",
        "type": "human",
        "roles": ["admin", "user"],
        "capabilities": ["pay@1.0.0"],
    }


def test_a_token_without_capabilities_is_unrestricted(tmp_path: Path) -> None:
    _, claims = read(LocalIssuer.open(tmp_path).issue("ada", "human", [], "acme", 60))
    assert "capabilities" not in claims


def test_each_token_has_its_own_name(tmp_path: Path) -> None:
    issuer = LocalIssuer.open(tmp_path)
    made = [read(issuer.issue("ada", "human", [], "acme", 60))[1]["jti"] for _ in range(3)]
    assert len(set(made)) == 3


def test_the_key_id_is_the_thumbprint_of_the_key(tmp_path: Path) -> None:
    header, _ = read(LocalIssuer.open(tmp_path).issue("ada", "human", [], "acme", 60))
    key = load_pem_private_key((tmp_path / "token-signing.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    x = urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    form = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()
    expected = urlsafe_b64encode(hashlib.sha256(form).digest()).rstrip(b"=").decode()
    assert header["kid"] == expected


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """Appendix A.3 of the RFC gives the thumbprint of the key of appendix A.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    issuer = LocalIssuer(Ed25519PrivateKey.from_private_bytes(seed), SetClock(), FixedIds())
    header, claims = read(issuer.issue("ada", "human", [], "acme", 60))
    assert header["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert claims["jti"] == "tok_fixed"


class FixedIds:
    """Always the same id."""

    def new(self, prefix: str) -> str:
        return f"{prefix}_fixed"


def test_the_issuer_of_a_folder_keeps_its_key(tmp_path: Path) -> None:
    token = LocalIssuer.open(tmp_path).issue("ada", "human", [], "acme", 60)
    kid = read(token)[0]["kid"]
    key = asyncio.run(LocalIssuer.open(tmp_path).key(kid, "EdDSA"))
    assert key is not None
    jwt.decode(token, key, algorithms=["EdDSA"], audience="contract-gateway")


def test_only_its_own_key_and_algorithm_are_known(tmp_path: Path) -> None:
    issuer = LocalIssuer.open(tmp_path)
    kid = read(issuer.issue("ada", "human", [], "acme", 60))[0]["kid"]
    asked = [(None, "EdDSA"), ("other", "EdDSA"), (kid, "ES256")]
    assert [asyncio.run(issuer.key(*pair)) for pair in asked] == [None, None, None]


def test_everything_that_is_wrong_with_a_token_is_told_at_once(tmp_path: Path) -> None:
    issuer = LocalIssuer.open(tmp_path)
    with pytest.raises(ProblemError) as caught:
        issuer.issue("a\nb", "anonymous", ["Admin"], "Acme Corp", 0, [""])
    issues = caught.value.problem.issues
    assert [issue.path for issue in issues] == [
        "/subject",
        "/type",
        "/roles",
        "/workspace",
        "/capabilities",
        "/ttl",
    ]
    assert {issue.code for issue in issues} == {"CLAIM_INVALID"}


@pytest.mark.parametrize("ttl", [-1, 0, 367 * 86_400, float("nan"), float("inf")])
def test_a_token_lasts_for_a_time_within_bounds(tmp_path: Path, ttl: float) -> None:
    with pytest.raises(ProblemError, match="The ttl must be"):
        LocalIssuer.open(tmp_path).issue("ada", "human", [], "acme", ttl)


def test_a_damaged_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    LocalIssuer.open(tmp_path)
    path = tmp_path / "token-signing.pem"
    text = path.read_text()
    path.write_text(text[:60])
    with pytest.raises(ProblemError) as caught:
        LocalIssuer.open(tmp_path)
    told = json.dumps(caught.value.problem.to_json())
    assert caught.value.problem.code == "KEYS_UNUSABLE"
    assert text.splitlines()[1][:20] not in told
