"""Page tokens of searches: where the next page goes on, and of which search.

A token holds nothing that its holder does not know, and gives nothing that they could not ask for
otherwise; so it is not signed, only checked for its form.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from gateway.model.problem import Issue, refuse
from gateway.surfaces.authzen.messages import Search

_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Position:
    """Behind which name a page begins, None for the first, and how many results it has."""

    after: str | None
    limit: int | None


def position_of(search: Search) -> Position:
    """Where the page begins that ``search`` asks for.

    Raises:
        ProblemError: BAD_REQUEST for a token that is none of ours, or of another search.
    """
    page = search.page
    if page is None or not page.token:
        return Position(None, page.limit if page else None)
    try:
        after, limit, digest = _opened(page.token)
    except (ValueError, RecursionError) as error:
        raise _refused("is none that this gateway gave") from error
    if digest != _digest(search):
        raise _refused("was given for a search with other entities: begin without it")
    if page.limit not in (None, limit):
        raise _refused("was given for a search with another limit: begin without it")
    return Position(after, limit)


def token_for(search: Search, after: str | None, limit: int | None) -> str:
    """The token of the page behind ``after``; empty where nothing follows."""
    if after is None:
        return ""
    text = json.dumps([after, limit, _digest(search)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(token: str) -> tuple[str, int | None, str]:
    if len(token) > _LONGEST or not token.isascii():
        raise ValueError("no token")
    try:
        found = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("no token") from error
    match found:
        case [str(after), None | int() as limit, str(digest)] if limit is None or limit >= 0:
            return after, limit, digest
    raise ValueError("no token")


def _digest(search: Search) -> str:
    text = json.dumps([search.kind, search.parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _refused(what: str) -> Exception:
    told = f"/page/token {what}."
    return refuse("BAD_REQUEST", told, issues=(Issue("/page/token", "INVALID_FORMAT", told),))
