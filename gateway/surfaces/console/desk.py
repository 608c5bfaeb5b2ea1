"""What all pages of the console work with, as the composition root puts it together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp

from gateway.identity import CodeFlow
from gateway.model.ports import Clock
from gateway.model.principal import Principal
from gateway.surfaces.graphql import Authenticate
from gateway.surfaces.graphql.door import ValidFor


@dataclass(frozen=True, slots=True)
class Desk:
    """The public API, and who sits before it.

    ``graphql`` is the public GraphQL endpoint itself, ``evidence`` the door that hands out bundles:
    the console asks them with the token of whoever visits, and nothing else. ``may_see`` names the
    root fields that somebody is shown, None for all: it decides what is offered, never what is
    done. It shows nothing while it is not sure which policy is in force, so ``settle`` comes first:
    it returns once that is sure, or raises ProblemError. ``code_flow`` is how people sign in where
    an identity provider is set, ``takes_tokens`` whether they may paste a development token.
    ``public_url`` is the origin under which browsers reach the gateway; without it, that of each
    request.
    """

    graphql: ASGIApp
    evidence: ASGIApp
    authenticate: Authenticate
    valid_for: ValidFor
    may_see: Callable[[Principal], frozenset[str] | None]
    settle: Callable[[], Awaitable[None]]
    clock: Clock
    code_flow: CodeFlow | None = None
    takes_tokens: bool = True
    public_url: str | None = None
