"""From a template and what the API said to a page: every string is escaped, no script is inline."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from gateway.surfaces.console.arguments import is_masked
from gateway.surfaces.console.letters import visible
from gateway.surfaces.console.states import state_of

TEMPLATES = Path(__file__).parent / "templates"
"""The templates of the pages."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content Security Policy of every page."""

HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What every page is sent with."""

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@cache
def environment() -> Environment:
    """The templates, with what they say times, words and JSON by."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    made.filters.update(moment=moment, words=words, pretty=pretty, lasting=lasting)
    made.filters.update(state=state_of, is_masked=is_masked, exactly=exactly)
    return made


def _shown(value: Any) -> Any:
    """What a template shows of a value: of a text what people cannot read otherwise than it is."""
    return visible(value) if type(value) is str else value


def exactly(text: Any) -> Markup:
    """What a form is filled in with: what was typed or read, as it is to be sent again."""
    return escape(text)


def page(template: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page of the console as an HTTP answer."""
    return HTMLResponse(environment().get_template(template).render(context), status, HEADERS)


def moment(text: str | None, now: datetime) -> Markup:
    """A moment of the API (RFC 3339) as people say it, with the exact one to look up."""
    if not text:
        return Markup("<span class='none'>never</span>")
    at = datetime.fromisoformat(text)
    away = (at - now).total_seconds()
    said = lasting(abs(away))
    told = "now" if abs(away) < 1 else f"in {said}" if away > 0 else f"{said} ago"
    exact = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, exact, told)


def lasting(seconds: float) -> str:
    """A length of time in its largest unit: 90 seconds are 1 minute."""
    for size, unit in _UNITS:
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {unit}{'s' if many != 1 else ''}"
    return "no time"


def words(name: str) -> str:
    """A name of an enum in words: ``WAITING_APPROVAL`` is ``Waiting approval``."""
    return name.replace("_", " ").capitalize()


def pretty(value: Any) -> Markup:
    """JSON for people, in the order in which it came."""
    return Markup("<pre class='json' tabindex='0'>{}</pre>").format(
        visible(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    )
