"""Who is acting: from a bearer token to a principal."""

from gateway.identity.authenticator import (
    MAX_LEEWAY,
    MAX_TOKEN_CHARS,
    Authenticator,
    name_of_token,
)
from gateway.identity.code_flow import CodeFlow, CodeFlowConfig, SignInAttempt
from gateway.identity.issuer import AUDIENCE, LOCAL_ISSUER, ClaimNames, Issuer, IssuerProfile
from gateway.identity.local import LocalIssuer
from gateway.identity.oidc import OidcConfig, OidcIssuer
from gateway.identity.revocations import RevocationFile, add_revocations, read_revocations

__all__ = [
    "AUDIENCE",
    "LOCAL_ISSUER",
    "MAX_LEEWAY",
    "MAX_TOKEN_CHARS",
    "Authenticator",
    "ClaimNames",
    "CodeFlow",
    "CodeFlowConfig",
    "Issuer",
    "IssuerProfile",
    "LocalIssuer",
    "OidcConfig",
    "OidcIssuer",
    "RevocationFile",
    "SignInAttempt",
    "add_revocations",
    "name_of_token",
    "read_revocations",
]
