"""Who is acting: from a bearer token to a principal."""

from gateway.identity.authenticator import MAX_LEEWAY, MAX_TOKEN_CHARS, Authenticator
from gateway.identity.code_flow import CodeFlow, CodeFlowConfig, SignInAttempt
from gateway.identity.issuer import AUDIENCE, LOCAL_ISSUER, ClaimNames, Issuer, IssuerProfile
from gateway.identity.local import LocalIssuer
from gateway.identity.oidc import OidcConfig, OidcIssuer

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
    "SignInAttempt",
]
