"""The page for people: GraphiQL if it was installed, else a plain page that says how to."""

import base64
import hashlib
import re
from functools import cached_property
from pathlib import Path

from starlette.responses import FileResponse, Response

from gateway.surfaces.graphql.http.answers import COMMON_HEADERS

GRAPHIQL = Path(__file__).parent / "static" / "graphiql.html"
"""Where ``scripts/fetch_graphiql.py`` puts the page."""

_SCRIPT = re.compile(rb"<script[^>]*>(.*?)</script>", re.DOTALL)

_PLAIN = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>GraphQL</title></head>
<body>
<h1>GraphQL</h1>
<p>This is the gateway's GraphQL endpoint, and it works. Send it POST requests with the content
type <code>application/json</code>:</p>
<pre>{"query": "{ __typename }"}</pre>
<p>GraphiQL, an editor for queries, is not installed here. To install it, run
<code>make graphiql</code> in the gateway's source (it needs npm) and start the gateway again.</p>
</body>
</html>
"""


class Page:
    """The page and the headers that keep it to its own origin.

    GraphiQL is one file with its scripts inside; they are allowed by their hashes, and nothing
    from another origin is. Its editor runs workers from blobs and writes styles at run time.
    """

    def __init__(self, file: Path = GRAPHIQL) -> None:
        self._file = file

    @cached_property
    def _headers(self) -> dict[str, str] | None:
        """The headers of the installed page, made when it is first asked for: it is large."""
        return page_headers(self._file.read_bytes()) if self._file.is_file() else None

    def answer(self) -> Response:
        """The page as an HTTP answer."""
        if self._headers is None:
            return Response(_PLAIN, headers=page_headers(_PLAIN.encode()))
        return FileResponse(self._file, headers=self._headers)


def page_headers(page: bytes) -> dict[str, str]:
    """The headers that ``page`` is sent with."""
    return {
        **COMMON_HEADERS,
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": content_security_policy(page),
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
    }


def content_security_policy(page: bytes) -> str:
    """A policy that lets ``page`` run its own inline scripts and reach its own origin only."""
    digests = [hashlib.sha256(script).digest() for script in _SCRIPT.findall(page)]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    scripts = hashes or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src data:",
            "worker-src blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
